"""One layer: the picture, its map of CID or RU on two scales, and the numbers, drawn again while the map sharpens."""

import plotly.graph_objects as go
import streamlit as st

from app.address import selection
from app.explore.decoder_training import decoder_offer
from app.explore.grid_choice import change, choice
from app.explore.present_layers import present_button
from app.explore.segmentation import segmentation
from app.explore.take import take_map
from app.figures.enlarge import enlarge
from app.figures.maps import empty_figure, nats_figure, picture_figure, unit_figure, unit_range
from app.figures.predictions import prediction_figure
from app.figures.style import NATS_SCALE, PLAIN_CONFIG, UNIT_LIMITS, UNIT_SCALE
from app.inputs.network_input import Subject
from app.jobs.backend import Backend, View
from app.parts import progress
from app.parts.cells import cells_of
from app.parts.look import beneath, look
from app.parts.numbers import decimal, doubt, numbers
from explainers import CIDResult, CIDSettings, absolute_range
from explainers.cid.results import RUResult, reconstruction_range
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

POLL = 1.0
# Height of the maps in a presentation, pixels: of RU four stand side by side.
PRESENTED = {"cid": 520, "ru": 440}
OUTLINES = (
    "The picture at the size and in the section this network works with. Outlined: the subject, as an exact mask "
    "(solid) or a box (dashed)."
)
METRICS = {"cid": "CID: what is not used", "ru": "RU: what cannot be recovered"}
METRIC_HELP = (
    "CID: how much noise each pixel can bear before the layer's feature moves. RU: how badly each pixel can be "
    "recovered from the feature by a trained decoder, under such noise. Both in nats, both comparable between layers."
)
# Four figures stand side by side for RU: shorter words keep their titles in one line.
AS_SEEN = {"cid": ", as the network sees it", "ru": ""}
WHERE = {
    "cid": "**Where** it discards: map on its own scale",
    "ru": "**Where** it is lost",
}
WHERE_HELP = (
    "Yellow: most within this map. Blue: least. Good to see the pattern; the colours of two such "
    "maps cannot be compared."
)
HOW_MUCH = {
    "cid": "**How much** it discards: one scale for all maps",
    "ru": "**How much** is lost",
}
RECONSTRUCTION = (
    "What the decoder makes of this layer's feature without any noise. It has learnt from other pictures: what looks "
    "right here may be a good guess."
)
HOW_MUCH_HELP = (
    "The same colour means the same number of nats for every layer and picture at this β. What lies beyond the "
    "ends of the scale takes the end's colour; the number under the pointer is exact."
)
ANSWERS = (
    "The classes it finds likeliest for this picture. It answers with one of its own classes whatever the "
    "picture shows."
)
READING = {
    "cid": """
**How to read this**

Every pixel gets as much random noise as this layer can bear before its feature moves noticeably. *Much noise* (yellow,
high entropy): the layer does not need the exact value there, it has **discarded** it. *Little noise* (blue, low
entropy): the layer **uses** this pixel.

Move the layer slider from left to right: deeper layers usually discard more, and often the background first where
the subject is what counts. Hover over a map for its numbers, drag to zoom, double-click to see all of it again.
""",
    "ru": """
**How to read this**

A decoder has learnt to give back the picture from this layer's feature. Noise that the layer hardly notices is added
to the picture, and the map shows how far each recovered pixel is from the true one. *High* (yellow): the pixel
**cannot be recovered**. *Low* (blue): it can.

Most of the error is there without any noise: it is the decoder's own, and what it learnt counts, not this picture
alone. Look at the reconstruction beside the map before you read the map.
""",
}


def one_layer(store: Backend, network: Network, subject: Subject, layer: Layer, settings: CIDSettings) -> None:
    """Asks for the map and draws it; polls only while it is being computed."""
    owner = selection.owner("map")
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        metric = metric_control()
        if not choice().present:
            present_button(layer)

    def ask() -> View:
        return store.map(network, subject, layer, settings, owner, selection.stopped(), metric=metric)

    view = ask()
    store.release(owner, keep={view.key})
    if metric == "ru":
        decoder_offer(store, network, layer)
    if view.state == "refused":
        return
    polling = view.live

    def draw() -> None:
        view = ask()
        if view.live != polling:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container():
                _status(store, view, owner, network, layer, metric)
            take_map(metric, network, subject, layer, view, settings.beta, str(store.device))
        _figures(store, network, subject, layer, view, settings.beta, metric)

    st.fragment(draw, run_every=POLL if polling else None)()


def metric_control(place: str = "layer") -> str:
    """Which of the two metrics is shown, in this tab and in All layers; `place` tells the two controls apart."""
    key = f"w_metric_{place}"
    st.session_state[key] = choice().metric
    st.segmented_control(
        "Metric",
        list(METRICS),
        format_func=METRICS.__getitem__,
        key=key,
        on_change=_take_metric,
        args=(key,),
        required=True,
        help=METRIC_HELP,
    )
    return choice().metric


def _take_metric(key: str) -> None:
    change(metric=st.session_state[key])


