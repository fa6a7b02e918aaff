"""How far methods agree: a number for every two of them."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.remembered import remembered
from app.figures.style import Look, dress
from app.words import NONE, decimal


@remembered
def matrix_figure(
    titles: Sequence[str], values: np.ndarray, notes: Sequence[Sequence[str]], ends: tuple[float, float], scale: str,
    percent: bool, look: Look,
) -> go.Figure:  # fmt: skip
    """A number for each pair of methods (n, n), NaN where there is none; `notes` are what hovering adds."""
    words = [[_written(value, percent) for value in line] for line in values]
    shown = {
        "type": "heatmap",
        "z": values,
        "x": list(titles),
        "y": list(titles),
        "text": words,
        "texttemplate": "%{text}",
        "customdata": [list(line) for line in notes],
        "hovertemplate": "%{y}, %{x}: %{text}<br>%{customdata}<extra></extra>",
        "colorscale": scale,
        "zmin": ends[0],
        "zmax": ends[1],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    figure = dress(go.Figure([shown]), look, 130 + 44 * len(titles), l=120, b=90, t=8)
    figure.update_xaxes(tickangle=-35, showgrid=False, zeroline=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, zeroline=False, fixedrange=True)
    return figure


def _written(value: float, percent: bool) -> str:
    """
    >>> _written(-0.5, False), _written(0.314, True), _written(float("nan"), True)
    ('−0.50', '31%', '–')
    """
    if not percent:
        return decimal(value, 2)
    return NONE if np.isnan(value) else f"{value:.0%}"
