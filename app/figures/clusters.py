"""Points of a layer of two units, with the bins that they are put into."""

import numpy as np
import plotly.graph_objects as go

from app.figures.flow_stage import class_inks
from app.figures.remembered import remembered
from app.figures.style import Look, dress

SIDE = 330
SYMBOLS = ("circle", "diamond", "square")


@remembered
def clusters_figure(points: np.ndarray, labels: np.ndarray, width: float, reach: float, look: Look) -> go.Figure:
    """`points` (n, 2) with classes `labels` (n,) on axes from −reach to reach; bins of `width` begin at 0.

    Bins that hold a point are shaded, as long as they are large enough to be seen.
    """
    figure = go.Figure()
    for corner in np.unique(np.floor(points / width), axis=0) * width if width >= reach / 50 else ():
        x, y = corner.tolist()
        figure.add_shape(
            type="rect", x0=x, x1=x + width, y0=y, y1=y + width, line={"width": 0.6, "color": look.text},
            fillcolor="rgba(128,128,128,0.22)", layer="below",
        )  # fmt: skip
    for label, ink in enumerate(class_inks(int(labels.max()) + 1, look)):
        at = points[labels == label]
        figure.add_trace(
            go.Scatter(
                x=at[:, 0], y=at[:, 1], mode="markers", name=f"class {label}",
                marker={"size": 7, "color": ink, "symbol": SYMBOLS[label % len(SYMBOLS)], "opacity": 0.75},
                hovertemplate=f"class {label}<br>(%{{x:.3f}}, %{{y:.3f}})<extra></extra>",
            )
        )  # fmt: skip
    quiet = {"gridcolor": look.faint, "zeroline": False, "tickfont": {"size": 11}, "title_font": {"size": 12}}
    quiet |= {"range": [-reach, reach], "constrain": "domain", "title_standoff": 6}
    figure.update_xaxes(title="unit 1", **quiet)
    figure.update_yaxes(title="unit 2", scaleanchor="x", **quiet)
    dress(figure, look, SIDE + 60, l=54, t=44, b=44)
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}}
    return figure.update_layout(legend=legend, dragmode=False, uirevision="keep")
