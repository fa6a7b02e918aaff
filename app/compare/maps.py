"""One pair of layers: the picture, both maps on one scale, and their difference about zero."""

from functools import partial

import plotly.graph_objects as go
import streamlit as st

from app.address.pixels import inside, read, written
from app.compare.choice import change, choice
from app.compare.pairs import Difference, difference, own_cells, pair, section
from app.compare.scene import Scene, Side
from app.compare.take import take_pair
from app.compare.words import gap_with_error, gap_words, side_words
from app.figures.compare import difference_figure
from app.figures.ends import ENDS
from app.figures.maps import empty_figure, nats_figure, picture_figure
from app.figures.style import PLAIN_CONFIG
from app.jobs.backend import Backend, View
from app.parts import progress, ways
from app.parts.arriving import arriving
from app.parts.certainty import misfit_sentence
from app.parts.look import look
from app.parts.numbers import constraint, doubt
from app.parts.previews import how_wrong
from app.parts.probe import probe
from app.parts.watch import Asked, Watch
from app.words import decimal
from explainers import CIDResult
from explainers.methods.entropies import RU_NAME
from explainers.methods.network_input import NetworkInput
from explainers.methods.registry import find_method
from explainers.methods.request import MapRequest
from explainers.networks.layers import Layer

PICTURE = (
    "The section that both networks see, at the size of A. Outlined: the subject, by a mask (solid) or box (dashed)."
)
MAPS = "Both maps on one scale in nats: the same colour is the same entropy. The scale is fixed until both are there."
DIFFERENCE = (
    "Red: B has discarded more of these pixels than A. Blue: less. White: the same. The scale is as wide to the left "
    "as to the right, and belongs to this pair of maps."
)
MEAN = "Mean of the map over the cells that both layers use, in nats per input variable."
MEAN_DIFFERENCE = (
    "Mean of B − A over those cells, ± what it may be off by, one standard error, as if both maps' errors were "
    "independent. Two networks that are much alike, measured with one seed, err alike, so that their difference is "
    "better than this. A dash: one of the maps does not meet its constraint, so that there is no difference to tell."
)
TRAIN_HELP = "Leads to Explore, One layer, where a decoder is trained on the spot."
CONSTRAINT = "How far noise of this strength really moves the feature, divided by how far it may; 1 where a map holds."


def maps(backend: Backend, scene: Scene) -> None:
    """Asks for both maps and draws them; polls only while one is being computed."""
    sides = ((scene.a, scene.pair.layer), (scene.b, scene.pair.partner))
    # A preview of both comes before either is finished.
    asked = [Asked(_request(scene, side, layer), (0, place, place)) for place, (side, layer) in enumerate(sides)]
    work = Watch("compare", lambda: asked, "compare")
    views = work.release()
    if any(view.state == "refused" for view in views):
        _refused(scene, views)
        return

    size = section(scene.a.network_input, scene.parts[0]).size
    probe(size, inside(read(choice().pin), size), lambda pixel: change(pin=written(pixel)))

    def draw(views: list[View]) -> None:
        found = None
        if all(view.state == "done" for view in views):
            found = difference(views[0].value, views[1].value, scene.parts)
        limits = _limits(scene, found)
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container():
                _status(work, scene, views)
            take_pair(scene, views, found, limits, str(backend.device))
        _figures(scene, views, found, limits)
        if found is not None:
            _numbers(found, [view.value for view in views], find_method(scene.metric).title)

    work.draw(draw)


def _request(scene: Scene, side: Side, layer: Layer) -> MapRequest:
    return side.network_input.request(side.network, layer, scene.metric, side.settings)


def _refused(scene: Scene, views: list[View]) -> None:
    sides = zip((scene.a, scene.b), (scene.pair.layer, scene.pair.partner), views, strict=True)
    lacking = [f"{layer.name} of {side.letter}" for side, layer, view in sides if view.state == "refused"]
    there = [one.name for one in scene.a.network.layers if _decodable(scene, one)]
    advice = f"These layers of A and their partners have them: {', '.join(there)}. " if there else ""
    st.info(
        f"{next(view.message for view in views if view.state == 'refused')}: {' and '.join(lacking)}. {advice}Others "
        "can be trained on the Explore page under **One layer**.",
        icon=":material/grid_off:",
    )
    if views[0].state == "refused":
        name = scene.pair.layer.name
        st.button(f"Train a decoder for {name} of A", key="compare_train", on_click=_to_decoder, help=TRAIN_HELP)


def _to_decoder() -> None:
    ways.send("explore", view="layer", metric=RU_NAME)


def _decodable(scene: Scene, layer: Layer) -> bool:
    a, b, refuse = scene.a.network, scene.b.network, find_method(scene.metric).refuse
    return not (refuse(a, layer) or refuse(b, pair(layer, a, b).partner))


def _status(work: Watch, scene: Scene, views: list[View]) -> None:
    live = [side.letter for side, view in zip((scene.a, scene.b), views, strict=True) if view.live]
    doing = "Both maps are being computed" if len(live) > 1 else f"The map of {''.join(live)} is being computed"
    done = sentence(scene, views) if all(view.state == "done" for view in views) else ""
    cancelled = "Cancelled: a difference needs both maps as finished ones."
    for side, view in zip((scene.a, scene.b), views, strict=True):
        if view.state == "stopped" and view.value is not None:
            cancelled += f" That of {side.letter} is a preview: {how_wrong(view.value)}."
    work.status(views, doing, done, cancelled)


