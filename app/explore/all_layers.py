"""All layers: the curve through the network and a strip of maps, appearing as they are ready."""

import math
from functools import partial

import streamlit as st

from app.address import selection
from app.explore.every_layer import status, watch
from app.explore.film import film_of, play_control, scene
from app.explore.grid import TRAIN_HELP, to_decoder
from app.explore.grid_choice import change, choice
from app.explore.one_layer import metric_control
from app.explore.pixel import draw_pixel_curve, pixel_probe
from app.explore.take_curves import take_curves
from app.figures.ends import ENDS
from app.figures.layers import LEAST, curve_figure, strip_figure, strip_rule
from app.figures.means import mean_words
from app.figures.style import PLAIN_CONFIG
from app.jobs.backend import Backend, View
from app.jobs.objects import foreground_gain
from app.parts import progress
from app.parts.arriving import arriving
from app.parts.certainty import LEAST_POINTS, UNSURE_POINTS, WHISKERS
from app.parts.look import look
from app.parts.sideways import more_beyond
from app.parts.sparing import sparing
from app.parts.watch import POLL, page_changed
from explainers import CIDSettings
from explainers.cid.certainty import is_certain, is_least, mean_uncertainty
from explainers.methods.entropies import CID_NAME, RU_NAME
from explainers.methods.network_input import NetworkInput
from explainers.methods.registry import find_method
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

CURVES = {
    CID_NAME: "Mean CID: how much of the whole picture each layer has discarded. Concentration: how much "
    "more of the background than of the subject. Values are as computed, never smoothed. " + WHISKERS,
    RU_NAME: "Mean RU: how badly the picture can be recovered from each layer that has a decoder. Concentration: how "
    "much worse the background than the subject. Values are as computed, never smoothed. " + WHISKERS,
}
HEARTBEAT = 5.0
OPEN_HELP = "Shows this layer alone, with its numbers. A click on a point of the curve does the same."


def all_layers(
    backend: Backend, network: Network, network_input: NetworkInput, settings: CIDSettings, shown: bool, marked: str
) -> None:
    """Draws what is there of every layer's map; while not `shown`, only keeps running work alive."""
    metric = choice().metric
    if shown:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            metric_control("layers")
            play_control("layers")
    layers = find_method(metric).layers(network)
    if not layers:
        st.info(f"{find_method(metric).nowhere}.")
    if shown:
        _decoders(network, layers, metric)
    if not layers:
        return
    work = watch(network_input, network, layers, metric, settings, marked)
    if shown:
        pixel_probe(network_input.size, _open)

    def draw(views: list[View]) -> None:
        if shown:
            with st.container(horizontal=True, vertical_alignment="center"):
                with st.container():
                    status(work, views)
                take_curves(backend, network, network_input, layers, views, metric, settings)
            seen = sparing("layers").shown(views)
            if choice().play:
                moving = sparing("film", whole=True).shown(views)
                film_of(scene(network, network_input, settings, marked, metric), moving, str(backend.device))
            _figures(seen, layers, network_input, settings, marked, metric)

    work.draw(draw, POLL if shown else HEARTBEAT)


def _decoders(network: Network, layers: list[Layer], metric: str) -> None:
    """The layers that lack a decoder, each a way to where one is trained."""
    lacking = [layer.name for layer in network.layers if layer not in layers]
    if find_method(metric).needs_decoder and lacking:
        st.session_state["w_train_layer"] = None
        st.pills("Train a decoder for", lacking, key="w_train_layer", on_change=_to_training, help=TRAIN_HELP)


def _to_training() -> None:
    if (name := st.session_state["w_train_layer"]) is not None:
        to_decoder(name)


def _clicked() -> None:
    """A point of the curves."""
    points = st.session_state["figure_curve"]["selection"]["points"]
    if points:
        _open(points[0]["x"])


def _opened() -> None:
    if (name := st.session_state["w_open_layer"]) is not None:
        _open(name)


def _open(layer: str) -> None:
    """The layer in the tab that shows one of them."""
    selection.change(layer=layer)
    change(view="layer")
    page_changed()


def _figures(
    views: list[View], layers: list[Layer], network_input: NetworkInput, settings: CIDSettings, marked: str, metric: str
) -> None:  # fmt: skip
    names, title = [layer.name for layer in layers], find_method(metric).title
    ready = [view.value if view.state == "done" else None for view in views]
    mean = [None if result is None else float(result.mean[0]) for result in ready]
    unsure = [result is not None and not is_certain(result.numbers) for result in ready]
    errors = [math.nan if result is None else mean_uncertainty(result.numbers) for result in ready]
    told = ["" if result is None else mean_words(result.numbers) for result in ready]
    gains = None
    if network_input.mask is not None or network_input.box is not None:
        gains = [None if result is None else foreground_gain(result, network_input)[0] for result in ready]
    row = st.container(horizontal=True, key="series")
    with row.container():
        st.markdown(
            "**Layer by layer**",
            help=CURVES[metric],
        )
        st.plotly_chart(
            curve_figure(names, mean, gains, look(), marked, title, unsure, errors, told),
            theme=None,
            key="figure_curve",
            config=PLAIN_CONFIG,
            on_select=_clicked,
            selection_mode="points",
            alt=f"Mean {title} and concentration of every layer in order of execution",
        )
        if any(unsure):
            st.caption(f":material/help: {UNSURE_POINTS}")
        if any(result is not None and is_least(result.numbers) for result in ready):
            st.caption(f":material/help: {LEAST_POINTS}")
        draw_pixel_curve(layers, views, network_input, metric, marked)
    with row.container():
        st.markdown(
            "**The maps, on one scale**",
            help="All maps share the colour scale in nats of the first tab, so they can be compared. "
            "In an empty frame stands what it waits for.",
        )
        limits = find_method(metric).fixed_scale(settings)
        maps = [None if view.value is None else view.value.values for view in views]
        make = partial(
            strip_figure,
            names,
            maps,
            network_input.size,
            limits,
            look(),
            notes=[progress.in_frame(view) for view in views],
            previews=[view.value is not None and view.state != "done" for view in views],
            ends=ENDS[metric],
        )
        with st.container(key="strip_frame", gap=None):
            tall = strip_rule(len(names))
            size = f"<style>.st-key-figure_strip {{min-width:{LEAST}px; height:{tall}}}</style>"
            st.html(size + more_beyond(LEAST, tall))
            arriving("strip", make, "One map per layer in nats", "stretch")
        there = [name for name, cells in zip(names, maps, strict=True) if cells is not None]
        if there:
            st.session_state["w_open_layer"] = None
            st.pills("Open one of them", there, key="w_open_layer", on_change=_opened, help=OPEN_HELP)
