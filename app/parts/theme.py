"""The switch between light and dark while a page is open: its figures are drawn again in the other ink."""

import streamlit as st

from app.parts.component import component

_theme = component("theme")


def follow() -> None:
    """Runs the page again when the browser shows another theme than the one that it was drawn for."""
    _theme(key="theme", data={"drawn": st.context.theme.type}, on_shown_change=lambda: None)
