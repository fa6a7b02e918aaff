"""The picture and its maps: arrays -> figures with the same frame, so that they can be read side by side."""

import textwrap
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.figures.ends import Ends, beyond_words, marks_beyond, scale_words
from app.figures.probed import probed
from app.figures.remembered import remembered
from app.figures.style import NATS_SCALE, UNBOUNDED_FILL, Look, dressing, heatmap, pixel_axes, place_words

Box = tuple[int, int, int, int]
HEIGHT = 392
# Above it the row 0 has its number, of which half stands beyond the frame.
MARGIN = {"l": 46, "r": 6, "t": 8, "b": 92}
OUTLINE = "#ff5c8a"


def unit_range(entropy: np.ndarray) -> np.ndarray:
    """(H − min H) / (max H − min H) over the bounded cells; 0 where all are equal, NaN where unbounded.

    >>> unit_range(np.array([[1.0, 3.0], [2.0, np.inf]]))
    array([[0. , 1. ],
           [0.5, nan]])
    """
    finite = np.where(np.isfinite(entropy), entropy, np.nan)
    if np.isnan(finite).all():
        return finite
    low, high = np.nanmin(finite), np.nanmax(finite)
    return (finite - low) / (high - low) if high > low else finite - low


@remembered
def picture_figure(
    picture: np.ndarray, look: Look, box: Box | None = None, mask: np.ndarray | None = None
) -> go.Figure:
    """The picture (H, W, 3) uint8 as the network sees it, with the foreground's outline."""
    height, width = picture.shape[:2]
    image = {"type": "image", "z": picture, "name": ""}
    image["hovertemplate"] = "row %{y}, column %{x}<br>RGB %{z}<extra></extra>"
    image |= probed("picture", "")
    return go.Figure([image, *outlines(box, mask)], frame(height, width, look))


@remembered
def nats_figure(
    cells: np.ndarray,
    size: tuple[int, int],
    limits: tuple[float, float],
    look: Look,
    box: Box | None = None,
    ends: Ends | None = None,
    preview: bool = False,
    title: str = "H",
) -> go.Figure:
    """Entropy per cell (rows, columns) in nats on the fixed colour scale `limits`, whose two `ends` mean something.

    Values outside `limits` take the colour of the nearer end with a triangle, are counted under the scale and keep
    their number in the hover text; unbounded cells (+inf) are grey and crossed. `size` is the picture's (height, width)
    in pixels. A `preview` says so, and its numbers are rough. `title` is what the pixel probe calls it.
    """
    hover = "H about %{z:.0f} nats, a preview" if preview else "H = %{z:.3f} nats"
    shown = heatmap(
        np.where(np.isfinite(cells), cells, np.nan),
        size,
        name="",
        colorscale=NATS_SCALE,
        zmin=limits[0],
        zmax=limits[1],
        colorbar=_bar(_lines(scale_words(ends), crossed(cells), beyond_words([cells], limits), preview)),
        hovertemplate=f"{place_words(cells.shape, size)}{hover}<extra></extra>",
        **probed(title, preview=preview),
    )
    marks = marks_beyond(cells, size, limits)
    return go.Figure([shown, *marks, *unbounded(cells, size), *outlines(box, None, quiet=True)], frame(*size, look))


@remembered
def unit_figure(
    cells: np.ndarray, size: tuple[int, int], look: Look, box: Box | None = None, preview: bool = False
) -> go.Figure:
    """The same cells stretched to [0, 1], each map on its own scale; nats stay in the hover text."""
    hover = "a preview" if preview else "%{z:.3f} of the range<br>H = %{customdata:.3f} nats"
    shown = heatmap(
        unit_range(cells),
        size,
        name="",
        customdata=np.where(np.isfinite(cells), cells, np.nan),
        colorscale=NATS_SCALE,
        zmin=0,
        zmax=1,
        colorbar=_bar(_lines("share of its own range (0–1)", crossed(cells), "", preview)),
        hovertemplate=f"{place_words(cells.shape, size)}{hover}<extra></extra>",
        **probed("H", preview=preview),
    )
    return go.Figure([shown, *unbounded(cells, size), *outlines(box, None, quiet=True)], frame(*size, look))


