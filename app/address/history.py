"""Back and Forward in the browser: each address of a visit shows again what it showed, uploads too.

Streamlit tells the run that follows such a step; the browser's side is `app/server/steps.js`.
"""

from collections.abc import Mapping
from copy import copy
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

# Of each page: where its choice is kept in the session.
KEPT = {
    "explore": "grid_choice",
    "compare": "compare",
    "fairness": "fairness",
    "evaluate": "evaluate_choice",
    "layers": "layers_choice",
    "studies": "studies_choice",
    "flow": "flow_choice",
    "learn": "learn",
}
SHARED = ("selection", "source")
NOTICES = ("link_clauses", "link_settled", "picture_gone")
# Steps of one visit that are remembered.
MOST = 200


def follow(page: str) -> None:
    """Before anything of `page` is drawn: where the browser has gone back or on, what that address showed.

    An address that this visit has not seen is read as the link of a new visit is.
    """
    st.session_state["page"] = page
    context = get_script_run_ctx()
    if context is None or not context.is_history_navigation:
        return
    query = st.query_params.to_dict()
    shown = _seen().get(_step(page, query))
    for key in _keys(page):
        st.session_state.pop(key, None)
    if shown is not None:
        st.session_state.update({key: copy(value) for key, value in shown.items()})
        return
    for key in NOTICES:
        st.session_state.pop(key, None)
    st.session_state["arrived"] = (page, query)


def write(query: Mapping[str, str]) -> None:
    """Makes the address bar hold `query`, and remembers what is shown there."""
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)
    page, seen = st.session_state.get("page", ""), _seen()
    step = _step(page, query)
    seen.pop(step, None)
    seen[step] = {key: copy(st.session_state[key]) for key in _keys(page) if key in st.session_state}
    if len(seen) > MOST:
        del seen[next(iter(seen))]


def _keys(page: str) -> tuple[str, ...]:
    return (*SHARED, *([KEPT[page]] if page in KEPT else []))


def _step(page: str, query: Mapping[str, str]) -> tuple[str, frozenset[tuple[str, str]]]:
    return page, frozenset(query.items())


def _seen() -> dict[Any, dict[str, Any]]:
    return st.session_state.setdefault("steps", {})
