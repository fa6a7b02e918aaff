"""What stands around a lesson: its place in the row, large buttons, and the presentation mode."""

from collections.abc import Mapping

import streamlit as st

from app.address import history
from app.address.links import problems
from app.address.standing import standing
from app.inputs.sentences import sentence
from app.learn.lessons import LESSONS, controls, find
from app.learn.lessons.lesson import Lesson
from app.parts import link_notice, presentation
from app.parts.presentation import Steps
from explainers.assets import DamagedFile

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
.st-key-present_row {flex-wrap:wrap}
</style>
"""


def place() -> int:
    """The lesson that the address bar names."""
    return find(st.query_params.get("lesson"))


def presenting() -> bool:
    return st.query_params.get("present") == "1"


def apply() -> None:
    st.html(CSS + (presentation.LARGE if presenting() else ""))


def go(number: int, present: bool | None = None) -> None:
    """Makes the address bar name another lesson, or another way to show it."""
    present = presenting() if present is None else present
    write_address(number, present, controls.query() if number == place() else {})


def write_address(number: int, present: bool, values: Mapping[str, str]) -> None:
    """Makes the address bar hold the lesson, how it is shown, and the values of its controls."""
    query = {"lesson": LESSONS[number].slug} | ({"present": "1"} if present else {}) | dict(values)
    history.write(query | standing())


def check_link(link: Mapping[str, str]) -> None:
    """Says which lesson there is not, and which way to show one."""
    link_notice.blame(*problems("learn", link, {"lesson": LESSONS[place()].slug, "present": "1"}))


def row(number: int) -> None:
    """Previous, the list of lessons, next, and the switch to and from the presentation."""
    titles = [f"{place} · {lesson.title}" for place, lesson in enumerate(LESSONS, start=1)]
    presentation.row(Steps("lesson", titles, number, go), presenting())


def title(number: int, lesson: Lesson) -> None:
    st.title(lesson.title, anchor=False)
    if not presenting():
        st.caption(f"Lesson {number + 1} of {len(LESSONS)}")


def words(lesson: Lesson) -> None:
    """Paragraphs, equation and what its symbols mean."""
    with st.container(key="learn_text"):
        try:
            st.markdown(lesson.text)
        except DamagedFile as error:
            st.error(sentence(error))
        st.latex(lesson.equation)
        st.caption(lesson.symbols)
