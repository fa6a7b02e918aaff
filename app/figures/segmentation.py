"""What a segmentation network says of every pixel: the probability of one class as a map."""

import numpy as np
import plotly.graph_objects as go

from app.figures.style import UNIT_SCALE, Look, dress, pixel_axes

SIDE = 250


def segmentation_figure(probability: np.ndarray, name: str, look: Look) -> go.Figure:
    """`probability` (H, W) in 0..1 of the class `name`."""
    figure = go.Figure(
        [
            go.Heatmap(
                z=probability,
                zmin=0,
                zmax=1,
                colorscale=UNIT_SCALE,
                zsmooth=False,
                name="",
                colorbar={
                    "thickness": 10,
                    "outlinewidth": 0,
                    "nticks": 3,
                    "tickfont": {"size": 10},
                    "title": {"text": f"probability of {name}", "side": "right", "font": {"size": 11}},
                },
                hovertemplate=f"row %{{y}}, column %{{x}}<br>{name} %{{z:.3f}}<extra></extra>",
            )
        ]
    )
    pixel_axes(figure, *probability.shape, look)
    return dress(figure, look, SIDE, l=40, r=70, b=30)
