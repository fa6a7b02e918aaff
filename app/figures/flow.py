"""What a layer knows, over the epochs of a training: a curve for each layer, with the spread over trainings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from app.figures.networks import COLOURS, SYMBOLS, Style
from app.figures.remembered import remembered
from app.figures.style import Look, dress

# Where epoch 0 stands on an axis of logarithms.
BEFORE = 0.5
HEIGHT = 360


@dataclass(frozen=True)
class Series:
    """One curve: a value for each of `epochs`, with the lowest and the highest of several trainings (NaN: none).

    `points` without a line where they were computed apart; `words` are said of each point.
    """

    title: str
    style: Style
    epochs: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    words: tuple[str, ...]
    dash: str = "solid"
    points: bool = False


@dataclass(frozen=True)
class Level:
    """A horizontal line, and what it is."""

    value: float
    words: str


def style_of(place: int) -> Style:
    """Of the layer at that place."""
    return Style(COLOURS[place % len(COLOURS)], SYMBOLS[place % len(SYMBOLS)])


def along(epochs: Sequence[int]) -> list[float]:
    """Where epochs stand on the axis.

    >>> along([0, 1, 10])
    [0.5, 1.0, 10.0]
    """
    return [float(epoch) or BEFORE for epoch in epochs]


@remembered
def flow_curves_figure(
    curves: Sequence[Series],
    quantity: str,
    look: Look,
    here: int | None = None,
    levels: Sequence[Level] = (),
    height: int = HEIGHT,
) -> go.Figure:
    """Curves of one `quantity`, named with its unit, over epochs; `here` is the epoch that is looked at."""
    figure = go.Figure()
    for curve in curves:
        if not curve.points and any(low < high for low, high in zip(curve.low, curve.high, strict=True)):
            figure.add_trace(_band(curve))
    for curve in curves:
        figure.add_trace(_line(curve))
    small = {"tickfont": {"size": 11}, "gridcolor": look.faint, "zeroline": False}
    last = max((curve.epochs[-1] for curve in curves if curve.epochs), default=1)
    ticks = [0, *(10**power for power in range(9) if 10**power <= last)]
    figure.update_xaxes(
        title={"text": "epoch", "font": {"size": 12}, "standoff": 6},
        type="log",
        range=[math.log10(BEFORE) - 0.05, math.log10(max(last, 1)) + 0.05],
        tickvals=along(ticks),
        ticktext=[f"{tick:,}" for tick in ticks],
        **small,
    )
    values = [value for curve in curves for value in curve.mean if math.isfinite(value)]
    mode = "tozero" if min(values, default=0) >= 0 else "normal"
    figure.update_yaxes(title={"text": quantity, "font": {"size": 12}}, rangemode=mode, **small)
    if here is not None:
        figure.add_vline(x=float(here) or BEFORE, line={"color": look.text, "width": 1.2, "dash": "dot"})
    for level in levels:
        _level(figure, level, look)
    if not values:
        figure.add_annotation(text="no value", x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    dress(figure, look, height, l=64, r=14, t=56, b=46)
    # How many rows the legend has depends on the page's width: the axes leave it what it needs.
    figure.update_layout(margin={"autoexpand": True})
    legend = {"orientation": "h", "x": 0, "y": 1.04, "yanchor": "bottom", "font": {"size": 12}}
    return figure.update_layout(
        legend=legend, showlegend=True, hovermode="closest", dragmode=False, uirevision=quantity
    )


def _band(curve: Series) -> go.Scatter:
    across = along(curve.epochs)
    red, green, blue = (int(curve.style.colour[place : place + 2], 16) for place in (1, 3, 5))
    return go.Scatter(
        x=across + across[::-1],
        y=[*curve.high, *curve.low[::-1]],
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.18)",
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        legendgroup=curve.title,
    )


def _line(curve: Series) -> go.Scatter:
    return go.Scatter(
        x=along(curve.epochs),
        y=list(curve.mean),
        error_y=_bars(curve) if curve.points else None,
        mode="markers" if curve.points else "lines+markers",
        name=curve.title,
        legendgroup=curve.title,
        hovertext=list(curve.words),
        hoverinfo="text",
        line={"color": curve.style.colour, "width": 2, "dash": curve.dash},
        marker={
            "size": 9 if curve.points else 5,
            "symbol": f"{curve.style.symbol}-open" if curve.points else curve.style.symbol,
            "color": curve.style.colour,
            "line": {"width": 2 if curve.points else 0},
        },
        connectgaps=False,
    )


def _bars(curve: Series) -> dict:
    mean, low, high = (np.array(values, float) for values in (curve.mean, curve.low, curve.high))
    ends = {"array": np.nan_to_num(high - mean).tolist(), "arrayminus": np.nan_to_num(mean - low).tolist()}
    return {"type": "data", "symmetric": False, "thickness": 1.2, "width": 3} | ends


def _level(figure: go.Figure, level: Level, look: Look) -> None:
    figure.add_hline(y=level.value, line={"color": look.text, "width": 1, "dash": "dash"})
    corner = {"x": 0.01, "xref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False}
    figure.add_annotation(text=level.words, y=level.value, font={"size": 11, "color": look.text}, **corner)
