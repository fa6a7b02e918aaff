"""A network that a page needs: there, on its way, or why it cannot come."""

from collections.abc import Callable

import streamlit as st

from app import state
from app.backend import OWN, Backend
from app.panels import progress
from explainers.networks import Network

POLL = 0.7
BACK = "Back to the start"


def selected_network(store: Backend) -> Network | None:
    """The network that all pages share; None, with the reason drawn, while it is not here."""

    def back() -> None:
        state.change(network=state.Selection().network, layer=None)

    return network_or_status(store, state.selection().network, "network", "load", back)


def network_or_status(
    store: Backend, name: str, slot: str, key: str, back: Callable[[], None], label: str = BACK
) -> Network | None:
    """The network `name`, asked for under the owner of `slot`; None, with the reason drawn, while it is not here.

    `back` takes another network instead: on Cancel, and by the button `label` where trying again is in vain.
    """
    owner = state.owner(slot)
    view = store.network(name, owner)
    if view.state == "done":
        return view.value

    def again() -> None:
        store.retry(name)

    def draw() -> None:
        now = store.network(name, owner)
        if not now.live:
            st.rerun()
        progress.running(now.message or "Loading the network", now.progress, now.remaining, key, back)

    if view.live:
        st.fragment(draw, run_every=POLL)()
    elif name.startswith(OWN):
        # The file is no longer here to try again with; the sentence says what to upload instead.
        progress.ended(view.message, "error", key, (label, back))
    else:
        progress.ended(view.message, "cloud_off", key, ("Try again", again))
    return None
