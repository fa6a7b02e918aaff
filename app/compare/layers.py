"""All layers of both networks: the two curves on one axis, and a table of the pairs, filled in as maps are ready."""

import math
from dataclasses import replace
from functools import partial

import streamlit as st

from app.compare.controls import curve_control
from app.compare.pairs import Difference, Pair, difference, pair, same_layers, section_mean
from app.compare.pixel import pixel_curves
from app.compare.scene import Scene, Side
from app.compare.take import take_pairs
from app.compare.words import side_words
from app.figures.compare import Curve, curves_figure
from app.jobs.backend import Backend, View
from app.parts.arriving import arriving
from app.parts.certainty import LEAST_POINTS, UNSURE_POINTS, WHISKERS
from app.parts.look import look
from app.parts.numbers_table import show_table
from app.parts.watch import Asked, Start, Watch
from app.words import number
from explainers import CIDSettings
from explainers.cid.certainty import is_certain, is_least, mean_uncertainty, misfit
from explainers.methods.registry import find_method
from explainers.networks.layers import Layer

KINDS = {"quick": "Closed form, quick", "full": "As set on the left"}
KINDS_HELP = (
    "Closed form: quick, and exact where a layer is linear on the scale of the noise; deep layers often are not. As "
    "set on the left: refined until the constraint holds, as the maps above are, which takes many times as long."
)
CURVES_HELP = (
    "Mean entropy over the section that both networks see, layer by layer, as computed, never smoothed. Bars below: "
    "the mean of B − A at every layer of A and its partner. "
    f"{WHISKERS} Open points: the noise does not meet the constraint."
)
TABLE_HELP = (
    "One row for each layer of A with its partner in B. Differences are over the cells that both layers use; their "
    "error is as if both maps' errors were independent. Where a map's noise does not meet the constraint there is no "
    "difference, and the last column says why. The arrow at the table's corner saves it as CSV."
)
TEXT_COLUMNS = {
    "layer of A": "The layers of A in order of execution.",
    "layer of B": "The layer of B that is held against it.",
    "matched by": "How the partner was found: by its name, by its depth (the share of the way through), or by hand.",
}
NUMBER_COLUMNS = {
    "mean of A (nats)": "Mean of A's map over the cells that both layers use, in nats per input variable.",
    "mean of B (nats)": "Mean of B's map over the same cells, in nats per input variable.",
    "B − A (nats)": "Mean of the difference over those cells. Above zero: B has discarded more.",
    "± error (nats)": "What the difference may be off by, as if both maps' errors were independent.",
}
UNSURE, UNSURE_HELP = (
    "uncertain",
    "Which mean may be wrong, and by how much at least: the noise of its map moves the feature further than it may, or "
    "less far. Such a mean is rounded, and no difference is told of it. Or that nobody knows how far a mean lies below "
    "its maximum, as of most maps of RU: an error is then the least there is.",
)
MOST_ROWS = 20
# Decimals of the table, where an error does not leave fewer.
PLACES = 4
SHORT = {"name": "name", "depth": "depth", "chosen": "by hand"}


def layers(backend: Backend, scene: Scene) -> None:
    """Curves and table on request; asking keeps the work alive while the page is open."""
    st.markdown("## From layer to layer")
    scene = _as_chosen(scene)
    metric = find_method(scene.metric)
    wanted = [(side, layer) for side in (scene.a, scene.b) for layer in metric.layers(side.network)]
    if bare := {"A", "B"} - {side.letter for side, _ in wanted}:
        st.info(f"Nothing to draw for {' and '.join(sorted(bare))}: {metric.nowhere}.")
        return
    asked = [
        Asked(side.network_input.request(side.network, layer, scene.metric, side.settings), (1, layer.depth))
        for side, layer in wanted
    ]
    work = Watch("compare layers", lambda: asked, "compare_layers", waits=True)
    work.release()

    def draw(views: list[View]) -> None:
        found = {
            (side.letter, layer): view.value
            for (side, layer), view in zip(wanted, views, strict=True)
            if view.state == "done"
        }
        pairs = _pairs(scene)
        differences = [_difference(scene, one, found) for one in pairs]
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container():
                _status(work, views)
            if len(found) > 2:
                take_pairs(scene, pairs, differences, found, str(backend.device))
        # The pair above may be among the layers; two points make no curve.
        if len(found) > 2:
            _curves(scene, found, differences)
        pixel_curves(scene, pairs, found)
        if len(found) > 2:
            _table(scene, pairs, differences, found)

    work.draw(draw)


def _as_chosen(scene: Scene) -> Scene:
    """The scene with the settings of the curves."""
    if not scene.a.settings.refine or curve_control(KINDS, KINDS_HELP) == "full":
        return scene
    a, b = (replace(side, settings=_quick(side.settings)) for side in (scene.a, scene.b))
    return replace(scene, a=a, b=b)


def _quick(settings: CIDSettings) -> CIDSettings:
    return CIDSettings(beta=settings.beta, grid=settings.grid, refine=False, seed=settings.seed)


def _status(work: Watch, views: list[View]) -> None:
    done, count = sum(view.state == "done" for view in views), len(views)
    text = f"{done} of {count} maps of both networks have been computed with these settings."
    start = Start(text, "Compute the missing maps" if done else f"Compute all {count} maps")
    finished = f"All {count} maps of both networks are ready."
    work.status(views, f"{done} of {count} maps ready", finished, start=start)


