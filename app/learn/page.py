"""Learn: nine short lessons, each with something to move."""

import streamlit as st

from app.address import selection
from app.jobs.backend import the_backend
from app.learn import frame, predict
from app.learn.lessons import LESSONS, bench, controls
from app.learn.lessons.lesson import Stage
from app.learn.lessons.measured import SLOTS
from app.parts import link_notice, look, ways
from app.parts.network_status import network_or_status

LEAVE = "To Explore"


def page() -> None:
    """Address bar -> lesson; words and equation on one side, the widget on the other."""
    frame.apply()
    frame.check_link(selection.arrived("learn"))
    number = frame.place()
    lesson = LESSONS[number]
    frame.row(number)
    with st.container(horizontal=True, key="learn_body"):
        with st.container():
            frame.title(number, lesson)
            if opened := predict.is_open(lesson.slug):
                frame.words(lesson)
        with st.container():
            predict.ask(lesson.slug)
            if opened:
                _widget(number)
            else:
                frame.write_address(number, frame.presenting(), {})


@st.fragment
def _widget(number: int) -> None:
    notice = st.empty()
    if network_or_status(the_backend(), bench.NETWORK, "learn_network", "learn_load", _leave, LEAVE) is None:
        link_notice.draw(notice)
        return
    if st.session_state.get("learn_shown") != number:
        # What an earlier lesson still measures stops.
        for slot in SLOTS:
            the_backend().release(selection.owner(slot))
        st.session_state["learn_shown"] = number
    # What the link says of other lessons is not kept for them.
    settled = "link_settled" in st.session_state
    controls.begin({} if settled else selection.arrived("learn"))
    LESSONS[number].widget(Stage(look.look(), frame.presenting()))
    frame.write_address(number, frame.presenting(), controls.query())
    link_notice.draw(notice, (number, dict(controls.kept())))


def _leave() -> None:
    ways.send("explore")
