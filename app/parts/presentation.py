"""The presentation mode: large type, nothing else on the page, and large buttons or arrow keys that lead on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

# The page's sizes are relative to the root's, so one number enlarges letters, buttons and gaps alike.
LARGE = """
<style>
html {font-size:19px !important}
[data-testid="stHeader"], [data-testid="stSidebar"] {display:none}
[data-testid="stMainBlockContainer"] {padding:1.2rem 2rem 1rem; max-width:none}
.st-key-present_row button {min-height:3rem}
@media (min-width:700px) {
  .st-key-present_row {flex-wrap:nowrap}
  .st-key-present_row [class*="st-key-w_present_"] {flex:0 1 460px !important; min-width:0}
}
@media (max-width:699px) {
  .st-key-present_row {gap:.5rem}
  .st-key-present_row [class*="st-key-w_present_"] {order:-1; flex-basis:100%}
  .st-key-present_row button {padding-inline:.6rem}
  .st-key-present_row kbd {display:none}
}
</style>
"""
PRESENT = "Large type and nothing else on the page, for a class. The address can be shared."
LEAVE = "Back to the page with its navigation (key Esc)."


@dataclass(frozen=True)
class Steps:
    """What the row leads through: titles in order, where it is now, and what one of them is called.

    `go(place, present)` shows another of them, in large type or not.
    """

    noun: str
    titles: Sequence[str]
    place: int
    go: Callable[[int, bool], None]


def row(steps: Steps, large: bool) -> None:
    """Previous, the list, next, and the switch to and from the presentation."""
    # Arrow keys move a slider too, so outside a presentation they are left to it.
    keys = ("Left", "Right", "Esc") if large else (None, None, None)
    hints = (" (key ←).", " (key →).") if large else (".", ".")
    key = f"w_present_{steps.noun}"
    st.session_state[key] = steps.place
    with st.container(horizontal=True, vertical_alignment="center", key="present_row"):
        st.button(
            "Previous",
            icon=None if large else ":material/arrow_back:",
            key="present_previous",
            disabled=steps.place == 0,
            help=f"The {steps.noun} before{hints[0]}",
            on_click=steps.go,
            args=(steps.place - 1, large),
            shortcut=keys[0],
        )
        st.selectbox(
            steps.noun.capitalize(),
            range(len(steps.titles)),
            format_func=steps.titles.__getitem__,
            key=key,
            on_change=lambda: steps.go(st.session_state[key], large),
            label_visibility="collapsed",
            width=460,
            help=f"Every {steps.noun} in its order; choose one to go there.",
        )
        st.button(
            "Next",
            icon=None if large else ":material/arrow_forward:",
            icon_position="right",
            key="present_next",
            type="primary",
            disabled=steps.place == len(steps.titles) - 1,
            help=f"The next {steps.noun}{hints[1]}",
            on_click=steps.go,
            args=(steps.place + 1, large),
            shortcut=keys[1],
        )
        st.button(
            "Leave" if large else "Present",
            icon=":material/close_fullscreen:" if large else ":material/open_in_full:",
            key="present_switch",
            help=LEAVE if large else PRESENT,
            on_click=steps.go,
            args=(steps.place, not large),
            shortcut=keys[2],
        )
