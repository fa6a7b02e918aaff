"""Whether a picture of one's own travels with the link: off until it is asked for, and for how long."""

import streamlit as st

from app.inputs.pictures import Picture
from app.inputs.sentences import sentence
from app.jobs.backend import Backend
from app.jobs.shared import HOURS
from app.parts import shared_link
from app.parts.clock import here

HELP = (
    f"For {HOURS} hours whoever has this page's link sees the picture, without the name of its file. "
    "It is kept in this server's memory alone. Switched off, the link loses it at once; who has opened it keeps it."
)


def share_control(backend: Backend, picture: Picture) -> None:
    held = shared_link.links().get(picture.key)
    st.session_state["w_share"] = held is not None
    st.toggle("Put it into the link", key="w_share", on_change=_take, args=(backend, picture), help=HELP)
    if held is not None:
        st.caption(f":material/link: In the link until {here(held[1])}, then it is forgotten.")
    if problem := st.session_state.pop("share_problem", ""):
        st.error(problem)


def _take(backend: Backend, picture: Picture) -> None:
    if not st.session_state["w_share"]:
        shared_link.withdraw(backend, picture.key)
        return
    try:
        shared_link.share(backend, picture)
    except ValueError as error:
        st.session_state["share_problem"] = sentence(error)
