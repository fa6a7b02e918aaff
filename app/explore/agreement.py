"""How far the methods of the grid agree on which pixels matter: for this picture, or on average over several."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import streamlit as st

from app.explore.grid_choice import OVER, change, choice
from app.explore.spots import importance, request
from app.figures.agreement import matrix_figure
from app.figures.style import PLAIN_CONFIG
from app.inputs.columns import Column
from app.inputs.pictures import PictureGoneError, gallery
from app.jobs.backend import Backend, View
from app.parts.bound import dropdown, segments
from app.parts.look import look
from app.parts.numbers_table import show_table
from app.parts.watch import Asked, Start, Watch
from app.words import counted
from explainers import CIDSettings
from explainers.cid.certainty import is_certain
from explainers.evaluation.alike import common_shape, on_cells, rank_correlation, top_overlap
from explainers.evaluation.intervals import bootstrap_interval
from explainers.methods.method import MapMethod
from explainers.methods.registry import methods

COLUMN_HELP = "The column of the grid whose maps are compared with each other."
OVER_HELP = (
    "This picture: the maps of the grid. Several: the first pictures of the same gallery, this one among them; maps "
    "that are known are used, the others are computed when you ask for them."
)
ORDER = "**The same order?** Rank correlation"
FIRST = "**The same pixels first?** Overlap of the top tenth"
RANK_HELP = (
    "Spearman's ρ of how much each pixel matters (for CID and RU: how little of it is thrown away). 1: both methods "
    "put the pixels into the same order; 0: neither order tells of the other; below 0: into the reverse."
)
TOP_HELP = (
    "Of the tenth of the pixels that matter most to one method, the share that is in the other's. By chance 10 %."
)
RANK, OVERLAP, LOW, HIGH = "rank correlation", "overlap (%)", "95 % from", "95 % to"
PLACES = {RANK: 2, OVERLAP: 0, LOW: 2, HIGH: 2}
COLUMNS = {
    RANK: RANK_HELP,
    OVERLAP: TOP_HELP,
    "pictures": "From how many pictures.",
    LOW: "Lower end of the 95 % bootstrap interval of the rank correlation over the pictures.",
    HIGH: "Upper end of that interval.",
}
FEW = "Agreement takes two methods or more with maps of this column. Open **Methods** above and choose another."


@dataclass(frozen=True)
class Pair:
    """Two methods by their places, and rank correlation and overlap for each picture that both have a map of."""

    first: int
    second: int
    ranks: tuple[float, ...]
    tops: tuple[float, ...]


def agreement(backend: Backend, columns: Sequence[Column], settings: CIDSettings) -> None:
    """Two matrices, and a table with intervals; what is missing of several pictures is computed when asked for."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="closer_pair"):
        column = _column(columns)
        dropdown("w_closer_over", "Pictures", _titles(), choice().over, lambda n: change(over=n), OVER_HELP)
    shown = [methods()[name] for name in methods() if name in choice().methods]
    kinds = [kind for kind in shown if not kind.refuse(column.network, column.layer)]
    if len(kinds) < 2:
        st.info(FEW)
        return
    seen = pictures_of(backend, column, choice().over)
    asked = [_asked(kind, one, settings) for one in seen for kind in kinds]
    work = Watch("agreement", lambda: asked, "agreement", waits=True)
    work.release()

    def draw(views: list[View]) -> None:
        done, count = sum(view.state == "done" for view in views), len(views)
        text = f"{done} of {count} maps of {counted(len(seen), 'picture')} are known."
        start = Start(text, "Compute the missing maps")
        work.status(views, f"{done} of {count} maps ready", f"From {counted(count, 'map')}, all ready.", start=start)
        lines = [views[at : at + len(kinds)] for at in range(0, count, len(kinds))]
        _draw(kinds, pairs(kinds, lines), len(seen))

    work.draw(draw)


def _titles() -> dict[int, str]:
    return {count: f"{count} pictures of the gallery" if count else "This picture" for count in OVER}


def _asked(kind: MapMethod, column: Column, settings: CIDSettings) -> Asked:
    wanted = request(kind, column, settings)
    return Asked(wanted, (wanted.cost, column.layer.depth), cost=wanted.cost)


def place_of(cell: str, count: int) -> int:
    """The column of a cell as the address names it, from 0; the first where it names none."""
    _, _, number = cell.partition(".")
    return min(int(number or 1), count) - 1


