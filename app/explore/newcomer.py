"""For whoever comes for the first time: three lines before the maps, which can be put away, and examples below them."""

import streamlit as st

from app.address import selection
from app.explore.grid_choice import choice
from app.parts.examples import cards

LINES = """
1. Every layer of a network throws part of the picture away. CID shows what: **blue** is still used, **yellow** is gone.
2. Read from left to right, from an early layer to a late one: all maps of CID share one scale, in nats.
3. One nat more is 2.7 times as much noise on a pixel before the layer notices. The other rows have their own units.
"""
HIDE_HELP = "Puts these three lines away for this visit."


def begins_here() -> bool:
    """Whether the visit began on the start page, not behind a link that shows something."""
    return not selection.arrived("explore") and choice().view == "grid"


def lines() -> None:
    """What to read first."""
    if not begins_here() or st.session_state.get("newcomer_hidden"):
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="newcomer"):
        st.markdown(LINES)
        st.button("Got it", key="newcomer_hide", icon=":material/check:", on_click=_hide, help=HIDE_HELP)


def examples() -> None:
    """What else there is to see."""
    if begins_here():
        cards()


def _hide() -> None:
    st.session_state["newcomer_hidden"] = True
