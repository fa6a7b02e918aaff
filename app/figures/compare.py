"""Two networks: the map of their difference about zero, and both curves through their layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.intervals import whiskers
from app.figures.maps import Box, crossed, nats_figure
from app.figures.marks import open_where
from app.figures.probed import probed
from app.figures.remembered import remembered
from app.figures.style import LIGHT, Look, dress, place_words
from app.words import decimal

# Blue and red about white: told apart without red and green, and white is zero.
DIFFERENCE_SCALE = "RdBu_r"
MORE, LESS = "#b2182b", "#2166ac"
MORE_ON_DARK, LESS_ON_DARK = "#f4a582", "#92c5de"


@dataclass(frozen=True)
class Curve:
    """A network's mean over its layers, nats, and what it may be off by; NaN where not ready.

    `unsure` marks the layers whose map does not meet the constraint, `least` those whose mean is the least that it can
    be; empty where none is. `told` is how each mean is written, where not with three decimals.
    """

    title: str
    layers: Sequence[str]
    mean: Sequence[float]
    error: Sequence[float]
    unsure: Sequence[bool] = ()
    least: Sequence[bool] = ()
    told: Sequence[str] = ()


@remembered
def difference_figure(
    values: np.ndarray, size: tuple[int, int], limit: float, look: Look, box: Box | None = None
) -> go.Figure:
    """B − A per cell (rows, columns) in nats, on a diverging scale from −limit to limit whose middle is zero.

    Cells that are not finite, which one of the layers or both do not use, are crossed. `size` in pixels.
    """
    marked = np.where(np.isfinite(values), values, np.inf)
    figure = nats_figure(marked, size, (-limit, limit), look, box)
    figure.update_traces(
        selector={"type": "heatmap"},
        colorscale=DIFFERENCE_SCALE,
        zmid=0,
        **probed("B − A", plus="+"),
        colorbar_title_text="<br>".join(filter(None, ("difference B − A (nats)", crossed(marked)))),
        hovertemplate=f"{place_words(values.shape, size)}B − A = %{{z:+.4f}} nats<extra></extra>",
    )
    figure.update_traces(
        selector={"mode": "markers", "marker.symbol": "square-x-open"},
        name=f"unbounded in A or B ({np.isinf(marked).sum()} cells)",
        hovertemplate=f"{place_words(values.shape, size)}not used by the layer of A, of B, or both<extra></extra>",
    )
    return figure


@remembered
def curves_figure(
    a: Curve,
    b: Curve,
    differences: Sequence[float],
    named: bool,
    look: Look,
    metric: str,
    marked: str | None = None,
    quantity: str = "",
) -> go.Figure:
    """Both means over the layers on one axis in nats, and below it the difference B − A at each layer of A.

    `quantity` is the axis's title where something else than means is drawn.

    `named`: both have the same layers, which are the axis; else it is the share of the way through each network.
    `differences` and `marked` belong to layers of A.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.62, 0.38])
    styles = ((a, look.accent, "circle", "solid"), (b, look.second, "diamond", "dash"))
    for curve, colour, symbol, dash in styles:
        figure.add_trace(_line(curve, named, colour, symbol, dash), row=1, col=1)
    figure.add_trace(_bars(a, differences, named, look), row=2, col=1)
    figure.add_hline(y=0, line={"color": look.text, "width": 1}, row=cast(Any, 2), col=cast(Any, 1))
    small = {"tickfont": {"size": 10}, "gridcolor": look.faint, "zeroline": False}
    figure.update_yaxes(
        title={"text": quantity or f"mean {metric}<br>(nats per input variable)", "font": {"size": 11}}, row=1
    )
    figure.update_yaxes(title={"text": "B − A<br>(nats)", "font": {"size": 11}}, row=2)
    figure.update_yaxes(**small)
    figure.update_xaxes(**small)
    _layer_axis(figure, a.layers, named)
    if marked is not None and marked in a.layers:
        place = list(a.layers).index(marked)
        # Named layers stand at 0, 1, 2 … of their axis.
        figure.add_vline(
            x=place if named else _places(a.layers, named)[place], line={"color": look.text, "width": 1, "dash": "dot"}
        )
    dress(figure, look, 470, l=74, b=96 if named else 52, t=34)
    legend = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
    # How many lines the legend has depends on the page's width: the axes leave it what it needs.
    figure.update_layout(margin={"autoexpand": True})
    return figure.update_layout(uirevision="keep", legend=legend, hovermode="closest")


def _layer_axis(figure: go.Figure, layers: Sequence[str], named: bool) -> None:
    if named:
        order = {"categoryorder": "array", "categoryarray": list(layers), "range": [-0.5, len(layers) - 0.5]}
        figure.update_xaxes(tickangle=-45, dtick=1, **order)
        figure.update_xaxes(title={"text": "layer, in order of execution", "font": {"size": 11}}, row=2)
    else:
        figure.update_xaxes(range=[-0.03, 1.03], tickformat=".0%")
        words = "share of the way through each network, in order of execution"
        figure.update_xaxes(title={"text": words, "font": {"size": 11}}, row=2)


def _places(layers: Sequence[str], named: bool) -> list:
    return list(layers) if named else [place / max(len(layers) - 1, 1) for place in range(len(layers))]


def _line(curve: Curve, named: bool, colour: str, symbol: str, dash: str) -> go.Scatter:
    return go.Scatter(
        x=_places(curve.layers, named),
        y=list(curve.mean),
        error_y=whiskers(curve.error),
        customdata=list(curve.layers),
        text=list(curve.told or map(decimal, curve.mean)),
        mode="lines+markers",
        name=curve.title,
        line={"color": colour, "width": 2, "dash": dash},
        marker={"size": 8, "symbol": open_where(curve.unsure, symbol)},
        connectgaps=False,
        hovertemplate="%{customdata}<br>%{text} nats",
    )


def _bars(a: Curve, differences: Sequence[float], named: bool, look: Look) -> go.Bar:
    more, less = (MORE, LESS) if look == LIGHT else (MORE_ON_DARK, LESS_ON_DARK)
    return go.Bar(
        x=_places(a.layers, named),
        y=list(differences),
        width=None if named else 0.5 / max(len(a.layers), 1),
        customdata=list(a.layers),
        marker={"color": [more if value > 0 else less for value in differences]},
        name="B − A",
        showlegend=False,
        hovertemplate="%{customdata}<br>B − A = %{y:+.3f} nats<extra></extra>",
    )