def _pairs(scene: Scene) -> list[Pair]:
    """Every layer of A with its partner: for the one above, the partner that was chosen."""
    a, b = scene.a.network, scene.b.network
    return [scene.pair if layer == scene.pair.layer else pair(layer, a, b) for layer in a.layers]


def _difference(scene: Scene, one: Pair, found: dict) -> Difference | None:
    a, b = found.get(("A", one.layer)), found.get(("B", one.partner))
    return None if a is None or b is None else difference(a, b, scene.parts)


def _curves(scene: Scene, found: dict, differences: list[Difference | None]) -> None:
    named = same_layers(scene.a.network, scene.b.network)
    a, b = (_curve(side, part, found) for side, part in zip((scene.a, scene.b), scene.parts, strict=True))
    gaps = [one.mean if one is not None and one.certain else math.nan for one in differences]
    st.markdown("**Both curves**", help=CURVES_HELP)
    arriving(
        "compare_curves",
        partial(curves_figure, a, b, gaps, named, look(), scene.metric.upper(), scene.pair.layer.name),
        f"Mean {scene.metric.upper()} of every layer of both networks, and the differences B − A",
    )
    if any((*a.unsure, *b.unsure)):
        st.caption(f":material/help: {UNSURE_POINTS} The open points are left out of the differences.")
    if any((*a.least, *b.least)):
        st.caption(f":material/help: {LEAST_POINTS}")


def _curve(side: Side, part: float, found: dict) -> Curve:
    results = [found.get((side.letter, layer)) for layer in side.network.layers]
    return Curve(
        f"{side.letter} · {side.title}",
        [layer.name for layer in side.network.layers],
        [math.nan if result is None else section_mean(result, part) for result in results],
        [math.nan if result is None else mean_uncertainty(result.numbers) for result in results],
        [result is not None and not is_certain(result.numbers) for result in results],
        [result is not None and is_least(result.numbers) for result in results],
        ["" if result is None else side_words(section_mean(result, part), result.numbers) for result in results],
    )


def table_rows(pairs: list[Pair], differences: list[Difference | None], found: dict) -> list[dict[str, object]]:
    """A row for each pair, empty where nothing is ready; `found` are the maps by letter and layer."""
    rows = []
    for one, gap in zip(pairs, differences, strict=True):
        told = gap if gap is not None and gap.certain else None
        rows.append(
            {
                "layer of A": one.layer.name,
                "layer of B": one.partner.name,
                "matched by": SHORT[one.rule],
                "mean of A (nats)": gap and gap.mean_a,
                "mean of B (nats)": gap and gap.mean_b,
                "B − A (nats)": told and told.mean,
                "± error (nats)": told.error if told and told.error else None,
                UNSURE: _unsure(one, gap, found),
            }
        )
    return rows


def _unsure(one: Pair, gap: Difference | None, found: dict) -> str:
    """Whose mean may be wrong, and by how much."""
    layers = {"A": one.layer, "B": one.partner}
    off = {letter: misfit(float(found[letter, layers[letter]].constraint[0])) for letter in (gap.unsure if gap else ())}
    said = [f"{letter} by {number(nats, 2)} nats or more" for letter, nats in off.items()]
    unknown = [letter for letter in (gap.more if gap else ()) if is_least(found[letter, layers[letter]].numbers)]
    return "; ".join([*said, *(f"{letter}: what its map loses is not known" for letter in unknown)])


def table_errors(pairs: list[Pair], differences: list[Difference | None], found: dict) -> dict[str, list[float | None]]:
    """What the means and differences of `table_rows` may be off by, nats."""

    def of(letter: str, layer: Layer) -> float | None:
        return mean_uncertainty(found[letter, layer].numbers) if (letter, layer) in found else None

    gaps = [gap.error if gap else None for gap in differences]
    return {
        "mean of A (nats)": [of("A", one.layer) for one in pairs],
        "mean of B (nats)": [of("B", one.partner) for one in pairs],
        "B − A (nats)": gaps,
        # Two digits of each.
        "± error (nats)": [gap and gap / 10 for gap in gaps],
    }


def _table(scene: Scene, pairs: list[Pair], differences: list[Difference | None], found: dict) -> None:
    rows = table_rows(pairs, differences, found)
    st.markdown("**The pairs of layers**", help=TABLE_HELP)
    columns = {
        **{name: st.column_config.TextColumn(help=words) for name, words in TEXT_COLUMNS.items()},
        UNSURE: st.column_config.TextColumn(help=UNSURE_HELP, width="large"),
        **{name: st.column_config.NumberColumn(help=words) for name, words in NUMBER_COLUMNS.items()},
    }
    places, errors = dict.fromkeys(NUMBER_COLUMNS, PLACES), table_errors(pairs, differences, found)
    # Every row while they fit on a screen.
    show_table(rows, "compare_table", columns, places, errors, MOST_ROWS)
    if alone := unmatched(scene):
        st.caption(f"In the curve of B alone, since no layer of A is nearest to them: {', '.join(alone)}.")


def unmatched(scene: Scene) -> list[str]:
    """Layers of B that are no layer's partner."""
    taken = {one.partner for one in _pairs(scene)}
    return [layer.name for layer in scene.b.network.layers if layer not in taken]
