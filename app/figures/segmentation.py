"""What a segmentation network says of every pixel: the probability of one class as a map."""

import numpy as np
import plotly.graph_objects as go

from app.figures.remembered import remembered
from app.figures.style import UNIT_SCALE, Look, dressing, heatmap, pixel_axes

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
    shown = heatmap(
        probability,
        probability.shape,
        zmin=0,
        zmax=1,
        colorscale=UNIT_SCALE,
        name="",
        colorbar=bar,
        hovertemplate=f"row %{{y}}, column %{{x}}<br>{name} %{{z:.3f}}<extra></extra>",
    )
    layout = pixel_axes(probability.shape[0], probability.shape[1], look)
    for axis in (layout["xaxis"], layout["yaxis"]):
        axis |= {"title": None, "showticklabels": False, "ticks": ""}
    return go.Figure([shown], layout | dressing(look, HEIGHT, t=4, b=56))
