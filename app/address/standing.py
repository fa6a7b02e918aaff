"""Parts of the address that stay whatever page is looked at and whatever is chosen on it."""

import streamlit as st

CLASS, LEAD, SHARED = "class", "lead", "shared"
NAMES = (CLASS, LEAD, SHARED)


def standing() -> dict[str, str]:
    """Those that this session has."""
    return dict(st.session_state.setdefault("standing", {}))


def stand(name: str, value: str | None) -> None:
    """Keeps one from now on; None takes it away."""
    kept = standing()
    kept.pop(name, None)
    st.session_state["standing"] = kept | ({name: value} if value else {})
