"""The pixel that stays marked: the probe above the maps, and below them what every layer makes of that pixel."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from app.address.pixels import Pixel, inside, read, written
from app.explore.grid_choice import change, choice
from app.figures.pixel import pixel_figure, value_at
from app.figures.style import PLAIN_CONFIG
from app.jobs.backend import View
from app.parts.certainty import UNSURE_POINTS
from app.parts.look import look
from app.parts.probe import probe
from app.parts.watch import Asked, Watch, page_changed
from app.words import counted
from explainers import CIDSettings
from explainers.cid.certainty import is_certain
from explainers.methods.network_input import NetworkInput
from explainers.methods.registry import find_method
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

CURVE_HELP = (
    "The value of the marked pixel in the map of every layer, beside the mean of each map: where this point of the "
    "picture is thrown away sooner or later than the rest. Another click on a map marks another pixel."
)
MORE_HELP = "Leads to All layers, where the missing maps are computed."


def pixel_probe(size: Pixel, opened: Callable[[str], object] | None = None) -> None:
    """The line above maps of a picture of `size`; `opened(layer)` where a click on a map leads to its layer."""
    probe(size, pinned(size), lambda pixel: change(pin=written(pixel)), opened)


def pinned(size: Pixel) -> Pixel | None:
    """The pixel that stays marked, where a picture of that size has it."""
    return inside(read(choice().pin), size)


def pixel_curve(network: Network, network_input: NetworkInput, metric: str, settings: CIDSettings, marked: str) -> None:
    """The marked pixel through all layers whose maps are there; computes none. `marked` is the chosen layer."""
    if pinned(network_input.size) is None:
        return
    layers = find_method(metric).layers(network)
    asked = [Asked(network_input.request(network, layer, metric, settings), start=False) for layer in layers]
    draw_pixel_curve(
        layers, Watch(f"pixel {metric}", lambda: asked, "pixel").ask(), network_input, metric, marked, True
    )


def draw_pixel_curve(
    layers: Sequence[Layer],
    views: Sequence[View],
    network_input: NetworkInput,
    metric: str,
    marked: str,
    more: bool = False,
) -> None:
    """The same of views that are known; with `more`, a way to the maps that are missing."""
    pixel = pinned(network_input.size)
    if pixel is None:
        return
    ready = [view.value if view.state == "done" else None for view in views]
    values = [None if found is None else value_at(found.values, network_input.size, pixel) for found in ready]
    means = [None if found is None else float(found.mean[0]) for found in ready]
    unsure = [found is not None and not is_certain(found.numbers) for found in ready]
    title = find_method(metric).title
    st.markdown(f"**One pixel through the layers**: {title} at row {pixel[0]}, column {pixel[1]}", help=CURVE_HELP)
    st.plotly_chart(
        pixel_figure([layer.name for layer in layers], values, means, pixel, metric, look(), marked, unsure),
        theme=None,
        key=f"figure_pixel_{metric}",
        config=PLAIN_CONFIG | {"displayModeBar": False},
        alt=f"{title} of the pixel in row {pixel[0]}, column {pixel[1]}, for every layer in order of execution",
    )
    # In All layers the curves above say so.
    if more and any(unsure):
        st.caption(f":material/help: {UNSURE_POINTS}")
    unused = [layer.name for layer, one in zip(layers, values, strict=True) if one is not None and np.isposinf(one)]
    if unused:
        st.caption(f"Without a point, since the layer does not use this pixel at all: {', '.join(unused)}.")
    missing = values.count(None)
    if missing and more:
        with st.container(horizontal=True, vertical_alignment="center", key=f"pixel_more_{metric}"):
            st.caption(f"The maps of {counted(missing, 'layer')} are not there yet.")
            st.button("Compute them", key=f"w_pixel_more_{metric}", on_click=_to_layers, help=MORE_HELP)


def _to_layers() -> None:
    change(view="layers")
    page_changed()
