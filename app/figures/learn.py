"""The lessons' figures: pictures and maps in a row, and curves with their constraint."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.figures.ends import ENDS, Ends, beyond_words, marks_beyond, scale_words
from app.figures.maps import OUTLINE, unbounded
from app.figures.marks import open_where
from app.figures.panes import Panes
from app.figures.remembered import remembered
from app.figures.style import NATS_SCALE, Look, dress, dressing, heatmap
from app.words import factor
from explainers.methods.entropies import CID_NAME

# Told apart from the two of the theme without red and green, on light and on dark.
THIRD = "#8a6fc4"
ROW = 262
CURVE = 330


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture (H, W, 3) uint8 or one map (H, W) in nats; `spot` marks a pixel (row, column)."""

    title: str
    values: np.ndarray
    spot: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Curve:
    """One line; `colour` is its place in the palette, and without a line there are only its points.

    Points are open where they are `unsure`.
    """

    name: str
    x: Sequence[float] | np.ndarray
    y: Sequence[float] | np.ndarray
    colour: int = 0
    dash: str = "solid"
    points: bool = False
    line: bool = True
    errors: Sequence[float] | None = None
    unsure: Sequence[bool] = ()


@remembered
def row_figure(
    panels: Sequence[Panel],
    look: Look,
    limits: tuple[float, float] | None = None,
    ends: Ends | None = ENDS[CID_NAME],
) -> go.Figure:
    """Panels side by side with one frame; all maps on one colour scale in nats, `limits` or what they span.

    Unbounded pixels are grey and crossed, those beyond `limits` have a triangle. `ends` say what little and much mean.
    """
    maps = [panel.values for panel in panels if panel.values.ndim == 2]
    low, high = limits or (span(maps) if maps else (0.0, 1.0))
    panes, shapes = Panes(1, len(panels), 0.035), []
    frame = {"showgrid": False, "zeroline": False, "constrain": "domain", "ticks": "", "nticks": 4}
    frame |= {"showline": True, "mirror": True, "linecolor": look.faint, "tickfont": {"size": 10}}
    title = {"font": {"size": 11}, "standoff": 4}
    panes.set_all(frame | {"title": title | {"text": "column (pixels)"}}, frame | {"constraintoward": "top"})
    panes.set((0, 0), {}, {"title": title | {"text": "row (pixels)"}})
    for place, panel in enumerate(panels):
        pane, size = (0, place), panel.values.shape[:2]
        across, down = panes.references(pane)
        panes.title(pane, panel.title, font={"size": 12, "color": look.text}, yshift=-1)
        panes.draw(pane, *(_image(panel) if panel.values.ndim == 3 else _map(panel, (low, high))))
        if panel.spot is not None:
            shapes.append(_spot(panel.spot) | {"xref": across, "yref": down})
        ticks = {"scaleanchor": across, "showticklabels": place == 0}
        panes.set(pane, {"range": [-0.5, size[1] - 0.5]}, ticks | {"range": [size[0] - 0.5, -0.5]})
    layout = dressing(look, ROW + (60 if maps else 0), l=44, t=24, b=92 if maps else 44)
    if maps:
        words = " · ".join(filter(None, (scale_words(ends), beyond_words(maps, (low, high)))))
        layout["coloraxis"] = {"colorscale": NATS_SCALE, "cmin": low, "cmax": high, "colorbar": _bar(words)}
    return panes.figure(**layout, shapes=shapes, showlegend=False, dragmode=False, uirevision="keep")


