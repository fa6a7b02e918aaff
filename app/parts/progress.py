"""The line above a figure: how far the work has come, what became of it, and the button that stops it."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.jobs.backend import View

BUTTON = 190
CANCEL_HELP = "Stops this work. What is ready stays."
AGAIN_HELP = "Starts this work. It shows how far it is, can be cancelled, and computes nothing twice."


def in_line(text: str, queue: str) -> str:
    """What is going on, and where it stands among the others.

    >>> in_line("Waiting for its turn", "after 2 others"), in_line("Refining", "")
    ('Waiting for its turn, after 2 others', 'Refining')
    """
    return ", ".join(part for part in (text, queue) if part)


def in_frame(view: View) -> str:
    """What stands in the frame of a map that is not there: what it waits for, or what became of it.

    >>> in_frame(View("key", "waiting", message="after 2 others")), in_frame(View("key", "stopped"))
    ('waits for its turn, after 2 others', 'cancelled before anything was ready')
    """
    words = {
        "missing": "not computed yet",
        "waiting": in_line("waits for its turn", view.message),
        "running": "the first preview comes in a moment",
        "stopped": "cancelled before anything was ready",
        "failed": "failed; the reason stands above",
    }
    return words.get(view.state, view.message)


def coming(text: str, key: str) -> None:
    """Where a page has nothing to show yet: what will stand here, and when."""
    with st.container(border=True, key=f"{key}_coming"):
        st.markdown(text)


def running(text: str, progress: float, left: str, key: str, cancel: Callable[[], None]) -> None:
    """A bar with words on the time that is `left`, and Cancel."""
    # Nothing that still runs is at a hundred.
    words = " · ".join(part for part in (text, f"{min(progress, 0.99):.0%}", left) if part)
    line, side = _line(key)
    line.progress(min(max(progress, 0.0), 1.0), text=words)
    side.button(
        "Cancel", key=f"{key}_cancel", icon=":material/close:", on_click=cancel, width="stretch", help=CANCEL_HELP
    )


def ended(
    text: str, icon: str, key: str, again: tuple[str, Callable[[], None]] | None = None, words: str = AGAIN_HELP
) -> None:
    """One sentence on how the work ended, and a button to go on where that makes sense, with `words` as its help."""
    line, side = _line(key)
    line.markdown(f":material/{icon}: {text}")
    if again is not None:
        label, start = again
        side.button(
            label, key=f"{key}_again", icon=":material/play_arrow:", on_click=start, width="stretch", help=words
        )


def _line(key: str) -> tuple[DeltaGenerator, DeltaGenerator]:
    # Both states share two fixed places, so that no button moves away under the pointer.
    row = st.container(horizontal=True, vertical_alignment="center", key=f"{key}_line")
    return row.container(), row.container(width=BUTTON)
