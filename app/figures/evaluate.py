"""How methods compare: the curves of accuracy while pixels are removed, and their scores with intervals."""

from collections.abc import Collection, Mapping, Sequence

import plotly.graph_objects as go

from app.figures.methods import style_of
from app.figures.remembered import remembered
from app.figures.style import Look, dress
from app.words import decimal
from explainers.evaluation.measures import Interval
from explainers.methods.entropies import CID_NAME

ROW = 30


@remembered
def removal_figure(
    titles: Mapping[str, str], fractions: Sequence[float], curves: Mapping[str, Sequence[float]], look: Look
) -> go.Figure:
    """Accuracy (0..1) against the share of pixels removed, a curve per method; `titles` sets order and names."""
    figure = go.Figure()
    for method, title in titles.items():
        if method not in curves:
            continue
        style = style_of(method, look)
        figure.add_trace(
            go.Scatter(
                x=list(fractions),
                y=list(curves[method]),
                mode="lines+markers",
                name=title,
                line={"color": style["color"], "dash": style["dash"], "width": 3 if method == CID_NAME else 1.8},
                marker={"symbol": style["symbol"], "size": 8 if method == CID_NAME else 6},
                hovertemplate="%{x:.0%} removed<br>accuracy %{y:.3f}",
            )
        )
    axis = {"gridcolor": look.faint, "zeroline": False, "tickfont": {"size": 10}, "tickformat": ".0%"}
    figure.update_xaxes(
        title={"text": "pixels removed, least important first", "font": {"size": 11}}, range=[-0.02, 1], **axis
    )
    figure.update_yaxes(title={"text": "pictures answered as labelled", "font": {"size": 11}}, range=[0, 1.03], **axis)
    return _with_legend(figure, look, 58, -0.19)


@remembered
def randomised_figure(
    titles: Mapping[str, str],
    layers: Sequence[str],
    curves: Mapping[str, Sequence[Interval]],
    look: Look,
    partial: Collection[str] = (),
) -> go.Figure:
    """Rank correlation to the trained network's map against the layer down to which weights are random.

    Curves that are `partial`, not finished, do not set the axis.
    """
    figure = go.Figure()
    places = ["trained", *(f"…{name}" for name in layers)]
    for method, title in titles.items():
        if method not in curves:
            continue
        style = style_of(method, look)
        known = curves[method]
        spans = [_span(one) for one in known]
        figure.add_trace(
            go.Scatter(
                x=places[: len(known) + 1],
                y=[1.0, *(one.mean for one in known)],
                customdata=["", *spans],
                mode="lines+markers",
                name=title,
                line={"color": style["color"], "dash": style["dash"], "width": 3 if method == CID_NAME else 1.8},
                marker={"symbol": style["symbol"], "size": 8 if method == CID_NAME else 6},
                hovertemplate="%{x}<br>rank correlation %{y:.3f}<br>%{customdata}",
            )
        )
    axis = {"gridcolor": look.faint, "tickfont": {"size": 10}}
    figure.update_xaxes(
        title={"text": "weights are random from the end down to this layer", "font": {"size": 11}},
        categoryorder="array",
        categoryarray=places,
        range=[-0.3, len(places) - 0.7],
        tickangle=-40,
        zeroline=False,
        **axis,
    )
    finished = [known for method, known in curves.items() if method not in partial]
    lowest = min((one.low for known in finished for one in known if one.count > 1), default=0)
    figure.update_yaxes(
        title={"text": "rank correlation", "font": {"size": 11}},
        range=[min(-0.25, lowest - 0.05), 1.06],
        zerolinecolor=look.text,
        zerolinewidth=1,
        **axis,
    )
    return _with_legend(figure, look, 120, -0.42)


def _with_legend(figure: go.Figure, look: Look, below: int, top: float) -> go.Figure:
    """`below` pixels are for the axis, and the legend hangs at `top` under them."""
    rows = -(-len(figure.data) // 3)
    dress(figure, look, 272 + below + 20 * rows, l=58, b=below + 20 * rows)
    return figure.update_layout(
        uirevision="keep",
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": top, "yanchor": "top", "font": {"size": 11}},
    )


@remembered
def scores_figure(
    titles: Mapping[str, str],
    scores: Mapping[str, Interval],
    axis_title: str,
    look: Look,
    chance: float | None = None,
    limits: tuple[float, float] = (0, 1.02),
) -> go.Figure:
    """One score of each method as a point with its 95 % interval; `chance` as a dotted line."""
    figure = go.Figure()
    shown = [method for method in titles if method in scores]
    for method in shown:
        interval, style = scores[method], style_of(method, look)
        single = interval.count == 1
        figure.add_trace(
            go.Scatter(
                x=[interval.mean],
                y=[titles[method]],
                mode="markers",
                marker={"symbol": style["symbol"], "color": style["color"], "size": 10},
                error_x=None
                if single
                else {
                    "array": [interval.high - interval.mean],
                    "arrayminus": [interval.mean - interval.low],
                    "color": style["color"],
                    "thickness": 1.6,
                    "width": 4,
                },
                name="",
                hovertemplate=f"%{{y}}<br>%{{x:.3f}}, {_span(interval)}",
                showlegend=False,
            )
        )
    if chance is not None:
        figure.add_vline(x=chance, line={"color": look.text, "width": 1, "dash": "dot"})
    figure.update_xaxes(
        title={"text": axis_title, "font": {"size": 11}},
        range=list(limits),
        gridcolor=look.faint,
        zeroline=False,
        tickfont={"size": 10},
    )
    names = [titles[method] for method in shown]
    figure.update_yaxes(
        categoryorder="array", categoryarray=names[::-1], range=[-0.6, max(len(names), 1) - 0.4], gridcolor=look.faint
    )
    longest = max((len(name) for name in names), default=8)
    return dress(figure, look, 64 + ROW * max(len(names), 1), l=20 + 7 * longest, b=46)


def _span(interval: Interval) -> str:
    return f"95 % interval {decimal(interval.low)} to {decimal(interval.high)}"
