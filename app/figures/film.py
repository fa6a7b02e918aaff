"""A network's maps one after the other, in the browser: the picture beside the map of one layer, on a fixed scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.figures.ends import Ends, beyond_signs, marks_beyond, scale_title
from app.figures.maps import unbounded
from app.figures.panes import Panes
from app.figures.player import play_buttons, stops
from app.figures.probed import probed
from app.figures.remembered import remembered
from app.figures.style import NATS_SCALE, Look, bare_axis, dressing, heatmap, place_words

# Pixels of a map's side on a page of usual width, and around the two panes; the player is above.
SIDE, ABOVE, BELOW = 380, 154, 80
# Of these the second line of the title.
LINE = 16
# Shares of the chart's width between its margins: of a pane, and between both.
BETWEEN = 0.06
PANE = (1 - BETWEEN) / 2
NOTHING = {"type": "scatter", "x": [], "y": [], "showlegend": False, "hoverinfo": "skip"}


@remembered
def film_figure(
    names: Sequence[str],
    maps: Sequence[np.ndarray],
    picture: np.ndarray,
    limits: tuple[float, float],
    look: Look,
    captions: Sequence[str],
    start: int = 0,
    ends: Ends | None = None,
) -> go.Figure:
    """A frame for each layer's map (rows, columns) in nats, all on `limits`, beside the picture (H, W, 3) uint8.

    Over each stands its name, its place, and what `captions` say of it. It begins with the place `start`; a play
    button and a slider lead through the layers.
    """
    size = picture.shape[0], picture.shape[1]
    panes = Panes(1, 2, BETWEEN)
    panes.draw((0, 0), {"type": "image", "z": picture, "name": ""} | probed("picture", ""))
    moving = [_moving(name, cells, size, limits) for name, cells in zip(names, maps, strict=True)]
    panes.draw((0, 1), *moving[start])
    frames = [
        {
            "name": name,
            "data": traces,
            "traces": list(range(1, 1 + len(traces))),
            "layout": {"annotations": [_title(f"{name}</b> · {place} of {len(names)}<br>{said}", cells, limits)]},
        }
        for place, (name, cells, said, traces) in enumerate(zip(names, maps, captions, moving, strict=True), start=1)
    ]
    _axes(panes, size, look)
    bar = {
        "orientation": "h",
        "x": 0.765,
        "len": 0.42,
        "y": 0,
        "yanchor": "top",
        "ypad": 12,
        "thickness": 10,
        "outlinewidth": 0,
        "nticks": 7,
        "tickfont": {"size": 10},
        "title": {"text": scale_title(maps, limits, ends, "nats"), "side": "bottom", "font": {"size": 11}},
    }
    figure = panes.figure(
        **dressing(look, ABOVE + SIDE + BELOW, t=ABOVE, b=BELOW),
        uirevision=f"film {' '.join(names)}",
        dragmode=False,
        coloraxis={"colorscale": NATS_SCALE, "cmin": limits[0], "cmax": limits[1], "colorbar": bar},
        updatemenus=[play_buttons(look, LINE)],
        sliders=[stops(names, names, start, look, "", LINE)],
    )
    figure.frames = frames
    figure.layout.annotations = frames[start]["layout"]["annotations"]
    return figure


def film_rule(above: int = ABOVE, below: int = BELOW, most: int = ABOVE + SIDE + BELOW) -> str:
    """Its height in CSS for any width of its frame (100cqw): no higher than its two squares and the player need.

    >>> film_rule()
    'min(614px, 226px + 47cqw)'
    """
    return f"min({most}px, {above + below - 8}px + {100 * PANE:.0f}cqw)"


def _moving(name: str, cells: np.ndarray, size: tuple[int, int], limits: tuple[float, float]) -> list[dict[str, Any]]:
    """The map and its marks, of each layer as many traces: a frame can take none away."""
    shown = heatmap(
        np.where(np.isfinite(cells), cells, np.nan).astype(np.float32),
        size,
        coloraxis="coloraxis",
        name=name,
        hovertemplate=f"{place_words(cells.shape, size)}H = %{{z:.3f}} nats",
        **probed(name),
    )
    marks = [*marks_beyond(cells, size, limits, SIDE * 0.8), *unbounded(cells, size, SIDE * 0.8)]
    traces = [shown, *marks, *[NOTHING] * (3 - len(marks))]
    return [trace | {"xaxis": "x2", "yaxis": "y2"} for trace in traces]


def _title(text: str, cells: np.ndarray, limits: tuple[float, float]) -> dict[str, Any]:
    signs = beyond_signs(cells, limits)
    above = {"x": 0.765, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "center", "yanchor": "bottom"}
    return above | {"text": f"<b>{text}" + (f" · {signs}" if signs else ""), "showarrow": False, "font": {"size": 13}}


def _axes(panes: Panes, size: tuple[int, int], look: Look) -> None:
    bare = bare_axis(look) | {"constrain": "domain"}
    across, down = bare | {"range": [-0.5, size[1] - 0.5]}, bare | {"range": [size[0] - 0.5, -0.5]}
    for column in range(2):
        panes.set((0, column), across, down | {"scaleanchor": panes.references((0, column))[0]})
