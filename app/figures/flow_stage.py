"""One epoch after the other, in the browser: the information plane, the points of a layer, their distances."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.figures.learn import THIRD
from app.figures.networks import COLOURS, Style
from app.figures.player import epoch_slider, play_buttons
from app.figures.remembered import remembered
from app.figures.style import Look, dress

# Pixels: the plane, what stands under it, between them, and around them; the player is above.
PLANE, UNDER, GAP, BELOW, ABOVE = 240, 220, 82, 44, 124
# On a telephone the legend has a second line.
SECOND_LINE = 24


@dataclass(frozen=True)
class Track:
    """A layer's way through the plane: a point for each epoch, with the lowest and highest of several trainings."""

    title: str
    style: Style
    x: tuple[float, ...]
    x_ends: tuple[tuple[float, float], ...]
    y: tuple[float, ...]
    y_ends: tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Stage:
    """All that moves: `tracks` in the plane, and of one layer the points and their distances; an entry per epoch.

    - `points` (epochs, n, 2 or 3), or (epochs, n, 0) where they cannot be drawn, with `labels` (n,).
    - `edges` (bins + 1,), `within` and `between` (epochs, bins): shares of pairs of one class and of two.
    - `ceilings`: the most that I(X;T) and I(Y;T) can be, in the unit of the tracks.
    """

    epochs: tuple[int, ...]
    tracks: tuple[Track, ...]
    ceilings: tuple[float, float]
    unit: str
    layer: str
    labels: np.ndarray = field(repr=False)
    points: np.ndarray = field(repr=False)
    edges: np.ndarray = field(repr=False)
    within: np.ndarray = field(repr=False)
    between: np.ndarray = field(repr=False)


@remembered
def stage_figure(stage: Stage, start: int, look: Look) -> go.Figure:
    """The stage at the place `start` of its epochs, with a frame for each, a play button and a slider."""
    fixed, moving = _ways(stage), [_moving(stage, place, look) for place in range(len(stage.epochs))]
    places = list(range(len(fixed), len(fixed) + len(moving[0])))
    frames = [
        {
            "name": str(epoch),
            "data": traces,
            "traces": places,
            "layout": {"yaxis3": {"range": [0, _highest(stage, place)]}},
        }
        for place, (epoch, traces) in enumerate(zip(stage.epochs, moving, strict=True))
    ]
    figure = go.Figure(data=[*fixed, *moving[start]], frames=frames)
    _axes(figure, stage, start, look)
    above = ABOVE + SECOND_LINE
    height = above + PLANE + GAP + UNDER + BELOW
    dress(figure, look, height, l=64, r=14, t=above, b=BELOW)
    legend = {"orientation": "h", "x": 0, "y": 1.005, "yanchor": "bottom", "font": {"size": 12}}
    figure.update_layout(legend=legend, hovermode="closest", dragmode=False, uirevision="keep")
    return figure.update_layout(
        updatemenus=[play_buttons(look, SECOND_LINE)], sliders=[epoch_slider(stage.epochs, start, look, SECOND_LINE)]
    )


def _ways(stage: Stage) -> list[go.Scatter]:
    """The whole way of each layer, faint."""
    return [
        go.Scatter(
            x=track.x, y=track.y, mode="lines", line={"color": track.style.colour, "width": 1.5}, opacity=0.4,
            hoverinfo="skip", showlegend=False, legendgroup=track.title, connectgaps=True,
        )
        for track in stage.tracks
    ]  # fmt: skip


def _moving(stage: Stage, place: int, look: Look) -> list[Any]:
    epoch = stage.epochs[place]
    traces: list[Any] = [_spot(track, place, epoch, stage.unit) for track in stage.tracks]
    traces += _cloud(stage, place, look)
    middles = (stage.edges[:-1] + stage.edges[1:]) / 2
    for name, shares, colour in (
        ("same class", stage.within, look.accent),
        ("other class", stage.between, look.second),
    ):
        traces.append(
            go.Scatter(
                x=middles, y=shares[place], mode="lines", line={"color": colour, "width": 2, "shape": "hvh"},
                fill="tozeroy", fillcolor=clear(colour), name=name, xaxis="x3", yaxis="y3", showlegend=False,
                hovertemplate=f"epoch {epoch:,}, the {name}<br>distance %{{x:.3f}}: %{{y:.1%}} of pairs<extra></extra>",
            )
        )  # fmt: skip
    return traces


