"""Several networks' curves through their layers, with intervals over pictures, on one chart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from app.figures.intervals import error_bars, said
from app.figures.marks import open_where
from app.figures.networks import Style
from app.figures.remembered import remembered
from app.figures.style import Look, dress
from app.words import counted

DASHES = ("solid", "dash", "dot", "dashdot")
# Pixels between the axes.
PLOT = 330
# Names of layers along the axis: aslant, beyond so many upright, so that on a narrow page none lies over another.
MANY, MOST_NAMED = 24, 64
AXES = {"layer": "layer, in order of execution", "depth": "share of the way through each network"}


@dataclass(frozen=True)
class Line:
    """A network's curve: one entry for each of its `layers` in order of execution, NaN where there is nothing yet.

    `name` stands for the network, `title` is what it is called; networks of one `family` share places on the axis where
    their layers have the same names. `depths` 0..1; `low` and `high` end the interval, NaN for one picture; `counts` of
    pictures, of which `unsure` have a map that does not meet its constraint, so that the mean may be `off`. Of several
    settings, `setting` is the place and `setting_title` what they are; dashes tell them apart.
    """

    name: str
    title: str
    family: str
    style: Style
    layers: tuple[str, ...]
    depths: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    counts: tuple[int, ...]
    setting: int = 0
    setting_title: str = ""
    unsure: tuple[int, ...] = ()
    off: tuple[float, ...] = ()

    @property
    def words(self) -> str:
        """Network and setting."""
        return ", ".join(filter(None, (self.title, self.setting_title)))

    @property
    def dash(self) -> str:
        """Of the line."""
        return DASHES[self.setting % len(DASHES)]


Place = tuple[str, str]


def places(lines: Sequence[Line]) -> list[Place]:
    """Family and name of every layer along the axis: one family after the other, each in order of execution.

    A layer that only some networks of a family have stands behind the one that it follows there.

    >>> from app.figures.networks import Style
    >>> def line(family, *layers):
    ...     return Line("n", "N", family, Style("", ""), layers, (), (), (), (), ())
    >>> [layer for _, layer in places([line("R", "a", "b", "d"), line("V", "a"), line("R", "a", "b", "c", "d", "e")])]
    ['a', 'b', 'c', 'd', 'e', 'a']
    """
    families: dict[str, list[str]] = {}
    for line in lines:
        order, behind = families.setdefault(line.family, []), 0
        for layer in line.layers:
            if layer not in order:
                order.insert(behind, layer)
            behind = order.index(layer) + 1
    return [(family, layer) for family, order in families.items() for layer in order]


def with_points(lines: Sequence[Line]) -> list[Line]:
    """The curves of networks that have a point: the others take no room on the axis. All, where none has."""
    known = {line.name for line in lines if any(map(math.isfinite, line.mean))}
    return [line for line in lines if line.name in known or not known]


@remembered
def layer_curves_figure(lines: Sequence[Line], axis: str, quantity: str, look: Look) -> go.Figure:
    """Mean with its interval against the layer, `axis` "layer" or "depth"; `quantity` with its unit names the other.

    What stands in `customdata` of a point: network, layer, and the place of the setting.
    """
    lines = with_points(lines)
    order = {place: index for index, place in enumerate(places(lines))}
    figure = go.Figure()
    for line in lines:
        across = [order[line.family, layer] for layer in line.layers] if axis == "layer" else list(line.depths)
        figure.add_trace(_curve(line, across))
    for setting, one in {line.setting: line for line in lines if line.setting_title}.items():
        figure.add_trace(_key(one, setting, look))
    small = {"tickfont": {"size": 10}, "gridcolor": look.faint, "zeroline": False}
    figure.update_yaxes(title={"text": quantity, "font": {"size": 11}}, **small)
    figure.update_xaxes(title={"text": AXES[axis], "font": {"size": 11}}, **small)
    if axis == "layer":
        _named(figure, list(order), look)
    else:
        figure.update_xaxes(range=[-0.03, 1.03], tickformat=".0%")
    if not any(math.isfinite(value) for line in lines for value in line.mean):
        figure.add_annotation(text="no point is ready yet", x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
        figure.update_yaxes(showticklabels=False)
    longest = max((len(layer) for _, layer in order), default=0) if axis == "layer" else 0
    keys = sum(bool(trace.showlegend) for trace in figure.data)
    above, below = 26 + 12 * keys, 48 + 5 * longest
    dress(figure, look, PLOT + above + below, l=64, b=below, t=8)
    # How many columns the legend has depends on the page's width: the axes leave it what it needs.
    figure.update_layout(margin={"autoexpand": True})
    legend = {"orientation": "h", "x": 0, "y": 1.07, "yanchor": "bottom", "font": {"size": 12}}
    return figure.update_layout(
        uirevision=axis, legend=legend, hovermode="closest", clickmode="event+select", dragmode="zoom"
    )


def _key(line: Line, setting: int, look: Look) -> go.Scatter:
    """What the dashes of a setting look like, for the legend alone."""
    return go.Scatter(
        x=[None],
        y=[None],
        mode="lines",
        name=line.setting_title,
        line={"color": look.text, "width": 2, "dash": line.dash},
        hoverinfo="skip",
        showlegend=True,
        legendgroup=f"setting {setting}",
    )


def _curve(line: Line, across: list[int] | list[float]) -> go.Scatter:
    ends = list(zip(line.mean, line.low, line.high, strict=True))
    return go.Scatter(
        x=across,
        y=list(line.mean),
        error_y=error_bars(ends),
        customdata=[(line.name, layer, line.setting) for layer in line.layers],
        hovertext=[
            "<br>".join((line.words, f"{layer}, {depth:.0%} of the way", *said(point, "nats"), *pictures))
            for layer, depth, point, pictures in zip(line.layers, line.depths, ends, _pictures(line), strict=True)
        ],
        hoverinfo="text",
        mode="lines+markers",
        name=line.title,
        legendgroup=line.name,
        showlegend=not line.setting,
        line={"color": line.style.colour, "width": 2, "dash": line.dash},
        marker={"size": 8, "symbol": open_where([count > 0 for count in line.unsure], line.style.symbol)},
        # A point that was clicked leads elsewhere: the others stay as they are.
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        connectgaps=False,
    )


def _pictures(line: Line) -> list[list[str]]:
    """How many pictures stand behind each point, and of how many the map is uncertain."""
    unsure = line.unsure or (0,) * len(line.counts)
    return [
        [counted(count, "picture"), *([f"{off} of them uncertain"] if off else [])]
        for count, off in zip(line.counts, unsure, strict=True)
    ]


def _named(figure: go.Figure, order: list[Place], look: Look) -> None:
    """The layers' names as ticks, and a family's name above its part of the axis where there are several."""
    # Beyond so many, every second or third is named; the pointer tells the others.
    step = -(-len(order) // MOST_NAMED)
    figure.update_xaxes(
        range=[-0.6, len(order) - 0.4],
        tickmode="array",
        tickvals=list(range(len(order)))[::step],
        ticktext=[layer for _, layer in order][::step],
        tickangle=-45 if len(order) <= MANY else -90,
        tickfont={"size": 10 if len(order) <= MANY else 9},
    )
    families = list(dict.fromkeys(family for family, _ in order))
    if len(families) < 2:
        return
    for family in families:
        own = [index for index, place in enumerate(order) if place[0] == family]
        if own[0]:
            figure.add_vline(x=own[0] - 0.5, line={"color": look.faint, "width": 2})
        figure.add_annotation(
            x=(own[0] + own[-1]) / 2,
            y=1,
            yref="paper",
            yanchor="bottom",
            text=family,
            showarrow=False,
            font={"size": 11},
        )
