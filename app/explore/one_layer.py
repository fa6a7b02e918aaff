"""One layer: the picture, its map of CID or RU on two scales, and the numbers, drawn again while the map sharpens."""

from functools import partial

import plotly.graph_objects as go
import streamlit as st

from app.address.worlds import strange
from app.explore.decoder_training import decoder_offer
from app.explore.film import film, play_control, scene
from app.explore.grid_choice import change, choice
from app.explore.noise_itself import noise_itself
from app.explore.pixel import pixel_curve, pixel_probe
from app.explore.present_layers import present_button
from app.explore.segmentation import segmentation
from app.explore.take import take_map
from app.figures.ends import ENDS
from app.figures.enlarge import LARGER, enlarged
from app.figures.maps import empty_figure, frame_rule, nats_figure, picture_figure, unit_figure
from app.figures.means import mean_words
from app.figures.predictions import prediction_figure
from app.figures.style import PLAIN_CONFIG
from app.jobs.backend import Backend, View
from app.parts import given_back, progress
from app.parts.arriving import arriving
from app.parts.bound import segments
from app.parts.certainty import misfit_sentence
from app.parts.look import look
from app.parts.numbers import doubt, numbers, preview_numbers
from app.parts.previews import how_wrong
from app.parts.watch import Asked, Watch
from explainers import CIDSettings
from explainers.cid.certainty import is_certain
from explainers.cid.results import RUResult
from explainers.methods.entropies import CID_NAME, RU_NAME
from explainers.methods.network_input import NetworkInput
from explainers.methods.registry import find_method
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

FIRST_LOOK = "A first look"
STAGES = {"probes": FIRST_LOOK, "refinement": "Making the map exact"}
# Height of the maps in a presentation, pixels: of RU four stand side by side.
PRESENTED = {CID_NAME: 520, RU_NAME: 440}
OUTLINES = (
    "The picture at the size and in the section this network works with. Outlined: the subject, as an exact mask "
    "(solid) or a box (dashed)."
)
METRICS = {CID_NAME: "CID: what is not used", RU_NAME: "RU: what cannot be recovered"}
METRIC_HELP = (
    "CID: how much noise each pixel can bear before the layer's feature moves. RU: how badly each pixel can be "
    "recovered from the feature by a trained decoder, under such noise. Both in nats, both comparable between layers."
)
# Four figures stand side by side for RU: shorter words keep their titles in one line.
AS_SEEN = {CID_NAME: ", as the network sees it", RU_NAME: ""}
WHERE = {
    CID_NAME: "**Where** it discards: map on its own scale",
    RU_NAME: "**Where** it is lost",
}
WHERE_HELP = (
    "Yellow: most within this map. Blue: least. Good to see the pattern; the colours of two such "
    "maps cannot be compared."
)
HOW_MUCH = {
    CID_NAME: "**How much** it discards: one scale for all maps",
    RU_NAME: "**How much** is lost",
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
    CID_NAME: """
**How to read this**

Every pixel gets as much random noise as this layer can bear before its feature moves noticeably. *Much noise* (yellow,
high entropy): the layer does not need the exact value there, it has **discarded** it. *Little noise* (blue, low
entropy): the layer **uses** this pixel.

Go through the layers from left to right: deeper layers usually discard more, and often the background first where
the subject is what counts. Hover over a map for its numbers, drag to zoom, double-click to see all of it again.
""",
    RU_NAME: """
**How to read this**

A decoder has learnt to give back the picture from this layer's feature. Noise that the layer hardly notices is added
to the picture, and the map shows how far each recovered pixel is from the true one. *High* (yellow): the pixel
**cannot be recovered**. *Low* (blue): it can.

Most of the error is there without any noise: it is the decoder's own, and what it learnt counts, not this picture
alone. Look at the reconstruction beside the map before you read the map.
""",
}


def one_layer(
    backend: Backend, network: Network, network_input: NetworkInput, layer: Layer, settings: CIDSettings
) -> None:
    """Asks for the map and draws it; polls only while it is being computed."""
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        metric = metric_control()
        play_control("layer")
        if not choice().present:
            present_button(layer)

    request = Asked(network_input.request(network, layer, metric, settings), (0, layer.depth))
    work = Watch("map", lambda: [request], "map")
    (view,) = work.release()
    if find_method(metric).needs_decoder:
        decoder_offer(backend, network, layer)
    if view.state == "refused":
        return
    pixel_probe(network_input.size)
    if choice().play:
        film(scene(network, network_input, settings, layer.name, metric), str(backend.device))
        return

    def draw(views: list[View]) -> None:
        (view,) = views
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container():
                _status(work, view, network, layer, metric)
            take_map(backend, metric, network, network_input, layer, view, settings)
        _figures(backend, network, network_input, layer, view, settings, metric)

    work.draw(draw)
    if view.state == "done":
        noise_itself(backend, network, network_input, layer, view.value)


def metric_control(place: str = "layer") -> str:
    """Which of the two metrics is shown, in this tab and in All layers; `place` tells the two controls apart."""
    segments(f"w_metric_{place}", "Metric", METRICS, choice().metric, lambda value: change(metric=value), METRIC_HELP)
    return choice().metric


