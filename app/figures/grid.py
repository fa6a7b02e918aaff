"""Maps side by side: one row per method, one column per layer, picture or network, zoomed together."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.maps import unbounded, unit_range
from app.figures.remembered import remembered
from app.figures.style import Look, dress

SCALES = {"viridis": "Viridis", "cividis": "Cividis", "magma": "Magma", "grey": "Greys_r"}
# Red above zero, as everywhere in the field.
SIGNED_SCALES = {"rdbu": "RdBu_r", "puor": "PuOr_r"}
WIDTH, WIDEST, NARROWEST = 920, 250, 134
TOP, LEFT, RIGHT, BOTTOM, CAPTION, GAP = 46, 30, 74, 34, 34, 10
COST = "Below the map: what it comes to; forward + backward passes through the network; time on this machine."


@dataclass(frozen=True)
class Cell:
    """One map (rows, columns) in its own unit, or None with a `note` why; `caption` is what it cost."""

    values: np.ndarray | None
    caption: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One method: `limits` are the ends of its scale where they are fixed, else those of the row's values."""

    title: str
    sentence: str
    unit: str
    signed: bool
    cells: tuple[Cell, ...]
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class Head:
    """A column: title, a line under it, its layer, the picture's address and its (height, width) in pixels."""

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
    figure = make_subplots(
        rows=len(rows),
        cols=len(heads),
        horizontal_spacing=GAP / (WIDTH - LEFT - RIGHT) if len(heads) > 1 else 0,
        vertical_spacing=(CAPTION + GAP) / _inner(len(rows), WIDEST) if len(rows) > 1 else 0,
    )
    frame = heads[0].size
    for place, row in enumerate(rows):
        axis = f"coloraxis{place + 1 if place else ''}"
        low, high = _limits(row, style)
        for column, (cell, head) in enumerate(zip(row.cells, heads, strict=True)):
            _map(figure, row, cell, head, (place + 1, column + 1), frame, axis, style, look, side)
        figure.update_layout({axis: _colours(figure, row, place, (low, high), style)})
        _row_title(figure, row, place)
    for column, head in enumerate(heads):
        _column_title(figure, head, column)
    _axes(figure, frame, look)
    dress(figure, look, height(len(rows), len(heads)), l=LEFT, r=RIGHT, t=TOP, b=BOTTOM)
    return figure.update_layout(uirevision="keep", showlegend=False, dragmode="zoom")


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


def _slope(rows: int) -> float:
    """Pixels of the rows for a pixel of their pitch: Plotly divides a height by shares, those of the widest maps."""
    return _inner(rows, WIDEST) / (WIDEST + CAPTION + GAP)


def row_limits(row: Row) -> tuple[float, float]:
    """The ends of the row's one scale: fixed ones, or those of its finite values, symmetric where they are signed.

    >>> cells = (Cell(np.array([[1.0, -3.0]])), Cell(np.array([[2.0, np.inf]])), Cell(None))
    >>> row_limits(Row("", "", "", True, cells)), row_limits(Row("", "", "", False, cells))
    ((-3.0, 3.0), (-3.0, 2.0))
    >>> row_limits(Row("", "", "", False, (Cell(np.zeros((2, 2))),)))
    (0.0, 1.0)
    """
    if row.limits is not None:
        return row.limits
    values = [cell.values[np.isfinite(cell.values)] for cell in row.cells if cell.values is not None]
    return _ends(np.concatenate(values) if values else np.zeros(0), row.signed)


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
    figure: go.Figure,
    row: Row,
    cell: Cell,
    head: Head,
    place: tuple[int, int],
    frame: tuple[int, int],
    axis: str,
    style: Style,
    look: Look,
    side: int,
) -> None:
    where: dict[str, Any] = {"row": place[0], "col": place[1]}
    across, down = _references(figure, place)
    if style.opacity < 1 or cell.values is None:
        figure.add_layout_image(
            source=head.picture,
            xref=across,
            yref=down,
            x=-0.5,
            y=-0.5,
            sizex=frame[1],
            sizey=frame[0],
            sizing="stretch",
            layer="below",
            opacity=1 if cell.values is not None else 0.12,
        )
    if cell.values is None:
        figure.add_trace(go.Scatter(x=[None], y=[None], hoverinfo="skip"), **where)
        _text(figure, wrapped(cell.note, NARROWEST - GAP), across, down, 0.5, 0.5, look, "middle")
        return
    finite = np.where(np.isfinite(cell.values), cell.values, np.nan).astype(np.float32)
    shown = _stretched(finite, row.signed) if style.own else finite
    dy, dx = frame[0] / finite.shape[0], frame[1] / finite.shape[1]
    figure.add_trace(
        go.Heatmap(
            z=shown,
            x0=dx / 2 - 0.5,
            dx=dx,
            y0=dy / 2 - 0.5,
            dy=dy,
            # The values themselves, where the colours show something else.
            customdata=finite if style.own else None,
            coloraxis=axis,
            opacity=style.opacity,
            zsmooth=False,
            hoverongaps=False,
            name=f"{row.title} · {head.title}",
            hovertemplate=_words(row, head, frame, style.own),
        ),
        **where,
    )
    unbounded(figure, cell.values, frame, look, **where, extent=side * 0.8)
    if cell.caption:
        _text(figure, cell.caption, across, down, 0.5, -4 / side, look, "top", COST)