def _column(columns: Sequence[Column]) -> Column:
    """One of the grid's columns, as `a` names it."""
    place = place_of(choice().a, len(columns))
    titles = {at: column.title for at, column in enumerate(columns)}
    if len(columns) > 1:
        row = choice().a.partition(".")[0] or next(iter(methods()))
        segments("w_closer_column", "Column", titles, place, lambda at: change(a=f"{row}.{at + 1}"), COLUMN_HELP)
    return columns[place]


def pictures_of(backend: Backend, column: Column, over: int) -> list[Column]:
    """The column for this picture, and for as many others of its gallery as are asked for."""
    if not over:
        return [column]
    source = column.network_input.key.partition("/")[0]
    others = [key for key in (gallery(source) if source != "upload" else ()) if key != column.network_input.key]
    found = [column]
    for key in others[: over - 1]:
        try:
            found.append(replace(column, network_input=backend.network_input(column.network, key)))
        except PictureGoneError:
            continue
    return found


def pairs(kinds: Sequence[MapMethod], lines: Sequence[Sequence[View]]) -> list[Pair]:
    """Every two methods; `lines` has the maps of one picture each. Maps that are not to be relied on are left out."""
    ready = [[_importance(kind, view) for kind, view in zip(kinds, line, strict=True)] for line in lines]
    found: list[Pair] = []
    for first, second in combinations(range(len(kinds)), 2):
        both = [(line[first], line[second]) for line in ready if line[first] is not None and line[second] is not None]
        told = [_alike(a, b) for a, b in both if a is not None and b is not None]
        known = [one for one in told if not math.isnan(one[0])]
        found.append(Pair(first, second, tuple(rank for rank, _ in known), tuple(top for _, top in known)))
    return found


def _importance(kind: MapMethod, view: View) -> np.ndarray | None:
    if view.state != "done" or not is_certain(view.value.numbers):
        return None
    return importance(kind, view.value)


def _alike(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    shape = common_shape((a.shape[0], a.shape[1]), (b.shape[0], b.shape[1]))
    first, second = on_cells(a, shape), on_cells(b, shape)
    return rank_correlation(first, second), top_overlap(first, second)


def _draw(kinds: Sequence[MapMethod], found: Sequence[Pair], pictures: int) -> None:
    if not any(pair.ranks for pair in found):
        st.caption("Two maps of this column have to be ready before there is anything to compare.")
        return
    titles = [kind.title for kind in kinds]
    ranks, tops = np.eye(len(kinds)), np.eye(len(kinds))
    notes = [["the same method"] * len(kinds) for _ in kinds]
    for pair in found:
        for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
            ranks[one, other] = np.mean(pair.ranks) if pair.ranks else math.nan
            tops[one, other] = np.mean(pair.tops) if pair.tops else math.nan
            notes[one][other] = f"mean over {counted(len(pair.ranks), 'picture')}" if pair.ranks else "not known"
    with st.container(horizontal=True, key="figures_agreement"):
        for title, words, values, ends, scale, percent, key in (
            (ORDER, RANK_HELP, ranks, (-1.0, 1.0), "RdBu_r", False, "ranks"),
            (FIRST, TOP_HELP, tops, (0.0, 1.0), "Cividis", True, "tops"),
        ):
            with st.container():
                st.markdown(title, help=words)
                st.plotly_chart(
                    matrix_figure(titles, values, notes, ends, scale, percent, look()),
                    theme=None,
                    key=f"figure_agreement_{key}",
                    config=PLAIN_CONFIG | {"displayModeBar": False},
                    alt=f"{title.split('** ')[-1]} of {', '.join(titles)}",
                )
    columns = {name: st.column_config.NumberColumn(help=words) for name, words in COLUMNS.items()}
    show_table(table(titles, found, pictures), "agreement_table", columns, PLACES)


def table(titles: Sequence[str], found: Sequence[Pair], pictures: int) -> list[Mapping[str, object]]:
    """A row for each pair; with several pictures, the interval of the mean, too."""
    rows: list[Mapping[str, object]] = []
    for pair in found:
        names = f"{titles[pair.first]} and {titles[pair.second]}"
        known = bool(pair.ranks)
        row: dict[str, object] = {
            "methods": names,
            RANK: float(np.mean(pair.ranks)) if known else None,
        }
        if pictures > 1:
            interval = bootstrap_interval(pair.ranks) if len(pair.ranks) > 1 else None
            row |= {LOW: interval and interval.low, HIGH: interval and interval.high}
        row[OVERLAP] = 100 * float(np.mean(pair.tops)) if known else None
        if pictures > 1:
            row["pictures"] = len(pair.ranks)
        rows.append(row)
    return rows
