"""Side by side, the layer on the left acts on the columns: the one that is nearest to it becomes that layer."""

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.explore.grid_choice import MOST_COLUMNS, change, choice
from app.inputs.columns import known_layers
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

SEEN = "layer of the grid"


def follow(network: Network, layer: Layer) -> None:
    """Once the layer is chosen, before the columns are drawn; what Back and Forward bring is left as it was."""
    now, before = (network.name, layer.name), st.session_state.get(SEEN)
    st.session_state[SEEN] = now
    context = get_script_run_ctx()
    steps_back = context is not None and context.is_history_navigation
    moved = before is not None and before[0] == network.name and before != now
    if moved and not steps_back and (choice().view, choice().across) == ("grid", "layers"):
        shown = known_layers(network, choice().layers)[:MOST_COLUMNS]
        change(layers=tuple(one.name for one in with_layer(shown, layer)))


def with_layer(shown: Sequence[Layer], layer: Layer) -> tuple[Layer, ...]:
    """The layers, with `layer` in the place of the one that is nearest in depth, unless it is among them."""
    if layer in shown:
        return tuple(shown)
    nearest = min(shown, key=lambda one: abs(one.depth - layer.depth))
    return tuple(sorted([layer, *(one for one in shown if one != nearest)], key=lambda one: one.depth))
