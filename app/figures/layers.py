"""All layers of one network at once: the layer-wise curve and the strip of maps, on one scale."""

import textwrap
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.ends import Ends, beyond_signs, marks_beyond, scale_title
from app.figures.intervals import whiskers
from app.figures.maps import unbounded
from app.figures.marks import open_where
from app.figures.methods import style_of
from app.figures.panes import Panes
from app.figures.probed import probed
from app.figures.remembered import remembered
from app.figures.style import NATS_SCALE, Look, bare_axis, dress, dressing, heatmap, place_words

COLUMNS = 5
# Pixels: the widest map of the strip, its title, what lies between neighbours and around all, and the least width.
CELL, TITLE, GAP, TOP, SIDE, BOTTOM, LEAST = 132, 26, 10, 26, 8, 70, 500


@remembered
def curve_figure(
    names: Sequence[str],
    mean: Sequence[float | None],
    concentration: Sequence[float | None] | None,
    look: Look,
    marked: str | None = None,
    metric: str = "CID",
    unsure: Sequence[bool] = (),
    errors: Sequence[float] = (),
    told: Sequence[str] = (),
) -> go.Figure:
    """Mean entropy and concentration against the layer in order of execution; None where not ready.

    `unsure` marks the layers whose map does not meet the constraint: their points are open. `errors` are what the means
    may be off by, NaN where that is not known, and `told` is how each is written.

    Without a foreground `concentration` is None and not drawn. Values are as computed, never smoothed or sorted.
    """
    both = concentration is not None
    figure = make_subplots(rows=2 if both else 1, cols=1, shared_xaxes=True, vertical_spacing=0.09)
    curves = [
        (f"mean {metric}", mean, style_of(metric.lower(), look)["color"], f"mean {metric}<br>(nats per input variable)")
    ]
    if both:
        curves.append(("concentration", concentration, look.text, "concentration<br>(nats)"))
    for row, (name, values, colour, title) in enumerate(curves, start=1):
        figure.add_trace(
            go.Scatter(
                x=list(names),
                y=[np.nan if value is None else value for value in values],
                mode="lines+markers",
                name=name,
                line={"color": colour, "width": 2},
                marker={"size": 7, "symbol": open_where(unsure, "circle")},
                # A click on a point leads elsewhere: the others stay as they are.
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 1}},
                connectgaps=False,
                hovertemplate="%{x}<br>" + name + " %{y:.3f} nats<extra></extra>",
            ),
            row=row,
            col=1,
        )
        figure.update_yaxes(title={"text": title, "font": {"size": 11}}, row=row, col=1)
    if told:
        told_mean = f"%{{x}}<br>mean {metric} %{{text}} nats<extra></extra>"
        figure.data[0].update(error_y=whiskers(errors), text=list(told), hovertemplate=told_mean)
    figure.update_xaxes(categoryorder="array", categoryarray=list(names), range=[-0.5, len(names) - 0.5])
    figure.update_xaxes(gridcolor=look.faint, tickangle=-45, tickfont={"size": 10}, zeroline=False, dtick=1)
    figure.update_yaxes(gridcolor=look.faint, tickfont={"size": 10}, zeroline=False)
    figure.update_xaxes(title={"text": "layer, in order of execution", "font": {"size": 11}}, row=1 + both, col=1)
    if marked is not None and marked in names:
        figure.add_vline(x=list(names).index(marked), line={"color": look.text, "width": 1, "dash": "dot"})
    if all(value is None for value in mean):
        figure.add_annotation(text="no layer is ready yet", x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
        figure.update_yaxes(showticklabels=False)
    dress(figure, look, 440 if both else 300, l=70, b=80)
    return figure.update_layout(showlegend=False, uirevision="keep", clickmode="event+select")


@remembered
def strip_figure(
    names: Sequence[str],
    maps: Sequence[np.ndarray | None],
    size: tuple[int, int],
    limits: tuple[float, float],
    look: Look,
    columns: int = COLUMNS,
    notes: Sequence[str] = (),
    previews: Sequence[bool] = (),
    ends: Ends | None = None,
) -> go.Figure:
    """Small multiples: one map (rows, columns) in nats per layer, all on `limits`, whose `ends` mean something.

    None where there is no map; then the layer's word of `notes` stands in its frame. Above a map stands whether it is
    one of the `previews`, and how many of its cells lie beyond the ends of the scale.
    """
    rows = -(-len(names) // columns)
    panes = Panes(rows, columns, GAP / (columns * (CELL + GAP) - GAP), TITLE / _inner(rows))
    for place, name in enumerate(_titles(names, maps, limits, previews)):
        panes.write(divmod(place, columns), name, y=1, yanchor="bottom", font={"size": 11}, yshift=-2)
    for place, cells in enumerate(maps):
        pane = divmod(place, columns)
        there = cells is not None
        if cells is None:
            cells = np.full((1, 1), np.nan)
            if notes:
                panes.write(pane, "<br>".join(textwrap.wrap(notes[place], 18)), font={"size": 11})
        shown = heatmap(
            np.where(np.isfinite(cells), cells, np.nan).astype(np.float32),
            size,
            coloraxis="coloraxis",
            name=names[place],
            hovertemplate=f"{place_words(cells.shape, size)}H = %{{z:.3f}} nats",
            **(probed(names[place], preview=bool(previews) and previews[place], opens=names[place]) if there else {}),
        )
        marks = marks_beyond(cells, size, limits, CELL * 0.8)
        panes.draw(pane, shown, *marks, *unbounded(cells, size, CELL * 0.8))
    across = {"range": [-0.5, size[1] - 0.5], "minallowed": -0.5, "maxallowed": size[1] - 0.5, "matches": "x"}
    down = {"range": [size[0] - 0.5, -0.5], "minallowed": -0.5, "maxallowed": size[0] - 0.5, "matches": "y"}
    frames = bare_axis(look) | {"constrain": "domain"}
    # Where a narrow page makes maps smaller than their row, they keep to its upper edge, and titles to them.
    panes.set_all(frames | across, frames | down | {"constraintoward": "top"})
    panes.set((0, 0), {}, {"scaleanchor": "x", "scaleratio": 1})
    return panes.figure(
        **dressing(look, TOP + BOTTOM + _inner(rows), l=SIDE, r=SIDE, t=TOP, b=BOTTOM),
        uirevision="keep",
        coloraxis={
            "colorscale": NATS_SCALE,
            "cmin": limits[0],
            "cmax": limits[1],
            "colorbar": {
                "orientation": "h",
                # At the left, so that a narrow page shows all of it before anything is scrolled.
                "x": 0,
                "xanchor": "left",
                "xpad": 0,
                "y": 0,
                "yanchor": "top",
                "ypad": 14,
                "thickness": 10,
                "len": 0.6,
                "outlinewidth": 0,
                "tickfont": {"size": 10},
                "title": {
                    "text": scale_title([cells for cells in maps if cells is not None], limits, ends),
                    "side": "bottom",
                    "font": {"size": 11},
                },
            },
        },
    )


def strip_rule(maps: int, columns: int = COLUMNS) -> str:
    """The height of the strip in CSS for any width of its frame (100cqw): rows lie a map and its title apart.

    >>> strip_rule(12).startswith("calc(96px + 2.8354 * (min(132px, (max(100cqw, 500px) - 56px) / 5) + 26px")
    True
    """
    rows = -(-maps // columns)
    side = f"min({CELL}px, (max(100cqw, {LEAST}px) - {2 * SIDE + (columns - 1) * GAP}px) / {columns})"
    # Plotly divides a height by shares, those of the widest maps.
    return f"calc({TOP + BOTTOM}px + {_inner(rows) / (CELL + TITLE):.4f} * ({side} + {TITLE}px))"


def _inner(rows: int) -> int:
    """Pixels between the strip's margins where its maps are widest."""
    return rows * CELL + (rows - 1) * TITLE


def _titles(
    names: Sequence[str], maps: Sequence[np.ndarray | None], limits: tuple[float, float], previews: Sequence[bool]
) -> list[str]:
    marks = ["" if cells is None else beyond_signs(cells, limits) for cells in maps]
    rough = ["preview" if one else "" for one in previews] or [""] * len(names)
    return [" · ".join(filter(None, parts)) for parts in zip(names, rough, marks, strict=True)]