def _spot(track: Track, place: int, epoch: int, unit: str) -> go.Scatter:
    x, y = track.x[place], track.y[place]

    def bars(value: float, ends: tuple[float, float]) -> dict[str, Any]:
        low, high = (0.0 if end != end else abs(end - value) for end in ends)
        return {"type": "data", "symmetric": False, "array": [high], "arrayminus": [low], "thickness": 1.2, "width": 4}

    return go.Scatter(
        x=[x],
        y=[y],
        error_x=bars(x, track.x_ends[place]),
        error_y=bars(y, track.y_ends[place]),
        mode="markers",
        marker={"size": 12, "color": track.style.colour, "symbol": track.style.symbol},
        name=track.title,
        legendgroup=track.title,
        hovertemplate=f"{track.title}, epoch {epoch:,}<br>I(X;T) %{{x:.3f}} {unit}<br>I(Y;T) %{{y:.3f}} {unit}"
        "<extra></extra>",
    )


def _cloud(stage: Stage, place: int, look: Look) -> list[Any]:
    """The points of the layer, a trace for each class."""
    inks = class_inks(int(stage.labels.max()) + 1, look)
    traces: list[Any] = []
    d = stage.points.shape[-1]
    for label, ink in enumerate(inks if d in (2, 3) else []):
        at = stage.points[place][stage.labels == label]
        marks = {"mode": "markers", "name": f"class {label}", "showlegend": False}
        hover = f"class {label}<br>(%{{x:.3f}}, %{{y:.3f}}" + (", %{z:.3f}" if d == 3 else "") + ")<extra></extra>"
        if d == 3:
            dot = {"size": 3, "color": ink, "opacity": 0.85}
            traces.append(
                go.Scatter3d(
                    x=at[:, 0], y=at[:, 1], z=at[:, 2], marker=dot, hovertemplate=hover, scene="scene", **marks
                )
            )
        else:
            dot = {"size": 5, "color": ink, "opacity": 0.75}
            traces.append(
                go.Scatter(x=at[:, 0], y=at[:, 1], marker=dot, hovertemplate=hover, xaxis="x2", yaxis="y2", **marks)
            )
    return traces


def class_inks(count: int, look: Look) -> Sequence[str]:
    """Colours of classes: the theme's and one more, else as many as there are."""
    inks = (look.accent, look.second, THIRD)
    return inks[:count] if count <= len(inks) else [COLOURS[place % len(COLOURS)] for place in range(count)]


