"""The proof that comes first: the function is the same, to the last bit."""

import streamlit as st

from app.words import counted, number, part
from explainers.fairness.check import Check
from explainers.fairness.maps import Question
from explainers.fairness.plan import Plan

CHANGE = (
    "The largest difference between any logit of the network before and after the rescaling. 0 means that not "
    "one bit moved: the two networks are the same function, so a fair measure has to say the same of both."
)
SIZE = "The largest logit (a class's score before softmax), to judge the change by."
PRINTED = (
    "The largest change of a logit with the rule as the ICML text prints it, which multiplies the bias of the "
    "next layer by c as well. It is not 0: that rule makes another network. Never used below unless the "
    "switch is on."
)
SCALED = (
    "The largest difference between the logits of the network whose last layer was multiplied by c, and c times the "
    "logits. 0: every score is exactly c times larger, and the decision the same."
)
SAME = "What the network answers to this picture, before and after the rescaling."


def proof(found: Check, plan: Plan, question: Question) -> None:
    """Changes of the logits under both transformations, and one sentence on what they prove."""
    shown, c = found.proof, part(question.c)
    with st.container(horizontal=True, vertical_alignment="bottom", key="fair_proof"):
        with st.container(key="fair_first"):
            st.metric("Largest change of a logit", number(shown.change), help=CHANGE)
        st.metric("Largest logit", number(shown.size), help=SIZE)
        same = shown.answer == shown.answer_after
        answer = shown.answer if same else f"{shown.answer} → {shown.answer_after}"
        st.metric("Answer", answer, help=SAME)
        st.metric("Change of a logit as printed", number(shown.as_printed), help=PRINTED)
        why = SCALED if shown.scaled_gap is not None else shown.scaled_reason
        st.metric(f"Output × {c}: error of a logit", number(shown.scaled_gap), help=why)
    _sentence(found, plan, question)


def _sentence(found: Check, plan: Plan, question: Question) -> None:
    moved, count = found.proof.change, len(plan.chosen(question.pair))
    if question.next_bias and found.proof.as_printed is None:
        st.info("These layers have no next bias to multiply, so the printed rule changes nothing here.")
    elif question.next_bias and moved:
        st.warning(
            "**Another function.** With the bias of the next layer multiplied too, a logit moves by "
            f"{number(moved)}: what follows compares two different networks, and proves nothing. This is the "
            "slip in the printed rule.",
            icon=":material/error:",
        )
    elif moved == 0:
        st.success(
            f"**The same function, bit for bit.** {counted(count, 'pair')} rescaled by {part(question.c)}, no "
            "logit moved. Whatever differs between before and after below is the method's doing, not the network's.",
            icon=":material/verified:",
        )
    else:
        st.warning(f"The logits moved by {number(moved)}, by rounding: read the factors below with that in mind.")
