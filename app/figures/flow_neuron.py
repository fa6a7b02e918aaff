"""What one neuron knows of its input, for every weight and bias."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from app.figures.remembered import remembered
from app.figures.style import UNIT_SCALE, Look, dress

HEIGHT = 380


@dataclass(frozen=True)
class Way:
    """Weights and biases of one training, epoch after epoch."""

    weights: tuple[float, ...]
    biases: tuple[float, ...]


@remembered
def neuron_figure(
    weights: Sequence[float], biases: Sequence[float], values: np.ndarray, ways: Sequence[Way], unit: str, look: Look
) -> go.Figure:
    """`values` (biases, weights) as colours, and the ways on them from a dot to a ring."""
    bar = {"title": {"text": f"I(X;T)<br>in {unit}", "font": {"size": 11}}, "thickness": 12, "outlinewidth": 0}
    figure = go.Figure(
        go.Heatmap(
            x=list(weights), y=list(biases), z=values, colorscale=UNIT_SCALE, colorbar=bar | {"tickfont": {"size": 10}},
            hovertemplate=f"weight %{{x:.2f}}, bias %{{y:.2f}}<br>%{{z:.3f}} {unit}<extra></extra>",
        )
    )  # fmt: skip
    for number, way in enumerate(ways):
        hover = f"training {number}<br>weight %{{x:.2f}}, bias %{{y:.2f}}<extra></extra>"
        ends = {"symbol": ["circle"] + ["line-ns"] * (len(way.weights) - 2) + ["circle-open"]}
        ends |= {"size": [8] + [1] * (len(way.weights) - 2) + [11], "color": "#ffffff", "line": {"width": 2}}
        figure.add_trace(
            go.Scatter(
                x=way.weights, y=way.biases, mode="lines+markers", line={"color": "#ffffff", "width": 1.8}, marker=ends,
                showlegend=False, hovertemplate=hover,
            )
        )  # fmt: skip
    small = {"tickfont": {"size": 11}, "title_font": {"size": 12}, "showgrid": False, "zeroline": False}
    figure.update_xaxes(title="weight", range=[min(weights), max(weights)], **small)
    figure.update_yaxes(title="bias", range=[min(biases), max(biases)], **small)
    return dress(figure, look, HEIGHT, l=64, r=84, t=12, b=46).update_layout(dragmode=False, uirevision="keep")
