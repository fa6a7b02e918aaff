"""Explore: what a layer of a network has discarded of a picture."""

import streamlit as st

from app.address import selection
from app.explore import grid_choice, layer_column, newcomer
from app.explore.all_layers import all_layers
from app.explore.grid_choice import VIEWS, choice
from app.explore.layer_diagram import layer_diagram
from app.explore.link import check_link
from app.explore.one_layer import one_layer
from app.explore.present_layers import present_row
from app.explore.side_by_side import Scene, side_by_side
from app.inputs.pictures import PictureGoneError
from app.inputs.sentences import sentence
from app.jobs.backend import Backend, the_backend
from app.parts import link_notice, ways
from app.parts.look import apply
from app.parts.network_status import selected_network
from app.parts.strange import warn
from app.sidebar import controls
from app.sidebar.picture import picture_control
from app.sidebar.settings import SETTINGS, settings_control
from explainers import CIDSettings
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer


def page() -> None:
    """Sidebar -> selection -> panels."""
    backend = the_backend()
    apply()
    grid_choice.change(**ways.arrived("explore"))
    link_notice.check("explore", backend, choice().texts())
    with st.sidebar:
        controls.network_control()
        controls.own_weights_control(backend)
        note = st.container()
        picture_control(backend)
    if not choice().present:
        st.title("What does this layer throw away?", anchor=False)
    notice = st.empty()
    selection.write_address(choice().to_query())
    network = selected_network(backend)
    if network is None:
        link_notice.draw(notice)
        return
    try:
        network_input = backend.network_input(network, selection.selection().picture)
    except PictureGoneError as error:
        st.warning(sentence(error), icon=":material/image_not_supported:")
        return
    link_notice.check_network("explore", network, network_input.size)
    check_link(backend, network, network_input.size)
    with note:
        controls.network_note(network)
    with st.sidebar:
        layer = controls.layer_control(network)
        layer_column.follow(network, layer)
        settings_control(network_input.size)
    selection.write_address(choice().to_query())
    link_notice.draw(notice, (selection.selection(), choice()))
    warn(selection.selection().picture, network)
    chosen = selection.selection()
    settings = CIDSettings(**{name: getattr(chosen, name) for name in SETTINGS})
    if choice().present:
        _presentation(backend, network, network_input, layer, settings)
        return
    newcomer.lines()
    layer_diagram(backend, network, network_input, settings)
    st.session_state["w_view"] = VIEWS[choice().view]
    together, one, every = st.tabs(list(VIEWS.values()), key="w_view", on_change=_take_view)
    # What the other tabs have asked for gives way; All layers goes on behind them.
    for tab, slot in ((together, "grid"), (one, "map"), (one, "noise")):
        if not tab.open:
            backend.release(selection.owner(slot))
    with together:
        if together.open:
            side_by_side(backend, Scene(network, network_input, layer), settings)
            newcomer.examples()
    with one:
        if one.open:
            one_layer(backend, network, network_input, layer, settings)
    with every:
        all_layers(backend, network, network_input, settings, bool(every.open), layer.name)


def _presentation(
    backend: Backend, network: Network, network_input: NetworkInput, layer: Layer, settings: CIDSettings
) -> None:
    """One layer in large type; All layers goes on behind it."""
    backend.release(selection.owner("grid"))
    present_row(network, layer)
    one_layer(backend, network, network_input, layer, settings)
    all_layers(backend, network, network_input, settings, False, layer.name)


def _take_view() -> None:
    shown = {title: name for name, title in VIEWS.items()}
    grid_choice.change(view=shown[st.session_state["w_view"]])