@remembered
def empty_figure(size: tuple[int, int], look: Look, text: str) -> go.Figure:
    """The frame of a map that is not there, of the same size, so that nothing jumps when it comes; `text` says why."""
    # In lines that fit into the narrowest frame.
    lines = "<br>".join(textwrap.wrap(text, 28))
    note = {"text": lines, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
    return go.Figure(
        [{"type": "scatter", "x": [], "y": [], "showlegend": False}], frame(*size, look) | {"annotations": [note]}
    )


def unbounded(cells: np.ndarray, size: tuple[int, int], extent: float = 300.0) -> list[dict[str, Any]]:
    """The trace that marks the cells of infinite entropy, if any: grey with a cross; a legend would hide the scale."""
    rows, columns = np.nonzero(np.isposinf(cells))
    if not len(rows):
        return []
    steps = size[0] / cells.shape[0], size[1] / cells.shape[1]
    side = extent / max(cells.shape)
    marker = {"symbol": "square-x-open", "size": max(2.0, side * 0.9), "color": UNBOUNDED_FILL, "line": {"width": 1}}
    marks = {
        "type": "scatter",
        "x": ((columns + 0.5) * steps[1] - 0.5).astype(np.float32),
        "y": ((rows + 0.5) * steps[0] - 0.5).astype(np.float32),
        "mode": "markers",
        "name": f"unbounded: not used by the layer ({len(rows)} cells)",
        "marker": marker,
        "hovertemplate": f"{place_words(cells.shape, size)}unbounded: not used by this layer<extra></extra>",
        "showlegend": False,
    }
    return [marks]


def outlines(box: Box | None, mask: np.ndarray | None, quiet: bool = False) -> list[dict[str, Any]]:
    """The mask as a solid line and the box as a dashed one; `quiet` leaves them out of the legend."""
    lines: list[dict[str, Any]] = []
    if mask is not None:
        contours = {"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"}
        line = {"color": OUTLINE, "width": 1.5}
        place = {"x0": -1, "dx": 1, "y0": -1, "dy": 1, "z": np.pad(mask.astype(np.float32), 1)}
        lines.append(
            {"type": "contour", "contours": contours, "line": line, "showscale": False, "name": "mask"} | place
        )
    if box is not None:
        x0, y0, x1, y1 = (edge - 0.5 for edge in box)
        line = {"color": "#ffffff" if quiet else OUTLINE, "width": 1 if quiet else 2, "dash": "dash"}
        place = {"x": [x0, x1, x1, x0, x0], "y": [y0, y0, y1, y1, y0]}
        lines.append({"type": "scatter", "mode": "lines", "line": line, "name": "box"} | place)
    return [line | {"hoverinfo": "skip", "showlegend": not quiet} for line in lines]


def crossed(cells: np.ndarray) -> str:
    """How many cells are marked as unbounded, for the title of a scale.

    >>> crossed(np.array([1.0, np.inf])), crossed(np.array([1.0]))
    ('⊠ 1 unbounded', '')
    """
    count = int(np.isposinf(cells).sum())
    return f"⊠ {count} unbounded" if count else ""


def _lines(title: str, unbounded: str, beyond: str, preview: bool) -> str:
    """The title of a scale, and under it what else has to be said of the map."""
    more = " · ".join(filter(None, ("preview" if preview else "", unbounded, beyond)))
    return f"{title}<br>{more}" if more else title


def _bar(title: str) -> dict:
    return {
        "orientation": "h",
        "x": 0.5,
        # At the figure's lower edge, however high the figure is drawn.
        "yref": "container",
        "y": 0,
        "yanchor": "bottom",
        "ypad": 0,
        "thickness": 10,
        "outlinewidth": 0,
        "tickfont": {"size": 10},
        "nticks": 7,
        "title": {"text": title, "side": "bottom", "font": {"size": 11}},
    }


def frame_rule(size: tuple[int, int], by: float = 1.0, most: int = HEIGHT) -> str:
    """The height in CSS for any width of its place (100cqw): no higher than a map of `size`, (height, width), needs.

    `by` is how much larger its margins are (`enlarge`), `most` pixels the greatest height.

    >>> frame_rule((32, 32)), frame_rule((64, 128), by=2, most=500)
    ('min(392px, 48px + 100.0cqw)', 'min(500px, 148px + 50.0cqw)')
    """
    left, right, top, bottom = (round(MARGIN[side] * by) for side in "lrtb")
    slope = size[0] / size[1]
    return f"min({most}px, {top + bottom - (left + right) * slope:.0f}px + {100 * slope:.1f}cqw)"


def frame(height: int, width: int, look: Look) -> dict[str, Any]:
    """The layout of pictures and maps of this size: axes in pixels, margins and the place of the legend."""
    legend = {"orientation": "h", "x": 0, "yref": "container", "y": 0, "yanchor": "bottom", "font": {"size": 11}}
    axes = pixel_axes(height, width, look)
    for axis in (axes["xaxis"], axes["yaxis"]):
        axis |= {"showline": True, "mirror": True, "linecolor": look.faint}
    return axes | dressing(look, HEIGHT, **MARGIN) | {"legend": legend}
