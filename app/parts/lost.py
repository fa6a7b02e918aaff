"""An address at which no page is: a sentence that leads home, in place of Streamlit's dialog."""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.parts.look import READING


def pages(known: Sequence[Any]) -> list[Any]:
    """The page that stands at the address which the browser asks for, where none of the `known` ones does.

    The first of those is where it leads to; no menu has it.
    """
    context = get_script_run_ctx()
    asked = context and context.pages_manager.intended_page_name
    # The first run alone is told what was asked for. At a name that Streamlit would change no page of ours can stand.
    if asked:
        ours = asked == asked.strip().strip("/") and "/" not in asked and asked not in {page.url_path for page in known}
        st.session_state["lost"] = asked if ours else ""
    if not (lost := st.session_state.get("lost")):
        return []

    def page() -> None:
        with st.container(width=READING):
            st.title("There is no page at this address", anchor=False)
            st.markdown("It may have been mistyped, or the link is cut off.")
            home = "Maps of a network's layers for a picture: the page that is shown first."
            st.page_link(known[0], label="Go to Explore, where the app begins", help=home)

    return [st.Page(page, title="No such page", url_path=lost, visibility="hidden")]
