"""From one page to another: none imports another, and each finds here what it was sent for."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

SENT, PAGES = "sent to a page", "pages"


def remember(**pages: Any) -> None:
    """The navigation's pages, by the names under which others lead to them."""
    st.session_state[PAGES] = pages


def send(page: str, **wanted: object) -> None:
    """Leads to a page as soon as this run comes to `follow`; there `wanted` is what it is to show of its own."""
    st.session_state[SENT] = (page, wanted)


def follow() -> None:
    """Goes where somebody has been sent."""
    page, _ = st.session_state.get(SENT, ("", {}))
    # A page that runs alone leads nowhere.
    if page in st.session_state.get(PAGES, {}):
        st.switch_page(st.session_state[PAGES][page])


def arrived(page: str) -> Mapping[str, object]:
    """What this page was asked to show, once."""
    sent, wanted = st.session_state.get(SENT, ("", {}))
    if sent == page:
        del st.session_state[SENT]
    return wanted if sent == page else {}
