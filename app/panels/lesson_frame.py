"""What stands around a lesson: its place in the row, large buttons, and the presentation mode."""

import streamlit as st

from app.lessons import LESSONS, find
from app.lessons.lesson import Lesson

CSS = """
<style>
.st-key-learn_controls {flex-wrap:wrap; column-gap:1.6rem}
.st-key-learn_controls > div {flex:1 1 9.4rem; min-width:9.2rem; max-width:22rem}
.st-key-learn_numbers {flex-wrap:wrap}
.st-key-learn_numbers > div {flex:1 1 10rem; min-width:9.4rem}
.st-key-learn_charts {flex-wrap:wrap}
.st-key-learn_charts > div:first-child {flex:4 1 370px; min-width:290px}
.st-key-learn_charts > div:last-child {flex:3 1 300px; min-width:280px}
.st-key-learn_body {flex-wrap:wrap; column-gap:2.5rem; align-items:flex-start}
.st-key-learn_body > div:first-child {flex:2 1 330px; min-width:280px; max-width:620px}
.st-key-learn_body > div:last-child {flex:5 1 620px; min-width:300px}
.st-key-learn_text p {line-height:1.6}
.st-key-learn_text .katex-display {overflow-x:auto; overflow-y:hidden; padding:.35rem 0}
.st-key-learn_row {flex-wrap:wrap}
</style>
"""
# The page's sizes are relative to the root's, so one number enlarges letters, buttons and gaps alike.
LARGE = """
<style>
html {font-size:19px !important}
[data-testid="stHeader"], [data-testid="stSidebar"] {display:none}
[data-testid="stMainBlockContainer"] {padding:1.2rem 2rem 1rem; max-width:none}
.st-key-learn_row button {min-height:3rem}
@media (min-width:700px) {
  .st-key-learn_row {flex-wrap:nowrap}
  .st-key-learn_row .st-key-w_lesson {flex:0 1 460px !important; min-width:0}
}
</style>
"""
PRESENT = "Large type and nothing else on the page, for a class. The address can be shared."
LEAVE = "Back to the page with its navigation (key Esc)."
BEFORE, NEXT = "The lesson before (key ←).", "The next lesson (key →)."


def place() -> int:
    """The lesson that the address bar names."""
    return find(st.query_params.get("lesson"))


def presenting() -> bool:
    return st.query_params.get("present") == "1"


def apply() -> None:
    st.html(CSS + (LARGE if presenting() else ""))


def go(number: int, present: bool | None = None) -> None:
    """Makes the address bar name another lesson, or another way to show it."""
    present = presenting() if present is None else present
    query = {"lesson": LESSONS[number].slug} | ({"present": "1"} if present else {})
    st.query_params.from_dict(query)
    st.session_state["w_lesson"] = number


def row(number: int) -> None:
    """Previous, the list of lessons, next, and the switch to and from the presentation."""
    large = presenting()
    # Arrow keys move a slider too, so outside a presentation they are left to it.
    keys = ("Left", "Right", "Esc") if large else (None, None, None)
    with st.container(horizontal=True, vertical_alignment="center", key="learn_row"):
        st.button(
            "Previous",
            icon=None if large else ":material/arrow_back:",
            key="learn_previous",
            disabled=number == 0,
            help=BEFORE if large else None,
            on_click=go,
            args=(number - 1,),
            shortcut=keys[0],
        )
        st.session_state["w_lesson"] = number
        st.selectbox(
            "Lesson",
            range(len(LESSONS)),
            format_func=lambda n: f"{n + 1} · {LESSONS[n].title}",
            key="w_lesson",
            on_change=lambda: go(st.session_state["w_lesson"]),
            label_visibility="collapsed",
            width=460,
        )
        st.button(
            "Next",
            icon=None if large else ":material/arrow_forward:",
            icon_position="right",
            key="learn_next",
            type="primary",
            disabled=number == len(LESSONS) - 1,
            help=NEXT if large else None,
            on_click=go,
            args=(number + 1,),
            shortcut=keys[1],
        )
        st.button(
            "Leave" if large else "Present",
            icon=":material/close_fullscreen:" if large else ":material/open_in_full:",
            key="learn_present",
            help=LEAVE if large else PRESENT,
            on_click=go,
            args=(number, not large),
            shortcut=keys[2],
        )


def words(number: int, lesson: Lesson) -> None:
    """Title, paragraphs, equation and what its symbols mean."""
    with st.container(key="learn_text"):
        st.title(lesson.title, anchor=False)
        if not presenting():
            st.caption(f"Lesson {number + 1} of {len(LESSONS)}")
        st.markdown(lesson.text)
        st.latex(lesson.equation)
        st.caption(lesson.symbols)