def wrapped(text: str, side: int) -> str:
    """Text in lines that fit into a cell `side` pixels wide."""
    return "<br>".join(textwrap.wrap(text, max(12, int(side / 6.2))))


def _stretched(values: np.ndarray, signed: bool) -> np.ndarray:
    """To [0, 1], or divided by the largest magnitude where signs count."""
    if not signed:
        return unit_range(values).astype(np.float32)
    largest = np.nanmax(np.abs(values))
    return values / largest if largest > 0 else values


def _words(row: Row, head: Head, frame: tuple[int, int], own: bool) -> str:
    value = "%{customdata:.4g} " + row.unit + "<br>%{z:.3f} of its own range" if own else "%{z:.4g} " + row.unit
    # Pixels of a picture that was scaled to the frame of another would be wrong numbers.
    pixel = "row %{y:.0f}, column %{x:.0f}<br>" if head.size == frame else ""
    layer = "" if head.layer == head.title else f"<br>{head.layer}"
    return f"<b>{row.title}</b> · {head.title}{layer}<br>{pixel}{value}<extra></extra>"


def _colours(figure: go.Figure, row: Row, place: int, limits: tuple[float, float], style: Style) -> dict:
    top, bottom = _domain(figure, place)
    unit = "own range" if style.own else row.unit
    return {
        "colorscale": (SIGNED_SCALES[style.signed_colours] if row.signed else SCALES[style.colours]),
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
            "title": {"text": "<br>".join(textwrap.wrap(unit, 22)), "side": "right", "font": {"size": 11}},
        },
    }


def _domain(figure: go.Figure, place: int) -> tuple[float, float]:
    bottom, top = cast(Any, figure.layout)[_names(figure, (place + 1, 1))[1]].domain
    return top, bottom


def _names(figure: go.Figure, place: tuple[int, int]) -> tuple[str, str]:
    (reference,) = cast(Any, figure)._grid_ref[place[0] - 1][place[1] - 1]
    return reference.layout_keys


def _references(figure: go.Figure, place: tuple[int, int]) -> tuple[str, str]:
    """What annotations call the axes of a cell, such as "x2" and "y2"."""
    across, down = _names(figure, place)
    return across.replace("axis", ""), down.replace("axis", "")


def _row_title(figure: go.Figure, row: Row, place: int) -> None:
    _, down = _references(figure, (place + 1, 1))
    figure.add_annotation(
        text="<b>" + "<br>".join(textwrap.wrap(row.title, 14)) + "</b>",
        hovertext="<br>".join(textwrap.wrap(row.sentence, 60)),
        x=0,
        xref="paper",
        xanchor="right",
        xshift=-6,
        y=0.5,
        yref=f"{down} domain",
        textangle=-90,
        showarrow=False,
        font={"size": 13},
    )


def _column_title(figure: go.Figure, head: Head, column: int) -> None:
    across, _ = _references(figure, (1, column + 1))
    figure.add_annotation(
        text=f"<b>{head.title}</b><br><span style='font-size:11px'>{head.subtitle}</span>",
        x=0.5,
        xref=f"{across} domain",
        y=1,
        yref="paper",
        yanchor="bottom",
        yshift=4,
        showarrow=False,
        font={"size": 13},
    )


def _text(
    figure: go.Figure, text: str, across: str, down: str, x: float, y: float, look: Look, anchor: str,
    hint: str | None = None,
) -> None:  # fmt: skip
    figure.add_annotation(
        text=text,
        xref=f"{across} domain",
        yref=f"{down} domain",
        x=x,
        y=y,
        yanchor=anchor,
        showarrow=False,
        hovertext=None if hint is None else "<br>".join(textwrap.wrap(hint, 60)),
        font={"size": 10, "color": look.text},
    )


def _axes(figure: go.Figure, frame: tuple[int, int], look: Look) -> None:
    height, width = frame
    frames = {
        "showgrid": False,
        "zeroline": False,
        "showticklabels": False,
        "ticks": "",
        "showline": True,
        "mirror": True,
        "linecolor": look.faint,
        "constrain": "domain",
    }
    figure.update_xaxes(range=[-0.5, width - 0.5], minallowed=-0.5, maxallowed=width - 0.5, matches="x", **frames)
    figure.update_yaxes(range=[height - 0.5, -0.5], minallowed=-0.5, maxallowed=height - 0.5, matches="y", **frames)
    # Where a narrow page makes maps smaller than their row, they keep to its upper edge, and captions to them.
    figure.update_yaxes(constraintoward="top")
    figure.update_layout(yaxis={"scaleanchor": "x", "scaleratio": 1})
