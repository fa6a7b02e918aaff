"""Curves of a study: means with their intervals, and a miniature of them."""

import math
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from app.figures.intervals import error_bars, said
from app.figures.marks import open_where
from app.figures.networks import Style
from app.figures.remembered import remembered
from app.figures.style import Look, dress
from app.words import counted

PLOT = 330
# Places that span less than so much stand each at its tick of a logarithmic axis.
FEW_DECADES = 100
WIDE, HIGH, EDGE = 220, 76, 6


@dataclass(frozen=True)
class Series:
    """A curve: one entry for each of its places, `x` along the axis, `at` what it is called; NaN ends: no interval.

    Points are open where some of the maps behind them are `unsure`.
    """

    title: str
    style: Style
    x: tuple[float, ...]
    at: tuple[str, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    pictures: tuple[int, ...]
    trainings: tuple[int, ...]
    unsure: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Frame:
    """What stands at the axes; `named`: along x stand words; `share`: x is a share of one."""

    quantity: str
    x_title: str
    logarithmic: bool = False
    named: bool = False
    share: bool = False


@remembered
def study_figure(curves: Sequence[Series], frame: Frame, look: Look, marked: float | None = None) -> go.Figure:
    """Means with bars from the low end of the interval to the high one; `marked` is the place whose map is shown."""
    figure = go.Figure([_curve(one) for one in curves])
    small = {"tickfont": {"size": 10}, "gridcolor": look.faint, "zeroline": False}
    figure.update_yaxes(title={"text": frame.quantity, "font": {"size": 11}}, **small)
    figure.update_xaxes(title={"text": frame.x_title, "font": {"size": 11}}, **small)
    names = {x: at for one in curves for x, at in zip(one.x, one.at, strict=True)}
    if frame.named:
        places = sorted(names)
        figure.update_xaxes(
            tickmode="array", tickvals=places, ticktext=[names[place] for place in places], tickangle=-30
        )
        figure.update_xaxes(range=[min(places, default=0) - 0.5, max(places, default=0) + 0.5])
    elif frame.logarithmic:
        figure.update_xaxes(type="log", exponentformat="power", dtick=1)
        if names and max(names) < FEW_DECADES * min(names):
            # Powers of ten would be one or two.
            figure.update_xaxes(tickmode="array", tickvals=sorted(names), ticktext=[names[x] for x in sorted(names)])
    elif frame.share:
        figure.update_xaxes(tickformat=".0%")
    if marked is not None:
        figure.add_vline(x=marked, line={"color": look.text, "width": 1, "dash": "dot"})
    below = 64 + (60 if frame.named else 0)
    rows = -(-len(curves) // 3)
    dress(figure, look, PLOT + below + 24 * rows, l=64, b=below, t=8)
    # How many columns the legend has depends on the page's width: the axes leave it what it needs.
    figure.update_layout(margin={"autoexpand": True})
    legend = {"orientation": "h", "x": 0, "y": 1.03, "yanchor": "bottom", "font": {"size": 12}}
    return figure.update_layout(uirevision=frame.quantity, legend=legend, hovermode="closest", showlegend=True)


def _curve(one: Series) -> go.Scatter:
    ends = list(zip(one.mean, one.low, one.high, strict=True))
    counts = zip(one.at, ends, one.pictures, one.trainings, strict=True)
    return go.Scatter(
        x=one.x,
        y=one.mean,
        error_y=error_bars(ends),
        hovertext=[
            "<br>".join((escape(one.title), escape(at), *said(point), _counted(pictures, trainings)))
            for at, point, pictures, trainings in counts
        ],
        hoverinfo="text",
        mode="lines+markers",
        name=one.title,
        line={"color": one.style.colour, "width": 2},
        marker={"size": 8, "symbol": open_where(one.unsure, one.style.symbol)},
    )


def _counted(pictures: int, trainings: int) -> str:
    return counted(pictures, "picture") + (f", {counted(trainings, 'training')}" if trainings > 1 else "")


def miniature(curves: Sequence[Series], logarithmic: bool = False) -> str:
    """The curves as a small SVG without words, the address of a picture; empty where there is none.

    >>> miniature([])
    ''
    """
    points = [(_along(x, logarithmic), y) for one in curves for x, y in zip(one.x, one.mean, strict=True)]
    if not points:
        return ""
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    low, high = min(y for _, y in points), max(y for _, y in points)

    def place(x: float, y: float) -> str:
        across = EDGE + (WIDE - 2 * EDGE) * ((x - left) / (right - left) if right > left else 0.5)
        down = EDGE + (HIGH - 2 * EDGE) * ((high - y) / (high - low) if high > low else 0.5)
        return f"{across:.1f},{down:.1f}"

    parts: list[str] = []
    for one in curves:
        at = [place(_along(x, logarithmic), y) for x, y in zip(one.x, one.mean, strict=True)]
        parts.append(
            f'<polyline points="{" ".join(at)}" fill="none" stroke="{one.style.colour}" stroke-width="2"/>'
            + "".join(
                f'<circle cx="{x}" cy="{y}" r="2.5" fill="{one.style.colour}"/>'
                for x, y in (each.split(",") for each in at)
            )
        )
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}">{"".join(parts)}</svg>'
    return f"data:image/svg+xml;base64,{b64encode(drawn.encode()).decode()}"


def _along(x: float, logarithmic: bool) -> float:
    return math.log10(x) if logarithmic else x
