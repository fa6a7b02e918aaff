"""Maps side by side: one row per method, one column per layer, picture or network, zoomed together."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from app.figures.ends import Ends, beyond_signs, marks_beyond
from app.figures.maps import unbounded, unit_range
from app.figures.panes import Panes
from app.figures.probed import probed
from app.figures.remembered import remembered
from app.figures.style import Look, bare_axis, dressing, heatmap, place_words

SCALES = {"viridis": "Viridis", "cividis": "Cividis", "magma": "Magma", "grey": "Greys_r"}
# Red above zero, as everywhere in the field.
SIGNED_SCALES = {"rdbu": "RdBu_r", "puor": "PuOr_r"}
WIDTH, WIDEST, NARROWEST = 920, 250, 134
TOP, LEFT, RIGHT, BOTTOM, CAPTION, GAP = 46, 30, 74, 34, 34, 10
COST = (
    "Below the map: what it comes to; how long it took on this machine. ▼ and ▲: so many cells lie below and above the "
    "ends of the scale and have their colours; the number under the pointer is exact."
)


@dataclass(frozen=True)
class Cell:
    """One map (rows, columns) in its own unit, or None with a `note` why; `caption` is what it cost.

    A `preview` is not finished: its values set no scale. `cost` is what the caption does not say of it. `opens` is the
    layer to which a click on an empty cell leads.
    """

    values: np.ndarray | None
    caption: str = ""
    note: str = ""
    preview: bool = False
    cost: str = ""
    opens: str = ""


@dataclass(frozen=True)
class Row:
    """One method: `limits` are the ends of its scale where they are fixed, else those of the row's finished values.

    `ends` say what little and much of it mean, where that has a word.
    """

    title: str
    sentence: str
    unit: str
    signed: bool
    cells: tuple[Cell, ...]
    limits: tuple[float, float] | None = None
    ends: Ends | None = None


@dataclass(frozen=True)
class Head:
    """A column: title, a line under it, its layer, the picture's address and its (height, width) in pixels.

    Under a map that it shines through, the picture is best grey: its colours would mix with those of the map.
    """

    title: str
    subtitle: str
    layer: str
    picture: str
    size: tuple[int, int]


@dataclass(frozen=True)
class Style:
    """`own`: every map on its own scale; `opacity` 0..1 over the picture; names of the colours."""

    own: bool = False
    opacity: float = 1.0
    colours: str = "viridis"
    signed_colours: str = "rdbu"


@remembered
def grid_figure(rows: Sequence[Row], heads: Sequence[Head], style: Style, look: Look) -> go.Figure:
    """All maps in the frame of the first column's picture; larger and smaller pictures are scaled to it."""
    side = cell_side(len(heads))
    down = (CAPTION + GAP) / _inner(len(rows), WIDEST)
    panes = Panes(len(rows), len(heads), GAP / (WIDTH - LEFT - RIGHT), down)
    frame = heads[0].size
    layout = dressing(look, height(len(rows), len(heads)), l=LEFT, r=RIGHT, t=TOP, b=BOTTOM)
    for place, row in enumerate(rows):
        axis = f"coloraxis{place + 1 if place else ''}"
        limits = _limits(row, style)
        for column, (cell, head) in enumerate(zip(row.cells, heads, strict=True)):
            _map(panes, row, cell, head, (place, column), frame, axis, style, look, side, limits)
        layout[axis] = _colours(row, panes.domain(place), limits, style)
        _row_title(panes, row, place)
    for column, head in enumerate(heads):
        _column_title(panes, head, column)
    _axes(panes, frame, look)
    return panes.figure(**layout, uirevision="keep", showlegend=False, dragmode="zoom")


