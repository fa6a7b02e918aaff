"""The values of one map, on the object and around it; a range of them shows where in the picture they lie."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import streamlit as st

from app.explore.grid_choice import change, choice
from app.explore.spots import Spot, chart, ready, spot_control
from app.figures.closer import BACKGROUND, OBJECT, histogram_figure, value_map, veiled
from app.figures.ends import ENDS
from app.figures.grid import SCALES, SIGNED_SCALES, Cell, Row, row_limits
from app.figures.maps import picture_figure
from app.figures.style import PLAIN_CONFIG
from app.parts.bound import steps
from app.parts.certainty import misfit_sentence
from app.parts.look import look
from app.words import counted, number
from explainers import CIDResult, CIDSettings
from explainers.cid.certainty import is_certain
from explainers.evaluation.alike import on_cells

BINS = 40
CHART = "figure_closer_histogram"
WHOLE = "picture"
SAME_PIXELS = "**The same pixels of the picture**"
MAP_HELP = "The map whose values are counted."
MARKED_HELP = "Only pixels with values in this range keep their colours below. Dragging across the bars sets it, too."
ALL_HELP = "Marks every value again."
BARS_HELP = (
    "How often each value occurs, as a share of the object and of the background, so that a small object and a large "
    "background are as high. Drag across the bars to mark a range of values."
)


def histogram(known: Sequence[Spot], settings: CIDSettings) -> None:
    """The cell is chosen here; to begin with the first."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="closer_pair"):
        spot = spot_control("a", "Map", known, known[0], MAP_HELP)
        if not ready(spot):
            return
        values = spot.values
        finite = values[np.isfinite(values)]
        if not finite.size:
            st.info("Every value of this map is unbounded: there is nothing to count.")
            return
        edges = edges_of(finite)
        marked = _marked_control(edges)
    _draw(spot, edges, marked, settings)


def edges_of(finite: np.ndarray) -> np.ndarray:
    low, high = float(finite.min()), float(finite.max())
    return np.linspace(*((low, high) if high > low else (low - 0.5, high + 0.5)), BINS + 1)


def nearest(edges: np.ndarray, marked: str) -> tuple[float, float]:
    """The two edges nearest to what the address marks, and the outermost where it marks nothing."""
    found = [float(f"{edge:.6g}") for edge in edges]
    wanted = [float(end) for end in marked.split()] if marked else [found[0], found[-1]]
    low, high = sorted(min(found, key=lambda edge: abs(edge - end)) for end in wanted)
    return low, high


def _marked_control(edges: np.ndarray) -> tuple[float, float] | None:
    """Two ends, which the bars set, too; None while everything is marked."""
    found = [float(f"{edge:.6g}") for edge in edges]
    titles = {edge: number(edge, 4) for edge in found}
    low, high = nearest(edges, choice().marked)
    steps("w_marked_from", "Marked from", titles, low, lambda end: _mark(end, high), MARKED_HELP)
    steps("w_marked_to", "to", titles, high, lambda end: _mark(low, end), MARKED_HELP)
    whole = (low, high) == (found[0], found[-1])
    st.button("Mark all", key="closer_all", on_click=_all, disabled=whole, help=ALL_HELP)
    return None if whole else (low, high)


def _mark(*ends: float) -> None:
    change(marked="{:.6g} {:.6g}".format(*sorted(ends)))


def _all() -> None:
    change(marked="")


def _brushed() -> None:
    """A range across the bars; one that is taken away leaves what is marked."""
    boxes = st.session_state[CHART]["selection"]["box"]
    if boxes:
        _mark(*map(float, boxes[-1]["x"]))


def _draw(spot: Spot, edges: np.ndarray, marked: tuple[float, float] | None, settings: CIDSettings) -> None:
    values, network_input = spot.values, spot.column.network_input
    finite, parts = np.isfinite(values), parts_of(spot)
    inside, shares = within(values, edges, marked), shares_of(spot, edges)
    figure = histogram_figure(edges, shares, marked, spot.method.unit, look())
    figure.update_layout(selectionrevision=choice().marked)
    st.caption(said(inside, finite, parts, marked is not None))
    if spot.result is not None and not is_certain(spot.result.numbers):
        st.caption(f":material/help: {misfit_sentence(cast(CIDResult, spot.result))}")
    fixed = spot.method.scale and spot.method.scale(settings)
    limits = row_limits(Row("", "", "", spot.method.signed, (Cell(values),), fixed))
    scale = SIGNED_SCALES[choice().signed_colours] if spot.method.signed else SCALES[choice().colours]
    shown = value_map(values, network_input.size, limits, scale, spot.method.unit, look(), ENDS.get(spot.method.name))
    picture = picture_figure(network_input.picture, look(), network_input.box, network_input.mask)
    hidden, size = ~inside, network_input.size
    with st.container(horizontal=True, key="figures_closer"):
        with st.container():
            st.markdown("**How often each value occurs**", help=BARS_HELP)
            st.plotly_chart(
                figure,
                theme=None,
                key=CHART,
                height="stretch",
                config=PLAIN_CONFIG,
                on_select=_brushed,
                selection_mode="box",
                alt=f"Histogram of {spot.title} for {' and '.join(parts)}",
            )
        chart(f"**{spot.title}**", veiled(shown, hidden, size), "closer_marked", "The map, marked pixels alone")
        chart(SAME_PIXELS, veiled(picture, hidden, size), "closer_picture", "The picture, marked pixels alone")


def parts_of(spot: Spot) -> dict[str, np.ndarray]:
    """Cells of the object and of the background, where an object is known; else all of them."""
    inside = spot.column.network_input.foreground
    shape = spot.values.shape
    if inside is None:
        return {WHOLE: np.ones(shape, bool)}
    covered = on_cells(inside.astype(float), (shape[0], shape[1])) >= 0.5
    return {OBJECT: covered, BACKGROUND: ~covered}


def within(values: np.ndarray, edges: np.ndarray, marked: tuple[float, float] | None) -> np.ndarray:
    """Which values are marked."""
    low, high = marked or (-np.inf, np.inf)
    # The slider's steps are rounded.
    slack = (edges[1] - edges[0]) * 1e-3
    return np.isfinite(values) & (values >= low - slack) & (values <= high + slack)


def shares_of(spot: Spot, edges: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """How often each value occurs in each part of the picture."""
    values, finite = spot.values, np.isfinite(spot.values)
    return [(name, _shares(values[where & finite], edges)) for name, where in parts_of(spot).items()]


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    counts, _ = np.histogram(values, edges)
    return counts / max(len(values), 1)


def said(inside: np.ndarray, finite: np.ndarray, parts: dict[str, np.ndarray], some: bool) -> str:
    """What is marked, in words: for whoever does not see the bars."""
    count = counted(int(finite.sum()), "value")
    unbounded = int((~finite).sum())
    beside = f" {counted(unbounded, 'value')} more without a bound." if unbounded else ""
    if not some:
        return f"{count}, all marked.{beside}"
    of = [f"{inside[where].mean():.0%} of the {name}" for name, where in parts.items() if where.any()]
    return f"Marked: {inside.sum():,} of {count}; {', '.join(of)}.{beside}"
