"""The pictures that this session has brought: those that are offered again, the newest first."""

import streamlit as st

LISTED = 4


def uploads() -> tuple[str, ...]:
    """Their keys."""
    return st.session_state.setdefault("uploads", ())


def bring(key: str) -> None:
    """Puts a picture in front; the last of too many is offered no more."""
    others = tuple(other for other in uploads() if other != key)
    st.session_state["uploads"] = (key, *others)[:LISTED]
