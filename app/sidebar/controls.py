"""Network, weights and layer: widgets -> Selection. Every one shows the selection and changes nothing else."""

from typing import cast

import streamlit as st

from app.address import selection
from app.address.worlds import fitting
from app.jobs.backend import OWN, Backend, networks, the_backend
from app.parts.network_status import entry_title
from app.parts.own_networks import keep_own, own_here
from app.parts.strange import GIVEN_BACK
from app.sidebar.weights_choice import architecture_control, choice_control, file_of_weights, titled
from app.words import counted
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

# The place of the slider, which gives way to the diagram where there is room.
LAYER = "layer_control"
ERROR = "Off by: root mean square error on held-out pictures, of values from 0 to 1."


def network_control() -> None:
    """Which network; those whose weights are not on this disk say so, and one's own come first."""
    entries = {entry.name: entry for entry in networks()}
    chosen = selection.selection().network
    own = own_here(the_backend(), chosen)
    if chosen.startswith(OWN):
        own.setdefault(chosen, "Your own weights")
    if chosen not in entries and chosen not in own:
        chosen = selection.Selection().network
        selection.change(network=chosen, layer=None)

    def title(name: str) -> str:
        if name in own:
            return own[name]
        return entry_title(entries[name])

    heads = [name for name, entry in entries.items() if entry.group not in entries]
    head = entries[chosen].group or chosen if chosen in entries else chosen
    variants = [name for name, entry in entries.items() if entry.group == head]
    st.session_state["w_network"] = head
    st.selectbox(
        "Network",
        [*own, *heads],
        format_func=title,
        key="w_network",
        on_change=_take_network,
        help="The trained network whose layers are examined. Those marked ↓ are not on this disk yet: "
        "choosing one downloads its weights.",
    )
    if not variants:
        return
    st.session_state["w_variant"] = chosen
    st.selectbox(
        "Variant",
        [head, *variants],
        format_func=lambda name: title(name).removeprefix(f"{entries[head].title}, ") if name != head else "as it is",
        key="w_variant",
        on_change=_take_variant,
        help="The same architecture and pictures, trained in another way: pruned, taught by another network, "
        "hardened against attacks or damaged.",
    )


def own_weights_control(backend: Backend) -> None:
    """Weights of one's own, for a registered architecture or one that is recognised."""
    with st.expander("Your own weights", key="own_weights"):
        architecture_control("w_architecture", _take_architecture, backend)
        file_of_weights("Weights", "w_weights", _take_weights, backend)
        chosen = selection.selection().network
        choice_control(backend, chosen, "w_weights_choice", lambda given: _take_weights(backend, **given))


def network_note(network: Network) -> None:
    """What the network was trained on and how good it is."""
    classes = counted(len(network.classes), "class", "classes")
    parts = [GIVEN_BACK if network.reconstructs else classes, counted(len(network.layers), "layer")]
    if network.accuracy is not None:
        parts.append(f"{network.accuracy:.1%} " + ("of pixels right" if network.segments else "right"))
    if network.error is not None:
        parts.append(f"off by {network.error:.3f}")
    measured = ERROR if network.reconstructs else f"Share of right answers: {network.accuracy_note}."
    st.caption(
        " · ".join(parts),
        help=f"Trained on: {network.data}. {measured} "
        f"Weights: {network.source.split(':')[0] if '//' not in network.source else 'torchvision'}.",
    )


def layer_control(network: Network) -> Layer:
    """The layer as a slider in order of execution; returns the chosen one."""
    layers = {layer.name: layer for layer in network.layers}
    chosen = selection.selection().layer
    if chosen not in layers:
        chosen = middle(network).name
        selection.change(layer=chosen)
    st.session_state["w_layer"] = chosen
    layer = layers[chosen]
    with st.container(key=LAYER):
        st.select_slider(
            "Layer",
            list(layers),
            format_func=lambda name: f"{name} · {shape(layers[name])}",
            key="w_layer",
            on_change=_take_layer,
            help="From the first layer the picture passes to the last. The map shows what the feature at this "
            "point of the network still uses of each pixel. Behind the name: the feature's shape "
            "(channels × height × width, or its length).",
        )
        st.caption(f"Layer {layer.depth + 1} of {len(layers)}: {layer.kind}, {shape(layer)} values.")
    return layer


def middle(network: Network) -> Layer:
    """The layer a reader starts with, three quarters through: deep enough to have discarded something.

    Raises IndexError for a network without layers.
    """
    return network.layers[(3 * len(network.layers)) // 4]


def shape(layer: Layer) -> str:
    return "×".join(str(n) for n in layer.shape)


def _take_network() -> None:
    network = st.session_state["w_network"]
    picture = fitting(selection.selection().picture, network)
    if picture != selection.selection().picture:
        st.session_state["source"] = picture.partition("/")[0]
    selection.change(network=network, layer=None, grid=None, picture=picture)


def _take_variant() -> None:
    """The layer stays: variants are compared there."""
    selection.change(network=st.session_state["w_variant"])


def _take_architecture(backend: Backend) -> None:
    st.session_state["architecture"] = st.session_state["w_architecture"]
    # A file that did not fit gets its next try at once; one that did is left alone.
    chosen = selection.selection().network
    if chosen.startswith(OWN) and not backend.has_network(chosen):
        _take_weights(backend)


def _take_weights(backend: Backend, architecture: str | None = None, weights: str | None = None) -> None:
    file = st.session_state["w_weights"]
    if file is None:
        return
    architecture = cast(str, st.session_state["architecture"] if architecture is None else architecture)
    key = backend.add_network(architecture, file.getvalue(), selection.owner("network"), weights)
    keep_own(key, titled(file.name, architecture, weights))
    selection.change(network=key, layer=None, grid=None)


def _take_layer() -> None:
    selection.change(layer=st.session_state["w_layer"])