def cell_side(columns: int) -> int:
    """Pixels of a map's side on a page of usual width."""
    return min(WIDEST, (WIDTH - LEFT - RIGHT) // columns - GAP)


def least_width(columns: int) -> int:
    """Pixels below which the captions of neighbouring maps would overlap."""
    return LEFT + RIGHT + columns * NARROWEST


def height(rows: int, columns: int) -> int:
    """Pixels of the whole figure on a page of usual width."""
    return TOP + BOTTOM + round(_slope(rows) * (cell_side(columns) + CAPTION + GAP))


def height_rule(rows: int, columns: int) -> str:
    """The same in CSS for any width of the frame (100cqw): rows lie a map and its caption apart.

    >>> height_rule(1, 1).startswith("calc(80px + 0.8503 * (min(250px, (max(100cqw, 238px) - 104px) / 1 - 10px)")
    True
    """
    side = f"min({WIDEST}px, (max(100cqw, {least_width(columns)}px) - {LEFT + RIGHT}px) / {columns} - {GAP}px)"
    return f"calc({TOP + BOTTOM}px + {_slope(rows):.4f} * ({side} + {CAPTION + GAP}px))"


def row_shares(rows: int) -> list[tuple[float, float]]:
    """Of each row of maps, its upper edge and its height, as shares of all that lies between the figure's margins.

    >>> [round(share, 3) for share in row_shares(2)[1]]
    [0.54, 0.46]
    """
    down = (CAPTION + GAP) / _inner(rows, WIDEST)
    domains = [Panes(rows, 1, 0.0, down).domain(row) for row in range(rows)]
    return [(1 - top, top - bottom) for bottom, top in domains]


def _slope(rows: int) -> float:
    """Pixels of the rows for a pixel of their pitch: Plotly divides a height by shares, those of the widest maps."""
    return _inner(rows, WIDEST) / (WIDEST + CAPTION + GAP)


def row_limits(row: Row) -> tuple[float, float]:
    """The ends of the row's one scale: fixed ones, or those of its finite values, symmetric where they are signed.

    >>> cells = (Cell(np.array([[1.0, -3.0]])), Cell(np.array([[2.0, np.inf]])), Cell(None))
    >>> row_limits(Row("", "", "", True, cells)), row_limits(Row("", "", "", False, cells))
    ((-3.0, 3.0), (-3.0, 2.0))
    >>> row_limits(Row("", "", "", False, (Cell(np.zeros((2, 2))), Cell(np.full((2, 2), 9.0), preview=True))))
    (0.0, 1.0)
    """
    if row.limits is not None:
        return row.limits
    finished = [cell.values for cell in row.cells if cell.values is not None and not cell.preview]
    values = [one[np.isfinite(one)] for one in finished]
    return _ends(np.concatenate(values) if values else np.zeros(0), row.signed)


def colour_scale(row: Row, style: Style) -> str:
    """Plotly's name of the row's colours."""
    return SIGNED_SCALES[style.signed_colours] if row.signed else SCALES[style.colours]


def _ends(values: np.ndarray, signed: bool) -> tuple[float, float]:
    if not values.size:
        return (-1.0, 1.0) if signed else (0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if signed:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    if high > low:
        return low, high
    # Zero everywhere is the colour of nothing: the lowest, or where signs count the middle.
    return (low, high + 1) if low == 0 and not signed else (low - 0.5, high + 0.5)


def _limits(row: Row, style: Style) -> tuple[float, float]:
    if style.own:
        return (-1.0, 1.0) if row.signed else (0.0, 1.0)
    return row_limits(row)


def _inner(rows: int, side: int) -> float:
    return rows * side + (rows - 1) * (CAPTION + GAP) or 1


def _map(
    panes: Panes,
    row: Row,
    cell: Cell,
    head: Head,
    place: tuple[int, int],
    frame: tuple[int, int],
    axis: str,
    style: Style,
    look: Look,
    side: int,
    limits: tuple[float, float],
) -> None:
    letters = {"font": {"size": 10, "color": look.text}}
    if style.opacity < 1 or cell.values is None:
        across, down = panes.references(place)
        corner = {"xref": across, "yref": down, "x": -0.5, "y": -0.5, "sizex": frame[1], "sizey": frame[0]}
        faint = {"source": head.picture, "opacity": 1 if cell.values is not None else 0.12}
        panes.images.append(corner | faint | {"sizing": "stretch", "layer": "below"})
    if cell.values is None:
        leads = probed("", "", opens=cell.opens) if cell.opens else {}
        panes.draw(place, {"type": "scatter", "x": [None], "y": [None], "hoverinfo": "skip"} | leads)
        panes.write(place, wrapped(cell.note, NARROWEST - GAP), yanchor="middle", **letters)
        return
    finite = np.where(np.isfinite(cell.values), cell.values, np.nan).astype(np.float32)
    shown = heatmap(
        _stretched(finite, row.signed) if style.own else finite,
        frame,
        # The values themselves, where the colours show something else.
        customdata=finite if style.own else None,
        coloraxis=axis,
        opacity=style.opacity,
        name=f"{row.title} · {head.title}",
        hovertemplate=_words(row, cell, head, frame, style.own),
        **probed(f"{row.title} · {head.title}", row.unit, row.unit == "nats", cell.preview),
    )
    marks = [] if style.own else marks_beyond(cell.values, frame, limits, side * 0.8)
    panes.draw(place, shown, *marks, *unbounded(cell.values, frame, side * 0.8))
    if cell.caption:
        hint = "<br>".join(textwrap.wrap(f"{COST} {cell.cost}".strip(), 60))
        caption = _with_signs(cell.caption, beyond_signs(cell.values, limits) if marks else "")
        panes.write(place, caption, y=-4 / side, yanchor="top", hovertext=hint, **letters)


def _with_signs(caption: str, signs: str) -> str:
    """A caption with the signs of cells beyond the scale at the end of its first line.

    >>> _with_signs("mean −1.9 nats<br>…", "▼ 1 ▲ 2"), _with_signs("mean 1 nats", "")
    ('mean −1.9 nats · ▼ 1 ▲ 2<br>…', 'mean 1 nats')
    """
    first, *rest = caption.split("<br>")
    return "<br>".join([f"{first} · {signs}" if signs else first, *rest])


def wrapped(text: str, side: int) -> str:
    """Text in lines that fit into a cell `side` pixels wide."""
    return "<br>".join(textwrap.wrap(text, max(12, int(side / 6.2))))


def _stretched(values: np.ndarray, signed: bool) -> np.ndarray:
    """To [0, 1], or divided by the largest magnitude where signs count."""
    if not signed:
        return unit_range(values).astype(np.float32)
    largest = np.nanmax(np.abs(values))
    return values / largest if largest > 0 else values


def _words(row: Row, cell: Cell, head: Head, frame: tuple[int, int], own: bool) -> str:
    value = "%{customdata:,.4r} " + row.unit + "<br>%{z:.3f} of its own range" if own else "%{z:,.4r} " + row.unit
    if cell.preview:
        value = f"about %{{{'customdata' if own else 'z'}:.0f}} {row.unit}, a preview"
    # In a picture that was scaled to the frame of another, it would be a wrong number.
    pixel = place_words(cell.values.shape, frame) if cell.values is not None and head.size == frame else ""
    layer = "" if head.layer == head.title else f"<br>{head.layer}"
    return f"<b>{row.title}</b> · {head.title}{layer}<br>{pixel}{value}<extra></extra>"


def _colours(row: Row, domain: tuple[float, float], limits: tuple[float, float], style: Style) -> dict:
    bottom, top = domain
    unit = "own range" if style.own else row.unit
    # Written from the bottom up, as the scale rises. In one line where it can be: a second one would end beyond the
    # figure beside wide numbers.
    words = f"{row.ends[0]} ← → {row.ends[1]}<br>({unit})" if row.ends and not style.own else unit
    return {
        "colorscale": colour_scale(row, style),
        "cmin": limits[0],
        "cmax": limits[1],
        "colorbar": {
            "x": 1,
            "xpad": 8,
            "y": top,
            "yanchor": "top",
            "len": (top - bottom) * 0.9,
            "thickness": 9,
            "outlinewidth": 0,
            "ypad": 0,
            "nticks": 5,
            "tickformat": "~g",
            "tickfont": {"size": 10},
            "title": {"text": words, "side": "right", "font": {"size": 11}},
        },
    }


def _row_title(panes: Panes, row: Row, place: int) -> None:
    panes.write(
        (place, 0),
        # In one line: beside the least of maps there is room for the longest name, left of it for no second line.
        f"<b>{row.title}</b>",
        hovertext="<br>".join(textwrap.wrap(row.sentence, 60)),
        x=0,
        xref="paper",
        xanchor="right",
        xshift=-6,
        textangle=-90,
        font={"size": 13},
    )


def _column_title(panes: Panes, head: Head, column: int) -> None:
    text = f"<b>{head.title}</b><br><span style='font-size:11px'>{head.subtitle}</span>"
    panes.write((0, column), text, y=1, yref="paper", yanchor="bottom", yshift=4, font={"size": 13})


def _axes(panes: Panes, frame: tuple[int, int], look: Look) -> None:
    height, width = frame
    frames = bare_axis(look) | {"constrain": "domain"}
    across = {"range": [-0.5, width - 0.5], "minallowed": -0.5, "maxallowed": width - 0.5, "matches": "x"}
    down = {"range": [height - 0.5, -0.5], "minallowed": -0.5, "maxallowed": height - 0.5, "matches": "y"}
    # Where a narrow page makes maps smaller than their row, they keep to its upper edge, and captions to them.
    panes.set_all(frames | across, frames | down | {"constraintoward": "top"})
    panes.set((0, 0), {}, {"scaleanchor": "x", "scaleratio": 1})
