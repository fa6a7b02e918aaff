"""Figures for the last row of a class."""

from collections.abc import Callable
from typing import Any, cast

import plotly.graph_objects as go

# Large type of the presentation mode, relative to the page's own.
LARGER = 1.35


def enlarged(make: Callable[[], go.Figure], height: int) -> go.Figure:
    """What `make` makes, enlarged to `height` pixels."""
    return enlarge(make(), height=height)


def enlarge(figure: go.Figure, by: float = LARGER, height: int | None = None) -> go.Figure:
    """Letters, lines and margins `by` times as large, for a class that looks from afar; `height` in pixels."""
    layout = cast(Any, figure.layout)
    height = height or round(layout.height * (1 + by) / 2)
    figure.update_layout(font_size=layout.font.size * by, height=height)
    figure.update_layout(margin={side: round(layout.margin[side] * by) for side in "lrtb"})
    for axis in cast("list[Any]", [*figure.select_xaxes(), *figure.select_yaxes()]):
        for font in (axis.tickfont, axis.title.font):
            font.size = (font.size or layout.font.size / by) * by
    for bar in figure.select_traces({"type": "bar"}):
        bar.textfont.size *= by
    for note in layout.annotations:
        note.font.size = (note.font.size or 12) * by
    if layout.legend.font.size:
        layout.legend.font.size *= by
    for bar in (
        layout.coloraxis.colorbar,
        *(trace.colorbar for trace in figure.select_traces({"type": "heatmap"})),
    ):
        if bar.tickfont.size:
            for font in (bar.tickfont, bar.title.font):
                font.size *= by
            bar.ypad, bar.thickness = bar.ypad * by, bar.thickness * by
    return figure
