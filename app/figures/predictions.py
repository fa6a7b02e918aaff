"""What the network says about the picture: a bar per class."""

from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures.remembered import remembered
from app.figures.style import Look, dress

LONGEST = 22
OF_KNOWN = ", if it had to be one of the classes it knows"


def shortened(name: str) -> str:
    """
    >>> shortened("American Staffordshire terrier")
    'American Staffordshir…'
    """
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


@remembered
def prediction_figure(
    answers: Sequence[tuple[str, float]], look: Look, quantity: str = "probability", strange: bool = False
) -> go.Figure:
    """The likeliest classes with their probabilities (softmax of the logits, 0..1), likeliest on top.

    `quantity` is what the bars count where it is something else. Of a `strange` picture, of which the network knows
    nothing, the bars are empty: their lengths do not say how sure it may be.
    """
    empty = {"color": look.faint, "line": {"color": look.text, "width": 1}}
    figure = go.Figure(
        go.Bar(
            x=[value for _, value in answers],
            y=[shortened(name) for name, _ in answers],
            customdata=[name for name, _ in answers],
            orientation="h",
            marker=empty if strange else {"color": look.accent},
            text=[f"{value:.1%}" for _, value in answers],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"%{{customdata}}<br>{quantity} %{{x:.4f}}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", tickfont={"size": 12}, ticklabelstandoff=6)
    figure.update_xaxes(
        range=[0, 1.18],
        tickvals=[0, 0.5, 1],
        title={"text": quantity + OF_KNOWN * strange, "font": {"size": 11}, "standoff": 4},
        tickfont={"size": 10},
        gridcolor=look.faint,
        zeroline=False,
    )
    longest = min(max(len(name) for name, _ in answers), LONGEST)
    return dress(figure, look, 178, l=24 + 7 * longest, b=40)
