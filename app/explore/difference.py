"""Two maps of the grid: A, B, B − A, and every pixel of A against that of B."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.explore.grid_choice import GridChoice, choice
from app.explore.spots import Spot, chart, ready, spot_control
from app.figures.closer import difference_map, scatter_figure, value_map
from app.figures.ends import ENDS
from app.figures.grid import SCALES, SIGNED_SCALES, Cell, Row, row_limits
from app.parts.look import look
from app.words import NONE, decimal, gap, number
from explainers.cid.certainty import is_certain, loss_unknown, mean_uncertainty
from explainers.evaluation.alike import common_shape, on_cells, rank_correlation, shares_below, top_overlap

A_HELP = "The map that the difference is counted from."
B_HELP = "The map that the difference is counted to. Positive: B is higher there."
SHARE = "share of pixels that matter less"
SHARES = (
    "The two maps have different units, so that B − A compares their orders: 0 is the pixel that matters least "
    "to a map, 1 the one that matters most."
)
MEANS = {
    "rank": "Rank correlation of how much each pixel matters: 1, both maps have the same order; 0, neither tells of "
    "the other; −1, the reverse. Spearman's ρ.",
    "top": "Of the tenth of the pixels that matter most to A, the share that belongs to the same tenth of B. By "
    "chance it is 10 %.",
    "mean": "Mean of B − A over the pixels that both maps bound; of CID and RU ± what it may be off by, one standard "
    "error, as if both maps' errors were independent.",
}
UNSURE = "No difference is told: the noise of {} does not meet the constraint, so that its values are uncertain."


@dataclass(frozen=True, eq=False)
class Held:
    """Two maps on one grid of cells: their values, or of two methods their orders; B − A; and whose noise is unsure."""

    first: np.ndarray
    second: np.ndarray
    gap: np.ndarray
    unit: str
    limits: tuple[float, float]
    same: bool
    unsure: tuple[str, ...]


def first_and_last(known: Sequence[Spot]) -> tuple[Spot, Spot]:
    """What is compared to begin with: of the first row, where it has several."""
    row = [spot for spot in known if spot.method == known[0].method]
    return known[0], row[-1] if len(row) > 1 else known[-1]


def difference(known: Sequence[Spot]) -> None:
    """Both cells are chosen here."""
    first, last = first_and_last(known)
    with st.container(horizontal=True, key="closer_pair"):
        a = spot_control("a", "Map A", known, first, A_HELP)
        b = spot_control("b", "Map B", known, last, B_HELP)
    if reason := apart(a, b):
        st.info(reason)
    elif ready(a, b):
        _draw(a, b)


def apart(a: Spot, b: Spot) -> str:
    """Why their pixels cannot be held against each other."""
    seen = [(s.column.network.preprocessing.crop / s.column.network.preprocessing.resize) for s in (a, b)]
    if abs(seen[0] - seen[1]) < 1e-9:
        return ""
    return "The two networks see different sections of the picture. **Compare** cuts both maps to what both see."


def held(a: Spot, b: Spot) -> Held:
    """One map against another, both of them ready."""
    same = a.method == b.method
    shape = common_shape(a.values.shape, b.values.shape)
    first, second = (on_cells(spot.values, shape) for spot in (a, b))
    if not same:
        first, second = (shares_below(on_cells(spot.importance, shape)) for spot in (a, b))
    unit = a.method.unit if same else SHARE
    limits = _limits(a, first, second) if same else (0.0, 1.0)
    with np.errstate(invalid="ignore"):
        gap = second - first
    unsure = [s.title for s in (a, b) if s.result is not None and not is_certain(s.result.numbers)] if same else []
    return Held(first, second, gap, unit, limits, same, tuple(unsure))


def scale_of(a: Spot, same: bool, chosen: GridChoice) -> str:
    """The colours of both maps."""
    return SIGNED_SCALES[chosen.signed_colours] if same and a.method.signed else SCALES[chosen.colours]


def _draw(a: Spot, b: Spot) -> None:
    what, size = held(a, b), a.column.network_input.size
    first, second, gap, unit, same, unsure = what.first, what.second, what.gap, what.unit, what.same, what.unsure
    shape, limits, scale = (first.shape[0], first.shape[1]), what.limits, scale_of(a, same, choice())
    with st.container(horizontal=True, key="closer_numbers"):
        for name, (text, words) in told(a, b, what).items():
            st.metric(name, text, help=words)
    if unsure:
        st.caption(f":material/help: {UNSURE.format(' and of '.join(unsure))}")
    if not same:
        st.caption(f":material/info: {SHARES}")
    with st.container(horizontal=True, key="figures_closer"):
        for letter, spot, cells in (("a", a, first), ("b", b, second)):
            ends = ENDS.get(spot.method.name) if same else None
            figure = value_map(cells, size, limits, scale, unit, look(), ends)
            chart(
                f"**{letter.upper()}** · {spot.title}",
                figure,
                f"closer_{letter}",
                f"Map {letter.upper()}: {spot.title}",
            )
        if not unsure:
            figure = difference_map(gap, size, unit, look())
            chart("**B − A**", figure, "closer_difference", "Difference of map B and map A about zero")
        figure = scatter_figure(first, second, unit, look())
        chart(f"**Every {_pixel(shape, size)}**", figure, "closer_scatter", "Values of B against values of A")


def _pixel(shape: tuple[int, int], size: tuple[int, int]) -> str:
    return "pixel" if shape == size else f"cell of {size[0] // shape[0]}×{size[1] // shape[1]} pixels"


def _limits(a: Spot, first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """One scale for both, fitted to them."""
    return row_limits(Row("", "", "", a.method.signed, (Cell(first), Cell(second))))


def told(a: Spot, b: Spot, what: Held) -> dict[str, tuple[str, str]]:
    """Numbers by name, each as text with its explanation."""
    shape = what.first.shape[0], what.first.shape[1]
    first, second = (on_cells(spot.importance, shape) for spot in (a, b))
    overlap = top_overlap(first, second)
    found = {
        "Rank correlation": (decimal(rank_correlation(first, second), 2), MEANS["rank"]),
        "Overlap of the top tenth": (NONE if np.isnan(overlap) else f"{overlap:.0%}", MEANS["top"]),
    }
    finite = what.gap[np.isfinite(what.gap)]
    if what.same and finite.size and not what.unsure:
        mean = float(finite.mean())
        text = number(mean)
        if a.method.entropy:
            said = [spot.result.numbers for spot in (a, b) if spot.result is not None]
            # One map twice errs twice alike.
            error = 0.0 if a.name == b.name else math.hypot(*map(mean_uncertainty, said))
            text = gap(mean, error, least=any(map(loss_unknown, said)))
        found[f"Mean of B − A ({what.unit})"] = (text, MEANS["mean"])
    return found
