"""What a session has chosen, forgotten, so that its pages read the address again as on a first visit."""

from collections.abc import Mapping
from typing import Any, NoReturn

import streamlit as st

from app.address import history
from app.address.standing import SHARED, stand, standing

# What is read from the address on a visit's first run, and what was said of it.
CHOSEN = (*history.SHARED, *history.KEPT.values(), *history.NOTICES, "arrived", "learn_link", "shared_taken")


def visit(page: Any, query: Mapping[str, str]) -> NoReturn:
    """Goes to a page of the navigation as a link with these parts would, within the same session."""
    for name in CHOSEN:
        st.session_state.pop(name, None)
    # A picture of one's own goes on in no other's link.
    stand(SHARED, None)
    st.switch_page(page, query_params=dict(query) | standing())
