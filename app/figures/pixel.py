"""One pixel through the layers: its entropy at each, beside the mean of the whole map."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.marks import open_where
from app.figures.methods import style_of
from app.figures.probed import DECIMALS
from app.figures.remembered import remembered
from app.figures.style import Look, dressing

HEIGHT = 300


def value_at(cells: np.ndarray, size: tuple[int, int], pixel: tuple[int, int]) -> float:
    """The value of the cell in which the pixel (row, column) of a picture of `size` lies.

    >>> value_at(np.array([[1.0, 2.0], [3.0, 4.0]]), (8, 8), (3, 4))
    2.0
    """
    row, column = (at * count // side for at, count, side in zip(pixel, cells.shape, size, strict=True))
    return float(cells[row, column])


@remembered
def pixel_figure(
    names: Sequence[str],
    values: Sequence[float | None],
    means: Sequence[float | None],
    pixel: tuple[int, int],
    metric: str,
    look: Look,
    marked: str | None = None,
    unsure: Sequence[bool] = (),
) -> go.Figure:
    """Entropy of one pixel in nats against the layer in order of execution, and the mean of each map as a dotted line.

    None where a layer's map is not ready; a layer that does not use the pixel at all has no point (inf). Points are
    open where the layer's map is `unsure`.
    """
    title = metric.upper()
    curves = (
        (f"{title} of row {pixel[0]}, column {pixel[1]}", values, style_of(metric, look)["color"], "solid", 8),
        ("mean of the map", means, look.text, "dot", 4),
    )
    drawn = [
        {
            "type": "scatter",
            "x": list(names),
            "y": [np.nan if one is None or not np.isfinite(one) else one for one in curve],
            "name": name,
            "mode": "lines+markers",
            "line": {"color": colour, "width": 2 if dash == "solid" else 1.5, "dash": dash},
            "marker": {"size": size, "symbol": open_where(unsure, "circle")},
            "connectgaps": False,
            "hovertemplate": f"%{{x}}<br>{name}: %{{y:.{DECIMALS}f}} nats<extra></extra>",
        }
        for name, curve, colour, dash, size in curves
    ]
    small = {"tickfont": {"size": 10}, "gridcolor": look.faint, "zeroline": False}
    across = {
        "categoryorder": "array",
        "categoryarray": list(names),
        "range": [-0.5, len(names) - 0.5],
        "tickangle": -45,
        "dtick": 1,
        "title": {"text": "layer, in order of execution", "font": {"size": 11}},
    }
    layout = dressing(look, HEIGHT, l=64, r=14, t=34, b=84)
    # On a narrow page the legend has two lines, which the axes leave it.
    layout["margin"]["autoexpand"] = True
    layout |= {
        "xaxis": small | across,
        "yaxis": small | {"title": {"text": "entropy H (nats)", "font": {"size": 11}}},
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
        "uirevision": "keep",
        "hovermode": "closest",
        "dragmode": False,
    }
    figure = go.Figure(drawn, layout)
    if marked is not None and marked in names:
        figure.add_vline(x=list(names).index(marked), line={"color": look.text, "width": 1, "dash": "dot"})
    return figure