def clear(ink: str) -> str:
    """A colour through which others show.

    >>> clear("#0f6b72")
    'rgba(15,107,114,0.18)'
    """
    red, green, blue = (int(ink[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"


def _axes(figure: go.Figure, stage: Stage, start: int, look: Look) -> None:
    whole = PLANE + GAP + UNDER
    split = UNDER / whole
    top = [1 - PLANE / whole, 1]
    small = {"tickfont": {"size": 11}, "gridcolor": look.faint, "zeroline": False, "title_font": {"size": 12}}
    small["title_standoff"] = 6
    of_x, of_y = stage.ceilings
    reach = max([of_x, *(max(end, value) for t in stage.tracks for value, (_, end) in zip(t.x, t.x_ends, strict=True))])
    figure.update_layout(
        xaxis={"domain": [0, 1], "anchor": "y", "range": [0, reach * 1.04], "title": f"I(X;T) in {stage.unit}"} | small,
        yaxis={"domain": top, "anchor": "x", "range": [0, of_y * 1.16], "title": f"I(Y;T) in {stage.unit}"} | small,
    )
    line = {"color": look.text, "width": 1, "dash": "dash"}
    figure.add_shape(type="line", x0=of_x, x1=of_x, y0=0, y1=of_y * 1.16, line=line)
    figure.add_shape(type="line", x0=0, x1=reach * 1.04, y0=of_y, y1=of_y, line=line)
    note = {"showarrow": False, "font": {"size": 11, "color": look.text}}
    figure.add_annotation(
        x=of_x, y=0, xanchor="right", yanchor="bottom", text=f"ceiling log n = {of_x:.2f} {stage.unit} ", **note
    )
    figure.add_annotation(
        x=0, y=of_y, xanchor="left", yanchor="bottom", text=f" H(Y) = {of_y:.2f} {stage.unit}", **note
    )
    drawn = stage.points.shape[-1] in (2, 3)
    left, right = ([0, 0.44], [0.56, 1]) if drawn else ([0, 0], [0, 1])
    heading = {"xref": "paper", "yref": "paper", "showarrow": False, "xanchor": "left", "yanchor": "bottom"}
    heading |= {"y": split, "yshift": 8, "font": {"size": 13, "color": look.text}}
    figure.update_layout(
        xaxis3={"domain": right, "anchor": "y3", "title": "distance", "range": [0, float(stage.edges[-1])]} | small,
        yaxis3={"domain": [0, split], "anchor": "x3", "range": [0, _highest(stage, start)], "tickformat": ".0%"}
        | small,
    )
    # Beside the points, which name the layer, there is little room on a telephone.
    figure.add_annotation(x=right[0], text="distances" if drawn else f"distances in layer {stage.layer}", **heading)
    for line, (words, ink) in enumerate((("same class", look.accent), ("other class", look.second))):
        corner = {"x": 1, "xanchor": "right", "xref": "paper", "y": split, "yanchor": "bottom", "yref": "paper"}
        figure.add_annotation(
            text=words, yshift=18 - 16 * line, font={"size": 12, "color": ink}, showarrow=False, **corner
        )
    if drawn:
        _cloud_axes(figure, stage, (left, [0, split]), small, look)
        figure.add_annotation(x=0, text=f"T of layer {stage.layer}", **heading)


def _cloud_axes(figure: go.Figure, stage: Stage, at: tuple[list, list], small: dict, look: Look) -> None:
    low, high = stage.points.min((0, 1)), stage.points.max((0, 1))
    room = np.maximum(0.05 * (high - low), 1e-6)
    ranges = [[float(a), float(b)] for a, b in zip(low - room, high + room, strict=True)]
    if stage.points.shape[-1] == 2:
        figure.update_layout(
            xaxis2={"domain": at[0], "anchor": "y2", "range": ranges[0], "title": "unit 1"} | small,
            yaxis2={"domain": at[1], "anchor": "x2", "range": ranges[1], "title": "unit 2"} | small,
        )
        return
    quiet = {"gridcolor": look.faint, "zeroline": False, "showbackground": False, "color": look.text, "nticks": 4}
    quiet |= {"tickfont": {"size": 10}, "showspikes": False}
    axes = {
        f"{name}axis": {"range": one, "title": {"text": f"unit {number}", "font": {"size": 11}}} | quiet
        for number, (name, one) in enumerate(zip("xyz", ranges, strict=True), 1)
    }
    # So far away, and looked at below its middle, that the names of its axes are in the picture.
    camera = {"eye": {"x": 2.2, "y": 2.2, "z": 1}, "center": {"x": 0, "y": 0, "z": -0.2}}
    domain = {"x": at[0], "y": at[1]}
    figure.update_layout(
        scene=axes | {"domain": domain, "aspectmode": "cube", "camera": camera, "dragmode": "turntable"}
    )


def _highest(stage: Stage, place: int) -> float:
    """The top of the axis of shares: what is highest at this epoch."""
    return 1.08 * max(float(stage.within[place].max()), float(stage.between[place].max()), 1e-3)
