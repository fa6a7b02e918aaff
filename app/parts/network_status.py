"""A network that a page needs: there, on its way, or why it cannot come."""

from collections.abc import Callable

import streamlit as st

from app.address import selection
from app.address.worlds import fitting
from app.jobs.backend import OWN, Backend, networks
from app.parts import progress
from app.words import megabytes, time_left
from explainers.networks.catalogue import Network, NetworkEntry

POLL = 0.7
BACK = "Back to the start"
BACK_HELP = "Takes a network whose weights are on this computer."
AGAIN_HELP = "Looks for the weights once more, and downloads them where there is a connection."


def entry_title(entry: NetworkEntry, here: bool = False) -> str:
    """How a list of networks calls it: with what its download takes, unless it is on this disk or loaded already."""
    if entry.available or here:
        return entry.title
    return f"{entry.title} " + ("(no weights)" if entry.shipped else f"↓ {megabytes(entry.size)}")


def selected_network(backend: Backend) -> Network | None:
    """The network that all pages share; None, with the reason drawn, while it is not here."""

    name = selection.selection().network

    def back() -> None:
        start = next(other for other in (selection.Selection().network, *_here()) if other != name)
        picture = fitting(selection.selection().picture, start)
        st.session_state["source"] = picture.partition("/")[0]
        selection.change(network=start, layer=None, grid=None, picture=picture)

    return network_or_status(backend, name, "network", "load", back)


def network_or_status(
    backend: Backend, name: str, slot: str, key: str, back: Callable[[], None], label: str = BACK
) -> Network | None:
    """The network `name`, asked for under the owner of `slot`; None, with the reason drawn, while it is not here.

    `back` takes another network instead: on Cancel, and by the button `label`.
    """
    owner = selection.owner(slot)
    view = backend.network(name, owner)
    if view.state == "done":
        return view.value

    cancelled: list[str] = []

    def again() -> None:
        backend.retry(name)

    def cancel() -> None:
        back()
        cancelled.append(name)

    def draw() -> None:
        # Whoever has cancelled does not ask for it again: the page goes on with another network.
        if cancelled or not (now := backend.network(name, owner)).live:
            st.rerun()
        words = time_left(now.remaining)
        progress.running(now.message or "Loading the network", now.progress, words, key, cancel)

    if view.live:
        st.fragment(draw, run_every=POLL)()
    elif name.startswith(OWN):
        # The file is no longer here to try again with; the sentence says what to upload instead.
        progress.ended(view.message, "error", key, (label, back))
    else:
        progress.ended(_absent(name, view.message), "cloud_off", key, ("Try again", again), AGAIN_HELP)
        st.button(label, key=f"{key}_back", icon=":material/undo:", on_click=back, help=BACK_HELP)
    return None


def _here() -> dict[str, str]:
    """Names and titles of the networks that need no download."""
    return {entry.name: entry.title for entry in networks() if entry.available}


def _absent(name: str, reason: str) -> str:
    """What is missing and why, and what there is, by their titles."""
    title = next((entry.title for entry in networks() if entry.name == name), name)
    here = "; ".join(words for other, words in _here().items() if other != name)
    return f"**{title}** cannot be shown. {reason} What needs no download: {here}."
