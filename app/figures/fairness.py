"""The fairness check's figures: maps before and after on one scale, and magnitudes over layers."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.ends import Ends, beyond_key, beyond_signs, marks_beyond, scale_words
from app.figures.marks import open_where
from app.figures.methods import style_of
from app.figures.panes import Panes
from app.figures.remembered import remembered
from app.figures.style import NATS_SCALE, SIGNED_SCALE, Look, bare_axis, dress, dressing, heatmap

HEIGHT = 208


def map_limits(maps: np.ndarray, signed: bool) -> tuple[float, float]:
    """One scale for all maps: from 0 to the largest value, or symmetric around 0 where the sign counts.

    >>> map_limits(np.array([-1.0, 4.0, np.nan]), False), map_limits(np.array([-1.0, 4.0, np.inf]), True)
    ((0.0, 4.0), (-4.0, 4.0))
    """
    finite = np.abs(maps[np.isfinite(maps)])
    largest = float(finite.max(initial=0.0)) or 1.0
    return (-largest if signed else 0.0), largest


@remembered
def triple_figure(
    maps: np.ndarray,
    titles: Sequence[str],
    unit: str,
    limits: tuple[float, float],
    look: Look,
    signed: bool = False,
    ends: Ends | None = None,
    note: str = "",
) -> go.Figure:
    """Maps (k, H, W) side by side on one colour scale `limits`; where one is not there (NaN), `note` says why.

    `ends` say what little and much mean, where that has a word.

    Unbounded pixels (+inf) are left empty too.
    """
    count, height, width = maps.shape
    panes, letters = Panes(1, count, 0.03), {"size": 11, "color": look.text}
    panes.set_all(*[bare_axis(look) | {"constrain": "domain"}] * 2)
    for place, (values, title) in enumerate(zip(maps, titles, strict=True)):
        panes.title((0, place), f"{title} {beyond_signs(values, limits)}".strip(), font=letters, yshift=-2)
        shown = heatmap(
            np.where(np.isfinite(values), values, np.nan),
            (height, width),
            coloraxis="coloraxis",
            name=title,
            hovertemplate="row %{y}, column %{x}<br>%{z:,.4r} " + unit,
        )
        panes.draw((0, place), shown, *marks_beyond(values, (height, width), limits, HEIGHT * 0.6))
        if np.isnan(values).all():
            panes.write((0, place), "<br>".join(textwrap.wrap(note, 16)), font=letters)
        # One pair of axes sets the square pixels, the others follow it: zooming one zooms all.
        follow = {"scaleanchor": "x"} if place == 0 else {"matches": "y"}
        across = {"range": [-0.5, width - 0.5], "matches": "x" if place else None}
        panes.set((0, place), across, follow | {"range": [height - 0.5, -0.5]})
    scale = SIGNED_SCALE if signed else NATS_SCALE
    words = " · ".join(filter(None, (scale_words(ends, unit), beyond_key(list(maps), limits))))
    bar = {
        "orientation": "h",
        "y": 0,
        "yanchor": "top",
        "ypad": 8,
        "thickness": 8,
        "len": 0.7,
        "outlinewidth": 0,
        "nticks": 5,
        "tickfont": {"size": 10},
        "title": {"text": words, "side": "bottom", "font": {"size": 10}},
    }
    axis = {"colorscale": scale, "cmin": limits[0], "cmax": limits[1], "colorbar": bar}
    layout = dressing(look, HEIGHT, t=22, b=50)
    return panes.figure(**layout, uirevision="keep", dragmode="zoom", coloraxis=axis)


@remembered
def magnitudes_figure(
    names: Sequence[str],
    means: np.ndarray,
    titles: Sequence[str],
    units: Sequence[str],
    look: Look,
    unsure: np.ndarray,
    marked: str | None = None,
) -> go.Figure:
    """Mean magnitude (methods, 2, stations) over layers, before and after; each method on its own axis.

    Those in nats, logarithms already, have a linear axis, the others a logarithmic one. Points are open where they are
    `unsure` (methods, 2, stations).
    """
    count = len(titles)
    figure = make_subplots(rows=count, cols=1, shared_xaxes=True, vertical_spacing=0.055, subplot_titles=list(titles))
    for row in range(count):
        for when, (word, colour) in enumerate((("before", look.accent), ("after", look.second))):
            figure.add_trace(
                go.Scatter(
                    x=list(names),
                    y=drawable(means[row, when], logarithmic=units[row] != "nats"),
                    mode="lines+markers",
                    # RU has values only where there is a decoder.
                    connectgaps=units[row] == "nats",
                    name=f"{word} rescaling",
                    legendgroup=word,
                    showlegend=row == 0,
                    line={"color": colour, "width": 2, "dash": "dash" if when else "solid"},
                    marker={"size": 9 - 3 * when, "symbol": open_where(unsure[row, when].tolist(), "circle")},
                    hovertemplate="%{x}<br>" + word + " %{y:,.4r} " + units[row] + "<extra></extra>",
                ),
                row=row + 1,
                col=1,
            )
        kind: dict[str, Any] = (
            {"type": "log", "exponentformat": "power", "dtick": 1} if units[row] != "nats" else {"nticks": 5}
        )
        figure.update_yaxes(title={"text": units[row], "font": {"size": 10}}, row=row + 1, col=1, **kind)
    _layer_axis(figure, names, look, count)
    if marked is not None and marked in names:
        figure.add_vline(x=list(names).index(marked), line={"color": look.text, "width": 1, "dash": "dot"})
    figure.update_annotations(font={"size": 12}, x=0, xanchor="left", xref="paper")
    dress(figure, look, 150 * count + 90, l=74, t=48, b=84)
    return figure.update_layout(
        uirevision="keep", legend={"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"}
    )


@remembered
def normalised_figure(
    names: Sequence[str],
    means: np.ndarray,
    titles: Mapping[str, str],
    units: Sequence[str],
    look: Look,
    unsure: np.ndarray,
    marked: str | None = None,
) -> go.Figure:
    """Every method's magnitude (methods, 2, stations) relative to its own value at the first layer.

    Points are open where they are `unsure` (methods, 2, stations). Of nats that is exp(H − H₁): of CID, how many times
    more noise the layer bears than the first.
    """
    figure = go.Figure()
    for row, (method, title) in enumerate(titles.items()):
        style = style_of(method, look)
        shares = relative(means[row], logarithmic=units[row] == "nats")
        for when, word in enumerate(("before", "after")):
            figure.add_trace(
                go.Scatter(
                    x=list(names),
                    y=drawable(shares[when], logarithmic=True),
                    mode="lines+markers",
                    connectgaps=units[row] == "nats",
                    name=f"{title}, {word}",
                    line={"color": style["color"], "width": 2, "dash": "dash" if when else "solid"},
                    marker={"size": 9 - 3 * when, "symbol": open_where(unsure[row, when].tolist(), style["symbol"])},
                    hovertemplate="%{x}<br>" + f"{title}, {word}: " + "%{y:,.4r} × first layer<extra></extra>",
                )
            )
    figure.update_yaxes(type="log", dtick=1, exponentformat="power")
    figure.update_yaxes(title={"text": "relative to the first layer", "font": {"size": 11}})
    _layer_axis(figure, names, look, None)
    if marked is not None and marked in names:
        figure.add_vline(x=list(names).index(marked), line={"color": look.text, "width": 1, "dash": "dot"})
    dress(figure, look, 470, l=74, t=8, b=190)
    legend = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "font": {"size": 11}}
    return figure.update_layout(uirevision="keep", legend=legend | {"entrywidth": 0.5, "entrywidthmode": "fraction"})


def relative(means: np.ndarray, logarithmic: bool) -> np.ndarray:
    """Means (..., stations) divided by the first station's; of logarithms, exp of the difference.

    >>> relative(np.array([2.0, 8.0]), False).tolist(), relative(np.array([-3.0, -3.0]), True).tolist()
    ([1.0, 4.0], [1.0, 1.0])
    """
    first = means[..., :1]
    if logarithmic:
        return np.exp(means - first)
    return np.divide(means, first, out=np.full_like(means, np.nan), where=first != 0)


def drawable(values: np.ndarray, logarithmic: bool) -> np.ndarray:
    """Values with a gap (NaN) where there is none, none is finite, or a logarithmic axis has no place for it.

    >>> drawable(np.array([1.0, 0.0, np.inf]), True).tolist()
    [1.0, nan, nan]
    """
    shown = np.isfinite(values) & ((values > 0) | (not logarithmic))
    return np.where(shown, values, np.nan)


def _layer_axis(figure: go.Figure, names: Sequence[str], look: Look, last: int | None) -> None:
    figure.update_xaxes(categoryorder="array", categoryarray=list(names), range=[-0.5, len(names) - 0.5])
    figure.update_xaxes(gridcolor=look.faint, tickangle=-45, tickfont={"size": 10}, zeroline=False, dtick=1)
    figure.update_yaxes(gridcolor=look.faint, tickfont={"size": 10}, zeroline=False)
    title = {"text": "layer, in order of execution", "font": {"size": 11}}
    if last is None:
        figure.update_xaxes(title=title)
    else:
        figure.update_xaxes(title=title, row=last, col=1)
