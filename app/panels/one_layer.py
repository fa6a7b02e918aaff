"""One layer: the picture, its map on two scales, and the numbers, drawn again while the map sharpens."""

import numpy as np
import streamlit as st

from app import state
from app.backend import Backend, View, map_key
from app.figures.maps import empty_figure, nats_figure, picture_figure, unit_figure
from app.figures.predictions import prediction_figure
from app.figures.style import PLAIN_CONFIG
from app.look import look
from app.panels import progress
from app.panels.numbers import decimal, numbers
from app.subject import Subject
from explainers import CIDResult, CIDSettings, absolute_range
from explainers.layers import Layer
from explainers.networks import Network

POLL = 1.0


def one_layer(store: Backend, network: Network, subject: Subject, layer: Layer, settings: CIDSettings) -> None:
    """Asks for the map and draws it; polls only while it is being computed."""
    owner = state.owner("map")
    store.release(owner, keep={map_key(network, subject, layer, settings)})

    def ask() -> View:
        return store.map(network, subject, layer, settings, owner, state.stopped())

    polling = ask().live

    def draw() -> None:
        view = ask()
        if view.live != polling:
            st.rerun()
        _status(store, view, owner, network, layer)
        _figures(store, network, subject, layer, view.value, settings.beta)

    st.fragment(draw, run_every=POLL if polling else None)()


def cells_of(result: CIDResult) -> np.ndarray:
    """The map as one value per cell (rows, columns), nats."""
    entropy, (rows, columns) = result.entropy[0, 0], result.sigma.shape[-2:]
    return entropy[:: entropy.shape[0] // rows, :: entropy.shape[1] // columns].numpy()


def _status(store: Backend, view: View, owner: str, network: Network, layer: Layer) -> None:
    def stop() -> None:
        state.stopped().add(view.key)
        store.stop(view.key, owner)

    def go_on() -> None:
        state.stopped().discard(view.key)
        store.retry(view.key)

    if view.state == "waiting":
        progress.running("Waiting for its turn", 0.0, None, "map", stop)
    elif view.state == "running":
        stage = {"probes": "Sharpening the preview", "refinement": "Refining until the constraint holds"}
        text = stage.get(view.value.stage, "Finishing")
        progress.running(text, view.progress, view.remaining, "map", stop)
    elif view.state == "stopped":
        what = "the preview as far as it came" if view.value is not None else "nothing was ready yet"
        progress.ended(f"Cancelled at {view.progress:.0%}: {what}.", "cancel", "map", ("Go on", go_on))
    elif view.state == "failed":
        progress.ended(view.message, "error", "map", ("Try again", go_on))
    else:
        text = f"**{layer.name}** of {network.name}: mean CID {decimal(float(view.value.mean[0]))} nats."
        if not bool(view.value.converged[0]):
            text += " The constraint is not met within its tolerance; read this map with care."
        progress.ended(text, "check_circle", "map")


def _figures(
    store: Backend, network: Network, subject: Subject, layer: Layer, result: CIDResult | None, beta: float
) -> None:
    ink, config = look(), PLAIN_CONFIG
    limits = absolute_range(beta)
    with st.container(horizontal=True, key="figures"):
        with st.container():
            st.markdown(f"**{subject.title}**, as the network sees it")
            st.plotly_chart(
                picture_figure(subject.picture, ink, subject.box, subject.mask),
                theme=None,
                key="figure_picture",
                config=config,
                alt=f"{subject.title}, {subject.size[1]} by {subject.size[0]} pixels",
            )
        cells = None if result is None else cells_of(result)
        with st.container():
            st.markdown(
                "**Where** it discards: map stretched to its own range",
                help="Yellow: discarded most within this map. Blue: used most. Good to see the pattern; "
                "colours of two such maps cannot be compared.",
            )
            figure = (
                empty_figure(subject.size, ink) if cells is None else unit_figure(cells, subject.size, ink, subject.box)
            )
            st.plotly_chart(
                figure,
                theme=None,
                key="figure_unit",
                config=config,
                alt=f"Map of {layer.name} normalised to 0 to 1",
            )
        with st.container():
            st.markdown(
                "**How much** it discards: map in nats, one scale for all",
                help="The same colours mean the same number of nats for every layer and picture at this β. "
                "What lies beyond the ends of the scale takes the end's colour; the hover text is exact.",
            )
            figure = (
                empty_figure(subject.size, ink)
                if cells is None
                else nats_figure(cells, subject.size, limits, ink, subject.box)
            )
            st.plotly_chart(figure, theme=None, key="figure_nats", config=config, alt=f"Map of {layer.name} in nats")
    if result is not None:
        numbers(result, subject)
    _predictions(store, network, subject)


def _predictions(store: Backend, network: Network, subject: Subject) -> None:
    st.markdown(
        "**What the network answers**",
        help="The classes it finds likeliest for this picture. It answers with one of its own classes "
        "whatever the picture shows.",
    )
    top = store.predictions(network, subject)
    st.plotly_chart(
        prediction_figure(*zip(*top, strict=True), look()),
        theme=None,
        key="figure_predictions",
        config=PLAIN_CONFIG | {"displayModeBar": False},
        alt="Likeliest classes: " + ", ".join(f"{name} {p:.0%}" for name, p in top),
    )
