"""All layers: the curve through the network and a strip of maps, appearing as they are ready."""

import streamlit as st

from app.address import selection
from app.explore.grid_choice import choice
from app.explore.one_layer import metric_control
from app.explore.take_curves import take_curves
from app.figures.layers import curve_figure, strip_figure
from app.figures.style import PLAIN_CONFIG
from app.inputs.network_input import Subject
from app.jobs.backend import Backend, View, foreground_gain
from app.jobs.memory import digest
from app.parts import progress
from app.parts.cells import cells_of
from app.parts.look import look
from explainers import CIDSettings, absolute_range
from explainers.cid.results import reconstruction_range
from explainers.decoders.cards import find_decoder
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

POLL = 1.0
CURVES = {
    "cid": "Mean CID: how much of the whole picture each layer has discarded. Concentration: how much "
    "more of the background than of the subject. Values are as computed, never smoothed.",
    "ru": "Mean RU: how badly the picture can be recovered from each layer that has a decoder. Concentration: how much "
    "worse the background than the subject. Values are as computed, never smoothed.",
}
HEARTBEAT = 5.0


def all_layers(
    store: Backend, network: Network, subject: Subject, settings: CIDSettings, shown: bool, marked: str
) -> None:
    """Draws what is there of every layer's map; while not `shown`, only keeps running work alive."""
    owner, metric = selection.owner("layers"), choice().metric
    if shown:
        metric_control("layers")
    layers = [layer for layer in network.layers if metric == "cid" or find_decoder(network, layer)]
    if not layers:
        st.info("RU needs a decoder for every layer that is to be shown. Train one in the tab **One layer**.")
        return
    sweep = digest(network.fingerprint, subject.digest, repr(settings), metric)
    if st.session_state.get("sweep") != sweep:
        st.session_state.pop("sweep", None)
        store.release(owner)

    def ask() -> list[View]:
        start = st.session_state.get("sweep") == sweep
        return [
            store.map(network, subject, layer, settings, owner, priority=1, start=start, metric=metric)
            for layer in layers
        ]

    def begin() -> None:
        st.session_state["sweep"] = sweep
        for view in ask():
            store.retry(view.key)

    def stop() -> None:
        st.session_state.pop("sweep", None)
        for view in ask():
            store.stop(view.key, owner)

    polling = any(view.live for view in ask())

    def draw() -> None:
        views = ask()
        if any(view.live for view in views) != polling:
            st.rerun()
        if shown:
            with st.container(horizontal=True, vertical_alignment="center"):
                with st.container():
                    _status(views, begin, stop)
                take_curves(network, subject, layers, views, metric, str(store.device))
            _figures(views, layers, subject, settings.beta, marked, metric)

    every = POLL if shown else HEARTBEAT
    st.fragment(draw, run_every=every if polling else None)()


def _status(views: list[View], begin, stop) -> None:
    done = [view for view in views if view.state == "done"]
    failed = [view for view in views if view.state == "failed"]
    if any(view.live for view in views):
        share = (len(done) + len(failed) + sum(v.progress for v in views if v.live)) / len(views)
        text = f"{len(done)} of {len(views)} layers ready"
        progress.running(text, share, progress.remaining(views), "layers", stop)
    elif len(done) == len(views):
        progress.ended(f"All {len(views)} layers are ready.", "check_circle", "layers")
    else:
        text = f"{len(done)} of {len(views)} layers have been computed for this picture and these settings."
        if not done:
            text = f"How does what is discarded grow from the first of {len(views)} layers to the last?"
        if failed:
            text += f" {len(failed)} failed: {failed[0].message}"
        label = "Compute the missing layers" if done else f"Compute all {len(views)} layers"
        progress.ended(text, "error" if failed else "stacks", "layers", (label, begin))


def _figures(
    views: list[View], layers: list[Layer], subject: Subject, beta: float, marked: str, metric: str
) -> None:  # fmt: skip
    names, title = [layer.name for layer in layers], metric.upper()
    ready = [view.value if view.state == "done" else None for view in views]
    mean = [None if result is None else float(result.mean[0]) for result in ready]
    gains = None
    if subject.mask is not None or subject.box is not None:
        gains = [None if result is None else foreground_gain(result, subject)[0] for result in ready]
    row = st.container(horizontal=True, key="series")
    with row.container():
        st.markdown(
            "**Layer by layer**",
            help=CURVES[metric],
        )
        st.plotly_chart(
            curve_figure(names, mean, gains, look(), marked, title),
            theme=None,
            key="figure_curve",
            config=PLAIN_CONFIG,
            alt=f"Mean {title} and concentration of every layer in order of execution",
        )
    with row.container():
        st.markdown(
            "**The maps, on one scale**",
            help="All maps share the colour scale in nats of the first tab, so they can be compared. "
            "In an empty frame stands what it waits for.",
        )
        limits = absolute_range(beta) if metric == "cid" else reconstruction_range()
        maps = [None if view.value is None else cells_of(view.value) for view in views]
        st.plotly_chart(
            strip_figure(names, maps, subject.size, limits, look(), notes=[progress.in_frame(view) for view in views]),
            theme=None,
            key="figure_strip",
            config=PLAIN_CONFIG,
            alt="One map per layer in nats",
        )