def _status(work: Watch, view: View, network: Network, layer: Layer, metric: str) -> None:
    doing = FIRST_LOOK if view.state == "running" else "Waiting for its turn"
    if view.value is not None:
        doing = STAGES.get(view.value.stage, "Finishing")
    kept = f"a preview, {how_wrong(view.value)}" if view.value is not None else "nothing was ready yet"
    done = _outcome(view, network, layer, metric) if view.state == "done" else ""
    work.status([view], doing, done, f"Cancelled at {view.progress:.0%}: {kept}.", "Start again")


def _outcome(view: View, network: Network, layer: Layer, metric: str) -> str:
    mean = f"mean {find_method(metric).title} {mean_words(view.value.numbers)} nats"
    text = f"**{layer.name}** of {network.title}: {mean}."
    if not view.value.settings.refine:
        if is_certain(view.value.numbers):
            return text + " Closed form, not refined: below stands how well the constraint holds."
        return f"{text} {misfit_sentence(view.value)}"
    return text if bool(view.value.converged[0]) else f"{text} Read this map with care. {doubt(view.value)}"


def _figures(
    backend: Backend,
    network: Network,
    network_input: NetworkInput,
    layer: Layer,
    view: View,
    settings: CIDSettings,
    metric: str,
) -> None:
    result, absent = view.value, progress.in_frame(view)
    limits = find_method(metric).fixed_scale(settings)
    tall = frame_rule(network_input.size)
    if choice().present:
        tall = frame_rule(network_input.size, LARGER, PRESENTED[metric])
    place = "figures" if metric == CID_NAME else "figures_ru"
    # Where a title takes two lines, the maps below stand side by side all the same.
    with st.container(horizontal=True, vertical_alignment="bottom", key=place):
        with st.container():
            st.html(f'<style>.st-key-{place} [class*="st-key-figure_"] {{height:{tall}}}</style>')
            st.markdown(f"**{network_input.title}**" + AS_SEEN[metric], help=OUTLINES)
            _chart(
                partial(picture_figure, network_input.picture, look(), network_input.box, network_input.mask),
                "picture",
                f"{network_input.title}, {network_input.size[1]} by {network_input.size[0]} pixels",
            )
        if metric == RU_NAME:
            _reconstruction(network_input, layer, result, absent)
        with st.container():
            st.markdown(WHERE[metric], help=WHERE_HELP)
            _map(network_input, view, "unit", limits, f"Map of {layer.name}, stretched to 0 to 1", metric)
        with st.container():
            st.markdown(HOW_MUCH[metric], help=HOW_MUCH_HELP)
            _map(network_input, view, "nats", limits, f"Map of {layer.name} in nats", metric)
    if view.state == "done":
        numbers(view.value, network_input)
    elif result is not None:
        preview_numbers(result)
    pixel_curve(network, network_input, metric, settings, layer.name)
    row = st.container(horizontal=True, key="answers")
    left, right = row.container(), row.container()
    with left:
        if network.reconstructs:
            st.markdown("**What the network gives back**", help=given_back.HELP)
            given_back.draw(backend, network, network_input, "given_back")
        else:
            (segmentation if network.segments else _predictions)(backend, network, network_input)
    with right:
        st.markdown(READING[metric])


def _reconstruction(network_input: NetworkInput, layer: Layer, result: RUResult | None, absent: str) -> None:
    with st.container():
        st.markdown("**Recovered** by its decoder", help=RECONSTRUCTION)
        if result is None:
            _chart(
                partial(empty_figure, network_input.size, look(), absent), "reconstruction", f"Reconstruction: {absent}"
            )
            return
        picture = (result.reconstruction[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        _chart(partial(picture_figure, picture, look()), "reconstruction", f"Reconstruction from {layer.name}")


def _map(
    network_input: NetworkInput, view: View, kind: str, limits: tuple[float, float], alt: str, metric: str
) -> None:
    ink, absent, result, unfinished = look(), progress.in_frame(view), view.value, view.state != "done"
    if result is None:
        make, alt = partial(empty_figure, network_input.size, ink, absent), f"{alt}: {absent}"
    elif kind == "unit":
        make = partial(unit_figure, result.values, network_input.size, ink, network_input.box, unfinished)
    else:
        box, ends = network_input.box, ENDS[metric]
        make = partial(nats_figure, result.values, network_input.size, limits, ink, box, ends, unfinished)
    arriving(kind, _sized(make), alt, "stretch")


def _sized(make: partial[go.Figure]) -> partial[go.Figure]:
    return partial(enlarged, make, PRESENTED[choice().metric]) if choice().present else make


def _chart(make: partial[go.Figure], kind: str, alt: str) -> None:
    st.plotly_chart(
        _sized(make)(), theme=None, key=f"figure_{kind}", height="stretch", config=PLAIN_CONFIG, alt=alt
    )  # fmt: skip


def _predictions(backend: Backend, network: Network, network_input: NetworkInput) -> None:
    st.markdown("**What the network answers**", help=ANSWERS)
    top = backend.predictions(network, network_input)
    st.plotly_chart(
        prediction_figure(top, look(), strange=bool(strange(network_input.key, network))),
        theme=None,
        key="figure_predictions",
        config=PLAIN_CONFIG | {"displayModeBar": False},
        alt="Likeliest classes: " + ", ".join(f"{name} {p:.0%}" for name, p in top),
    )