def _status(store: Backend, view: View, owner: str, network: Network, layer: Layer, metric: str) -> None:
    def stop() -> None:
        selection.stopped().add(view.key)
        store.stop(view.key, owner)

    def go_on() -> None:
        selection.stopped().discard(view.key)
        store.retry(view.key)

    if view.state == "waiting":
        progress.running(progress.in_line("Waiting for its turn", view.message), 0.0, None, "map", stop)
    elif view.state == "running":
        stage = {"probes": "Sharpening the preview", "refinement": "Refining until the constraint holds"}
        text = progress.in_line(stage.get(view.value.stage, "Finishing"), view.message)
        progress.running(text, view.progress, view.remaining, "map", stop)
    elif view.state == "stopped":
        what = "the preview as far as it came" if view.value is not None else "nothing was ready yet"
        progress.ended(f"Cancelled at {view.progress:.0%}: {what}.", "cancel", "map", ("Start again", go_on))
    elif view.state == "failed":
        progress.ended(view.message, "error", "map", ("Try again", go_on))
    else:
        text = f"**{layer.name}** of {network.name}: mean {metric.upper()} {decimal(float(view.value.mean[0]))} nats."
        if not view.value.settings.refine:
            text += " Closed form, not refined: below stands how well the constraint holds."
        elif not bool(view.value.converged[0]):
            text += f" Read this map with care. {doubt(view.value)}"
        progress.ended(text, "check_circle", "map")


def _figures(
    store: Backend,
    network: Network,
    subject: Subject,
    layer: Layer,
    view: View,
    beta: float,
    metric: str,
) -> None:
    result, absent = view.value, progress.in_frame(view)
    limits = absolute_range(beta) if metric == "cid" else reconstruction_range()
    with st.container(horizontal=True, key="figures" if metric == "cid" else "figures_ru"):
        with st.container():
            st.markdown(f"**{subject.title}**" + AS_SEEN[metric], help=OUTLINES)
            _chart(
                picture_figure(subject.picture, look(), subject.box, subject.mask),
                "picture",
                f"{subject.title}, {subject.size[1]} by {subject.size[0]} pixels",
            )
        if metric == "ru":
            _reconstruction(subject, layer, result, absent)
        with st.container():
            st.markdown(WHERE[metric], help=WHERE_HELP)
            _map(subject, result, "unit", UNIT_LIMITS, f"Map of {layer.name}, stretched to 0 to 1", absent)
        with st.container():
            st.markdown(HOW_MUCH[metric], help=HOW_MUCH_HELP)
            _map(subject, result, "nats", limits, f"Map of {layer.name} in nats", absent)
    if result is not None:
        numbers(result, subject)
    row = st.container(horizontal=True, key="answers")
    left, right = row.container(), row.container()
    with left:
        (segmentation if network.segments else _predictions)(store, network, subject)
    with right:
        st.markdown(READING[metric])


def _reconstruction(subject: Subject, layer: Layer, result: RUResult | None, absent: str) -> None:
    with st.container():
        st.markdown("**Recovered** by its decoder", help=RECONSTRUCTION)
        if result is None:
            _chart(empty_figure(subject.size, look(), absent), "reconstruction", f"Reconstruction: {absent}")
            return
        picture = (result.reconstruction[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        _chart(picture_figure(picture, look()), "reconstruction", f"Reconstruction from {layer.name}")


def _map(
    subject: Subject, result: CIDResult | None, kind: str, limits: tuple[float, float], alt: str, absent: str
) -> None:
    ink = look()
    with st.container(key=f"frame_{kind}"):
        if result is None:
            # A style without a map, so that the chart keeps its place among the container's elements.
            st.html("<style></style>")
            _chart(empty_figure(subject.size, ink, absent), kind, f"{alt}: {absent}")
        elif kind == "unit":
            cells = cells_of(result)
            figure = _sized(unit_figure(cells, subject.size, ink, subject.box))
            beneath(f"frame_{kind}", unit_range(cells), limits, UNIT_SCALE, figure)
            _draw(figure, kind, alt)
        else:
            cells = cells_of(result)
            figure = _sized(nats_figure(cells, subject.size, limits, ink, subject.box))
            beneath(f"frame_{kind}", cells, limits, NATS_SCALE, figure)
            _draw(figure, kind, alt)


def _sized(figure: go.Figure) -> go.Figure:
    return enlarge(figure, height=PRESENTED[choice().metric]) if choice().present else figure


def _chart(figure: go.Figure, kind: str, alt: str) -> None:
    _draw(_sized(figure), kind, alt)


def _draw(figure: go.Figure, kind: str, alt: str) -> None:
    st.plotly_chart(figure, theme=None, key=f"figure_{kind}", config=PLAIN_CONFIG, alt=alt)


def _predictions(store: Backend, network: Network, subject: Subject) -> None:
    st.markdown("**What the network answers**", help=ANSWERS)
    top = store.predictions(network, subject)
    st.plotly_chart(
        prediction_figure(*zip(*top, strict=True), look()),
        theme=None,
        key="figure_predictions",
        config=PLAIN_CONFIG | {"displayModeBar": False},
        alt="Likeliest classes: " + ", ".join(f"{name} {p:.0%}" for name, p in top),
    )
