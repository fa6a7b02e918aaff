"""What the network says about the picture: a bar per class."""

from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures.style import Look, dress


def prediction_figure(classes: Sequence[str], probabilities: Sequence[float], look: Look) -> go.Figure:
    """The likeliest classes and their probabilities (softmax of the logits, 0..1), likeliest on top."""
    figure = go.Figure(
        go.Bar(
            x=list(probabilities),
            y=list(classes),
            orientation="h",
            marker={"color": look.accent},
            text=[f"{value:.1%}" for value in probabilities],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}<br>probability %{x:.4f}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", tickfont={"size": 12}, ticklabelstandoff=6)
    figure.update_xaxes(
        range=[0, 1.18],
        tickvals=[0, 0.5, 1],
        title={"text": "probability", "font": {"size": 11}, "standoff": 4},
        tickfont={"size": 10},
        gridcolor=look.faint,
        zeroline=False,
    )
    return dress(figure, look, 178, l=110, b=40)
