"""A chart that fills in: what has come is sent alone and drawn into the chart that stands, with its zoom as it is."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st

from app.figures.parted import parted_once
from app.figures.style import PLAIN_CONFIG
from app.parts.component import component

_part = component("part")


def arriving(
    name: str,
    make: partial[go.Figure],
    alt: str,
    height: int | Literal["stretch", "content"] = "content",
    config: Mapping[str, Any] = PLAIN_CONFIG,
    **options: Any,
) -> None:
    """Draws what `make` makes as the chart `figure_NAME`; drawn again, only the panes that have changed travel.

    `make` is called once as long as function and arguments are the same. `options` are those of `st.plotly_chart`.
    """
    frame, parts = parted_once(make)
    st.plotly_chart(frame, theme=None, key=f"figure_{name}", height=height, config=dict(config), alt=alt, **options)
    with st.container(key=f"parts_{name}"):
        for place, (pane, part) in enumerate(parts.items()):
            _part(key=f"part_{name}_{pane}", data={"chart": f"st-key-figure_{name}", "place": place, "part": part})
