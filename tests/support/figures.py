"""Every figure of a map."""

import numpy as np
import plotly.graph_objects as go

from app.figures.layers import curve_figure
from app.figures.maps import empty_figure, nats_figure, picture_figure, unit_figure
from app.figures.style import DARK, LIGHT

LIMITS = (-3.98, -0.98)


SIZE = (8, 8)


def every_figure(cells: np.ndarray) -> dict[str, go.Figure]:
    return {
        "picture": picture_figure(np.zeros((8, 8, 3), np.uint8), LIGHT, (1, 2, 5, 6), cells > -2.8),
        "nats": nats_figure(cells, SIZE, LIMITS, LIGHT),
        "unit": unit_figure(cells, SIZE, DARK),
        "empty": empty_figure(SIZE, LIGHT, "not computed yet"),
        "curve": curve_figure(["a", "b"], [-3, None], [0.1, None], LIGHT, marked="b"),
    }
