"""One layer in large type, and the row that leads a class from layer to layer."""

import streamlit as st

from app.address import selection
from app.explore.grid_choice import change
from app.parts import presentation
from app.parts.presentation import PRESENT, Steps
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer


def present_row(network: Network, layer: Layer) -> None:
    """Large type, and the layers in order of execution."""
    st.html(presentation.LARGE)

    def go(place: int, present: bool) -> None:
        show(network.layers[place], present)

    titles = [f"{known.name} · layer {known.depth + 1} of {len(network.layers)}" for known in network.layers]
    presentation.row(Steps("layer", titles, layer.depth, go), large=True)


def present_button(layer: Layer) -> None:
    """The way into the presentation."""
    st.button(
        "Present",
        icon=":material/open_in_full:",
        key="present_layer",
        help=PRESENT,
        on_click=show,
        args=(layer, True),
    )


def show(layer: Layer, present: bool) -> None:
    """Selects a layer, in large type or not."""
    selection.change(layer=layer.name)
    change(view="layer", present=int(present))
