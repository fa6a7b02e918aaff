"""The proof that comes first: the function is the same, to the last bit."""

import streamlit as st

from app.words import counted, number, part
from explainers.fairness.check import Check
from explainers.fairness.maps import Question
from explainers.fairness.plan import Plan

CHANGE = (
    "The largest difference between any {value} of the network before and after the rescaling. 0 means that not "
    "one bit moved: the two networks are the same function, so a fair measure has to say the same of both."
)
SIZE = "The largest {value}, to judge the change by. A logit is a class's score before softmax."
PRINTED = (
    "The largest change of a {value} with the rule as the ICML text prints it, which multiplies the bias of the "
    "next layer by c as well. It is not 0: that rule makes another network. Never used below unless the "
    "switch is on."
)
SCALED = (
    "The largest difference between what the network gives whose last layer was multiplied by c, and c times what it "
    "gave. 0: every score is exactly c times larger, and the decision the same."
)
SAME = "What the network answers to this picture, before and after the rescaling."


def proof(found: Check, plan: Plan, question: Question, reconstructs: bool) -> None:
    """Changes of logits, or of a picture that is given back, under both transformations, and what they prove."""
    shown, c = found.proof, part(question.c)
    value = "value of the picture" if reconstructs else "logit"
    with st.container(horizontal=True, vertical_alignment="bottom", key="fair_proof"):
        with st.container(key="fair_first"):
            st.metric(f"Largest change of a {value}", number(shown.change), help=CHANGE.format(value=value))
        st.metric(f"Largest {value}", number(shown.size), help=SIZE.format(value=value))
        same = shown.answer == shown.answer_after
        answer = shown.answer if same else f"{shown.answer} → {shown.answer_after}"
        if not reconstructs:
            st.metric("Answer", answer, help=SAME)
        st.metric(f"Change of a {value} as printed", number(shown.as_printed), help=PRINTED.format(value=value))
        why = SCALED if shown.scaled_gap is not None else shown.scaled_reason
        st.metric(f"Output × {c}: error of a {value}", number(shown.scaled_gap), help=why)
    _sentence(found, plan, question, value)


def _sentence(found: Check, plan: Plan, question: Question, value: str) -> None:
    moved, count = found.proof.change, len(plan.chosen(question.pair))
    if question.next_bias and found.proof.as_printed is None:
        st.info("These layers have no next bias to multiply, so the printed rule changes nothing here.")
    elif question.next_bias and moved:
        st.warning(
            f"**Another function.** With the bias of the next layer multiplied too, a {value} moves by "
            f"{number(moved)}: what follows compares two different networks, and proves nothing. This is the "
            "slip in the printed rule.",
            icon=":material/error:",
        )
    elif moved == 0:
        st.success(
            f"**The same function, bit for bit.** {counted(count, 'pair')} rescaled by {part(question.c)}, no "
            f"{value} moved. Whatever differs between before and after below is the method's doing, not the network's.",
            icon=":material/verified:",
        )
    else:
        st.warning(f"A {value} moved by {number(moved)}, by rounding: read the factors below with that in mind.")
