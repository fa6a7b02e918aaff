"""What a segmentation network says of every pixel: the probability of one class as a map."""

import numpy as np
import plotly.graph_objects as go

from app.figures.remembered import remembered
from app.figures.style import UNIT_SCALE, Look, dress, pixel_axes

HEIGHT = 290


@remembered
def segmentation_figure(probability: np.ndarray, name: str, look: Look) -> go.Figure:
    """`probability` (H, W) in 0..1 of the class `name`, on a scale from 0 to 1."""
    bar = {
        "orientation": "h",
        "y": 0,
        "yanchor": "top",
        "ypad": 10,
        "thickness": 10,
        "len": 0.8,
        "outlinewidth": 0,
        "tickvals": [0, 0.5, 1],
        "tickfont": {"size": 10},
        "title": {"text": f"probability of {name}", "side": "bottom", "font": {"size": 11}},
    }
    figure = go.Figure(
        go.Heatmap(
            z=probability,
            zmin=0,
            zmax=1,
            colorscale=UNIT_SCALE,
            zsmooth=False,
            name="",
            colorbar=bar,
            hovertemplate=f"row %{{y}}, column %{{x}}<br>{name} %{{z:.3f}}<extra></extra>",
        )
    )
    pixel_axes(figure, probability.shape[0], probability.shape[1], look)
    figure.update_xaxes(title=None, showticklabels=False, ticks="")
    figure.update_yaxes(title=None, showticklabels=False, ticks="")
    return dress(figure, look, HEIGHT, t=4, b=56)