@remembered
def curve_figure(
    curves: Sequence[Curve],
    axes: tuple[str, str],
    look: Look,
    log: tuple[bool, bool] = (False, False),
    here: float | None = None,
    level: tuple[float, str] | None = None,
    limits: tuple[float, float] | None = None,
    height: int = CURVE,
) -> go.Figure:
    """Lines over one axis: `axes` are the titles with their units, `here` the value that is chosen, `level` a bound."""
    figure = go.Figure()
    colours = (look.accent, look.second, THIRD)
    for curve in curves:
        mode = "+".join(["lines"] * curve.line + ["markers"] * curve.points)
        figure.add_trace(
            go.Scatter(
                x=list(curve.x),
                y=[np.nan if value is None else value for value in curve.y],
                mode=mode,
                name=curve.name,
                line={"color": colours[curve.colour], "width": 2.5, "dash": curve.dash},
                marker={"size": 8, "symbol": open_where(curve.unsure, "circle")},
                error_y=None if curve.errors is None else {"array": list(curve.errors), "thickness": 1, "width": 3},
                hovertemplate=f"{axes[0]} %{{x:,.4r}}<br>{axes[1]} %{{y:,.4r}}<extra>{curve.name}</extra>",
            )
        )
    quiet = {"gridcolor": look.faint, "tickfont": {"size": 11}, "zeroline": False, "title_font": {"size": 12}}
    quiet["ticklabelstandoff"] = 4
    figure.update_xaxes(title=axes[0], type="log" if log[0] else "linear", title_standoff=6, **quiet)
    figure.update_yaxes(title=axes[1], type="log" if log[1] else "linear", title_standoff=6, **quiet)
    for axis, logarithmic in ((figure.update_xaxes, log[0]), (figure.update_yaxes, log[1])):
        if logarithmic:
            axis(dtick=1, exponentformat="power")
    # Powers of ten read well only where plain numbers no longer do.
    if log[0] and _plain(curves[0].x):
        figure.update_xaxes(tickformat="~g")
    if log[1] and _plain([value for curve in curves for value in curve.y if value]):
        figure.update_yaxes(tickformat="~g")
    if limits is not None:
        figure.update_yaxes(range=list(np.log10(limits)) if log[1] else list(limits))
    if here is not None:
        figure.add_vline(x=here, line={"color": look.text, "width": 1.5, "dash": "dot"})
    if level is not None:
        value, words = level
        figure.add_hline(y=value, line={"color": look.text, "width": 1})
        y = np.log10(value) if log[1] else value
        corner = {"x": 0.01, "xref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False}
        figure.add_annotation(text=words, y=y, font={"size": 11, "color": look.text}, **corner)
    dress(figure, look, height, l=62, t=44, b=44)
    # On a narrow page the legend has a line for each curve, which the axes leave it.
    figure.update_layout(margin={"autoexpand": True})
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}}
    return figure.update_layout(legend=legend, showlegend=len(curves) > 1, dragmode=False, uirevision="keep")


def _plain(values: Sequence[float] | np.ndarray) -> bool:
    """Whether numbers along a logarithmic axis can be read without powers of ten.

    >>> _plain([0.001, 20]), _plain([1.0, 1.9e6]), _plain([])
    (True, False, True)
    """
    return min(values, default=1) >= 1e-3 and max(values, default=1) <= 1e4


@remembered
def factors_figure(names: Sequence[str], factors: Sequence[float], look: Look, reach: float) -> go.Figure:
    """How many times larger each measure has become, on a logarithmic axis from 1/`reach` to `reach`."""
    ends = np.log2(np.asarray(factors, float))
    figure = go.Figure(
        go.Bar(
            x=ends,
            y=list(names),
            orientation="h",
            marker={"color": [look.accent if abs(end) < 1e-3 else look.second for end in ends]},
            text=[factor(value, 3) for value in factors],
            textposition="outside",
            textfont={"size": 13},
            cliponaxis=False,
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.add_vline(x=0, line={"color": look.text, "width": 1.5})
    top = int(np.log2(reach))
    places = list(range(-top, top + 1, 2))
    figure.update_xaxes(
        range=[-top - 1.6, top + 1.6],
        tickvals=places,
        ticktext=[factor(2.0**place) for place in places],
        title={"text": "times its value before", "font": {"size": 12}},
        gridcolor=look.faint,
        zeroline=False,
        tickfont={"size": 11},
    )
    figure.update_yaxes(autorange="reversed", tickfont={"size": 13}, ticklabelstandoff=6)
    return dress(figure, look, 90 + 50 * len(names), l=104, b=48).update_layout(dragmode=False)


def span(maps: Sequence[np.ndarray]) -> tuple[float, float]:
    """From the least to the largest finite value of all maps, at least a tenth of a nat wide.

    >>> span([np.array([-3.0, np.inf]), np.array([-2.0])])
    (-3.0, -2.0)
    """
    finite = np.concatenate([values[np.isfinite(values)] for values in maps])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return (low, high) if high - low >= 0.1 else ((low + high) / 2 - 0.05, (low + high) / 2 + 0.05)


def _image(panel: Panel) -> list[dict[str, Any]]:
    hover = "row %{y}, column %{x}<br>RGB %{z}<extra></extra>"
    return [{"type": "image", "z": panel.values, "hovertemplate": hover, "name": ""}]


def _map(panel: Panel, limits: tuple[float, float]) -> list[dict[str, Any]]:
    size = (panel.values.shape[0], panel.values.shape[1])
    shown = heatmap(
        np.where(np.isfinite(panel.values), panel.values, np.nan),
        size,
        coloraxis="coloraxis",
        name=panel.title,
        hovertemplate="row %{y}, column %{x}<br>H = %{z:.3f} nats",
    )
    return [shown, *marks_beyond(panel.values, size, limits, 160), *unbounded(panel.values, size, 160)]


def _spot(spot: tuple[int, int]) -> dict[str, Any]:
    row, column = spot
    edges = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
    return {"type": "rect", "line": {"color": OUTLINE, "width": 2.5}} | edges


def _bar(words: str) -> dict:
    title = {"text": words, "side": "bottom", "font": {"size": 11}}
    place = {"orientation": "h", "y": 0, "yanchor": "top", "ypad": 40, "thickness": 10, "len": 0.6}
    return place | {"outlinewidth": 0, "nticks": 6, "tickfont": {"size": 10}, "title": title}
