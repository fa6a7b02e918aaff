"""How far the check has come; how far its network."""

import streamlit as st

from app import state
from app.backend import Backend, View
from app.panels import progress
from explainers.networks import Network

POLL = 0.7
STAGES = {"maps": "Measuring the maps", "curves": "Measuring layer after layer"}


def status(store: Backend, view: View, owner: str) -> None:
    """The line above the results: progress with Cancel, or how it ended."""

    def stop() -> None:
        state.stopped().add(view.key)
        store.stop(view.key, owner)

    def go_on() -> None:
        state.stopped().discard(view.key)
        store.retry(view.key)

    if view.live:
        text = "Waiting for its turn" if view.value is None else STAGES[view.value.note]
        progress.running(progress.in_line(text, view.message), view.progress, view.remaining, "fair", stop)
    elif view.state == "stopped":
        progress.ended(f"Cancelled at {view.progress:.0%}.", "cancel", "fair", ("Start again", go_on))
    elif view.state == "failed":
        progress.ended(view.message, "error", "fair", ("Try again", go_on))
    else:
        progress.ended("The check is complete.", "check_circle", "fair")


def network_or_status(store: Backend) -> Network | None:
    """The selected network; None, with the reason drawn, while it is not here."""
    name, owner = state.selection().network, state.owner("network")
    view = store.network(name, owner)
    if view.state == "done":
        return view.value

    def stop() -> None:
        state.change(network=state.Selection().network, layer=None)

    def draw() -> None:
        now = store.network(name, owner)
        if not now.live:
            st.rerun()
        progress.running(now.message or "Loading the network", now.progress, now.remaining, "fair_load", stop)

    if view.live:
        st.fragment(draw, run_every=POLL)()
    else:
        progress.ended(view.message, "cloud_off", "fair_load", ("Try again", lambda: store.retry(name)))
    return None
