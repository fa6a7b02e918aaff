"""What one expects before a lesson is shown: asked of a single reader, and of a whole class."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.classroom.membership import Membership, classes, membership, student
from app.learn.questions import QUESTIONS, Question
from app.words import counted

WAIT = 1.0
CSS = """
<style>
.predicted {width:100%; border-collapse:collapse}
.predicted td, .predicted th {padding:.3rem .8rem .3rem 0; text-align:left; font-weight:inherit}
.predicted th {opacity:.8}
.predicted .number {text-align:right; font-variant-numeric:tabular-nums}
.predicted td:last-child {width:50%}
.predicted div {height:1.1rem; border-radius:3px; background:light-dark(#0f6b72, #4fb8bd)}
</style>
"""


def is_open(slug: str) -> bool:
    """Whether the lesson may be shown, which in a class its teacher decides."""
    found = membership()
    return found is None or not classes().is_there(found.code) or classes().revealed(found.code, slug)


def ask(slug: str) -> None:
    """The lesson's question."""
    found = membership()
    if found is None or not classes().is_there(found.code):
        _alone(slug, QUESTIONS[slug])
    else:
        st.fragment(_together, run_every=WAIT)(slug, found)


def _alone(slug: str, question: Question) -> None:
    with st.expander("Predict first", icon=":material/psychology_alt:", key="predict"):
        said = _options(slug, question, None)
        if said is not None:
            _judge(question, said)


def _together(slug: str, found: Membership) -> None:
    question, store = QUESTIONS[slug], classes()
    if not store.is_there(found.code):
        st.rerun()
    with st.container(border=True, key="predict"):
        st.markdown("**What do you expect?**" if not found.leads else "**What does the class expect?**")
        open_now = not store.revealed(found.code, slug)
        counts = store.answers(found.code, slug, len(question.options))
        if found.leads:
            st.markdown(question.text)
            _lead(slug, found, open_now, sum(counts))
        else:
            said = _options(slug, question, found if open_now else None, disabled=not open_now)
            if open_now:
                words = "Your answer is in; you may still change it." if said is not None else "Choose one."
                st.caption(f"{words} The lesson appears when the teacher reveals it.")
        if not open_now:
            st.html(bars(question, counts))
            st.caption(f"**{question.options[question.right]}.** {question.why}")
    if st.session_state.get("predict_open", open_now) != open_now:
        st.session_state["predict_open"] = open_now
        st.rerun()
    st.session_state["predict_open"] = open_now


def _lead(slug: str, found: Membership, open_now: bool, given: int) -> None:
    if open_now:
        st.markdown("".join(f"- {option}\n" for option in QUESTIONS[slug].options))
        of = classes().present(found.code)
        st.caption(f"{counted(given, 'answer')} of {counted(of, 'student')} so far. Nobody sees who answered what.")
        st.button(
            "Reveal to the class",
            key="predict_reveal",
            type="primary",
            on_click=classes().reveal,
            args=(found.code, found.secret, slug),
            help="Shows everybody how many expected what, what is true, and the lesson.",
        )
    else:
        st.button(
            "Ask again",
            key="predict_again",
            on_click=classes().ask_again,
            args=(found.code, found.secret, slug),
            help="Forgets these answers and hides the lesson until you reveal it.",
        )


def _options(slug: str, question: Question, found: Membership | None, disabled: bool = False) -> int | None:
    """What is chosen of them; in a class the class is told."""
    kept = st.session_state.setdefault("predicted", {})
    key = f"w_predict_{slug}"
    st.session_state[key] = kept.get(slug)

    def take() -> None:
        kept[slug] = st.session_state[key]
        if found is not None and kept[slug] is not None and classes().is_there(found.code):
            classes().answer(found.code, slug, student(), kept[slug])

    st.radio(
        question.text,
        range(len(question.options)),
        format_func=question.options.__getitem__,
        key=key,
        on_change=take,
        disabled=disabled,
        help="What you expect before you have seen it. Nobody is told who answered what.",
    )
    return kept.get(slug)


def _judge(question: Question, said: int) -> None:
    if said == question.right:
        st.success(f"Yes. {question.why}", icon=":material/check:")
    else:
        st.info(f"{question.options[question.right]}. {question.why}", icon=":material/lightbulb:")


def bars(question: Question, counts: Sequence[int]) -> str:
    """A table, in HTML, with a bar for each answer, and the right one marked."""
    most = max(*counts, 1)
    rows = "".join(
        f'<tr><td>{"✓ " * (place == question.right)}{escape(option)}</td><td class="number">{count}</td>'
        f'<td aria-hidden="true"><div style="width:{count / most:.0%}"></div></td></tr>'
        for place, (option, count) in enumerate(zip(question.options, counts, strict=True))
    )
    head = "<tr><th>Expected</th><th>Students</th><td></td></tr>"
    return f'{CSS}<table class="predicted">{head}{rows}</table>'
