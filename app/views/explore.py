"""Explore: what a layer of a network has discarded of a picture."""

import streamlit as st

from app import controls, grid_choice, state
from app.backend import Backend, backend
from app.grid_choice import VIEWS, choice, plain_query
from app.links import absent, problems, unknown
from app.look import apply
from app.methods import methods
from app.panels.all_layers import all_layers
from app.panels.network_status import selected_network
from app.panels.one_layer import one_layer
from app.panels.present_layers import present_row
from app.panels.side_by_side import Scene, side_by_side
from app.pictures import PictureGoneError
from app.sentences import sentence
from app.subject import Subject
from explainers import CIDSettings
from explainers.layers import Layer
from explainers.networks import Network


def page() -> None:
    """Sidebar -> selection -> panels."""
    store = backend()
    arrived = state.arrived()
    apply()
    with st.sidebar:
        controls.network_control()
        controls.own_weights_control(store)
        note = st.container()
        controls.picture_control(store)
    if not choice().present:
        st.title("What does this layer throw away?", anchor=False)
    network = selected_network(store)
    if network is None:
        return
    try:
        subject = store.subject(network, state.selection().picture)
    except PictureGoneError as error:
        st.warning(sentence(error), icon=":material/image_not_supported:")
        return
    with note:
        controls.network_note(network)
    with st.sidebar:
        layer = controls.layer_control(network)
        controls.settings_control(subject.size)
    _link_problems(network, arrived)
    state.write_address(choice().to_query())
    chosen = state.selection()
    settings = CIDSettings(**{name: getattr(chosen, name) for name in controls.SETTINGS})
    if choice().present:
        _presentation(store, network, subject, layer, settings)
        return
    st.session_state["w_view"] = VIEWS[choice().view]
    together, one, every = st.tabs(list(VIEWS.values()), key="w_view", on_change=_take_view)
    # What the other tabs have asked for gives way; All layers goes on behind them.
    for tab, slot in ((together, "grid"), (one, "map")):
        if not tab.open:
            store.release(state.owner(slot))
    with together:
        if together.open:
            side_by_side(store, Scene(network, subject, layer), settings)
    with one:
        if one.open:
            one_layer(store, network, subject, layer, settings)
    with every:
        all_layers(store, network, subject, settings, bool(every.open), layer.name)


def _presentation(store: Backend, network: Network, subject: Subject, layer: Layer, settings: CIDSettings) -> None:
    """One layer in large type; All layers goes on behind it."""
    store.release(state.owner("grid"))
    present_row(network, layer)
    one_layer(store, network, subject, layer, settings)
    all_layers(store, network, subject, settings, False, layer.name)


def _link_problems(network: Network, arrived: dict[str, str]) -> None:
    """Says what could not be taken of the link that the visit began with, until something else is chosen."""
    if "link_problems" not in st.session_state:
        taken = state.selection().to_query() | choice().to_query()
        found = problems(arrived, taken, plain_query())
        found += absent("layers", choice().layers, [layer.name for layer in network.layers])
        found += absent("methods", choice().methods, methods())
        if (choice().target or 0) >= len(network.classes):
            found.append(unknown("target", str(choice().target)))
            grid_choice.change(target=None)
        st.session_state["link_problems"] = found, state.selection(), choice()
    found, *before = st.session_state["link_problems"]
    if found and before == [state.selection(), choice()]:
        st.warning(" ".join(found) + " What could not be taken is as it is without a link.", icon=":material/link_off:")


def _take_view() -> None:
    shown = {title: name for name, title in VIEWS.items()}
    grid_choice.change(view=shown[st.session_state["w_view"]])
