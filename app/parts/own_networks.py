"""Weights that this session has brought, on any page: kept by their key, the newest first."""

from collections.abc import Callable, Mapping

import streamlit as st

from app.jobs.backend import NETWORKS_KEPT, Backend, networks
from app.parts.network_status import entry_title

KEY = "own_networks"


def own_titles() -> dict[str, str]:
    """Keys and titles of all."""
    return st.session_state.setdefault(KEY, {})


def own_here(backend: Backend, chosen: str = "") -> dict[str, str]:
    """Keys and titles of those that the server still has, and of the one that is `chosen`."""
    return {key: title for key, title in own_titles().items() if key == chosen or backend.has_network(key)}


def keep_own(key: str, title: str) -> None:
    """Puts one before the others, of which the oldest give way."""
    others = [(name, words) for name, words in own_titles().items() if name != key]
    st.session_state[KEY] = dict([(key, title), *others][:NETWORKS_KEPT])


def listed(backend: Backend, own: Mapping[str, str]) -> Callable[[str], str]:
    """How a list of networks calls each of the catalogue's and each of one's `own`."""
    entries = {entry.name: entry for entry in networks()}
    return lambda name: own[name] if name in own else entry_title(entries[name], backend.has_network(name))