def sentence(scene: Scene, views: list[View]) -> str:
    """What came out, and which map is to be read with care."""
    found = difference(views[0].value, views[1].value, scene.parts)
    results = [view.value for view in views]
    names = f"**{scene.pair.layer.name}** of A and **{scene.pair.partner.name}** of B"
    if not found.certain:
        unsure = {letter: result for letter, result in zip("AB", results, strict=True) if letter in found.unsure}
        said = " ".join(misfit_sentence(result, f" of {letter}") for letter, result in unsure.items())
        return f"{names}: no difference can be told. {said}"
    text = f"{names}: mean {find_method(scene.metric).title} differs by {gap_words(found)} nats (B − A)."
    for side, result in zip((scene.a, scene.b), results, strict=True):
        if not result.settings.refine:
            return text + " Closed form, not refined: below stands how well the constraint holds."
        if not bool(result.converged[0]):
            text += f" Read the map of {side.letter} with care. {doubt(result)}"
    return text


def _limits(scene: Scene, found: Difference | None) -> tuple[float, float]:
    """Of both maps' scale, nats."""
    if scene.scale == "pair" and found is not None:
        return found.span
    return find_method(scene.metric).fixed_scale(scene.a.settings)


def _figures(scene: Scene, views: list[View], found: Difference | None, limits: tuple[float, float]) -> None:
    shown = section(scene.a.network_input, scene.parts[0])
    titles = [f"**{side.letter}** · {side.title}" for side in (scene.a, scene.b)]
    with st.container(horizontal=True, key="figures_compare"):
        with st.container():
            st.markdown(f"**{shown.title}**", help=PICTURE)
            figure = picture_figure(shown.picture, look(), shown.box, shown.mask)
            _chart(figure, "picture", f"{shown.title}, as both networks see it")
        for place, (title, side) in enumerate(zip(titles, (scene.a, scene.b), strict=True)):
            result = views[place].value
            cells = None if result is None else own_cells(result, scene.parts[place])
            with st.container():
                st.markdown(title, help=MAPS)
                part = section(side.network_input, scene.parts[place])
                _map(cells, part, side.letter, limits, views[place], scene.metric)
        with st.container():
            st.markdown("**B − A**", help=DIFFERENCE)
            _difference(found if found and found.certain else None, shown, absence(views, found))


def absence(views: list[View], found: Difference | None = None) -> str:
    """Why there is no difference.

    >>> absence([View("a", "done"), View("b", "stopped")])
    'no difference: the map of B is not finished'
    """
    if found is not None:
        return f"no difference: the noise of {' and '.join(found.unsure)} does not meet the constraint"
    if any(view.live for view in views):
        return "it comes when both maps are finished"
    lacking = [letter for letter, view in zip("AB", views, strict=True) if view.state != "done"]
    maps = f"map of {lacking[0]} is" if len(lacking) == 1 else "maps of A and B are"
    return f"no difference: the {maps} not finished"


def _map(cells, network_input: NetworkInput, letter: str, limits: tuple[float, float], view: View, metric: str) -> None:
    absent, unfinished = progress.in_frame(view), view.state != "done"
    alt = f"Map of {letter} in nats"
    if cells is None:
        make, alt = partial(empty_figure, network_input.size, look(), absent), f"{alt}: {absent}"
    else:
        box, ends = network_input.box, ENDS[metric]
        make = partial(nats_figure, cells, network_input.size, limits, look(), box, ends, unfinished, letter)
    arriving(f"compare_{letter.lower()}", make, alt, "stretch")


def _difference(found: Difference | None, network_input: NetworkInput, absent: str) -> None:
    if found is None:
        make, alt = partial(empty_figure, network_input.size, look(), absent), f"Difference: {absent}"
    else:
        make = partial(difference_figure, found.values, network_input.size, found.limit, look(), network_input.box)
        alt = f"Map of B − A in nats, from {decimal(-found.limit)} to {decimal(found.limit)}"
    arriving("compare_difference", make, alt, "stretch")


def _numbers(found: Difference, results: list[CIDResult], metric: str) -> None:
    with st.container(horizontal=True, key="numbers_compare"):
        for letter, mean, result in zip("AB", (found.mean_a, found.mean_b), results, strict=True):
            st.metric(f"Mean {metric} of {letter} (nats)", side_words(mean, result.numbers), help=MEAN)
        st.metric("Mean of B − A (nats)", gap_with_error(found), help=MEAN_DIFFERENCE)
        for letter, result in zip("AB", results, strict=True):
            st.metric(f"Constraint of {letter} (target 1)", constraint(result), help=CONSTRAINT)


def _chart(figure: go.Figure, kind: str, alt: str) -> None:
    st.plotly_chart(figure, theme=None, key=f"figure_compare_{kind}", height="stretch", config=PLAIN_CONFIG, alt=alt)
