"""Lesson 7: half of the filters made quieter, a change that loses nothing and moves CID."""

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from app.figures.learn import Curve, Panel, curve_figure, row_figure
from app.figures.means import mean_words
from app.learn.lessons import bench, controls
from app.learn.lessons.lesson import Lesson, Stage, numbers, unsure
from app.learn.lessons.measured import measured
from app.parts.glossary import explain
from app.words import number, part, signed
from explainers import absolute_range
from explainers.cid.certainty import is_certain
from explainers.cid.concentration import concentration

SCALES = (1.0, 0.5, 0.25, 0.125, 0.0625)
KINDS = {
    "background": "see the background",
    "subject": "see the subject",
    "every second": "every second",
}
SCALE = "What the chosen half of the filters is multiplied by. The paper halves them. Powers of two lose no bit."
KIND = "Which half of the layer's filters: those whose response lies mostly outside the subject, inside, or any."
LAYER = "The layer whose filters are made quieter, and whose map is shown. The network is a ResNet-20."
LOST = (
    "The filters turned up again: the largest difference of any value of the feature from what it was. 0: everything "
    "is still there, to the last bit."
)

LEFT_OUT = "The curve of the mean leaves them out: the difference of two uncertain means says nothing."


def widget(stage: Stage) -> None:
    """A layer, half of its filters and their volume -> CID before and after, and the proof that nothing is lost."""
    pairs = list(bench.pairs())
    with st.container(horizontal=True, key="learn_controls"):
        scale = controls.slide("Volume of that half", SCALES, 0.5, SCALE, "limit_scale", part)
        kind = controls.choice("Half of the filters", list(KINDS), "background", KIND, "limit_kind", KINDS.__getitem__)
        pair = controls.choice("Layer", pairs, pairs[3], LAYER, "limit_pair")
        picture = controls.picture_control()
    asked = [(picture, pair, kind, each) for each in SCALES]
    maps = measured("limit", asked, bench.halved, "Measuring CID")
    if maps is None:
        return
    place = st.container()
    (before, _, _), (after, lost, now) = maps[0], maps[SCALES.index(scale)]
    gains = [gain(each, picture) for each, _, _ in maps]
    with place:
        numbers(
            ("Lost (feature units)", number(lost), LOST),
            ("Mean CID (nats)", mean_words(now), explain("CID")),
            ("Mean CID before (nats)", mean_words(maps[0][2]), "Mean CID of the layer as it was trained."),
            ("Concentration (nats)", signed(gains[SCALES.index(scale)]), explain("concentration")),
            ("Its value before (nats)", signed(gains[0]), "Concentration of the layer as it was trained."),
        )
    with st.container(horizontal=True, key="learn_charts"):
        with st.container():
            panels = [Panel("CID before", before), Panel(f"half of the filters × {part(scale)}", after)]
            figure = row_figure(panels, stage.look, absolute_range(bench.BETA))
            stage.chart(figure, "maps", "CID maps before and after, on one scale")
        with st.container():
            stage.chart(curve(maps, gains, scale, stage), "limit", "Change of mean CID and concentration with volume")
    if unsure([said for _, _, said in maps]):
        st.caption(LEFT_OUT)
    if bench.network_input(picture).mask is None:
        st.caption("This picture has no exact outline: every second filter is taken, and there is no concentration.")


def curve(
    maps: Sequence[tuple[np.ndarray, float, dict]], gains: Sequence[float | None], scale: float, stage: Stage
) -> go.Figure:
    """What the quieter filters change of the mean, where both maps are certain, and of the concentration."""
    known = [mean(entropy) if is_certain(said) else math.nan for entropy, _, said in maps]
    curves = [Curve("mean CID", SCALES, [each - known[0] for each in known], 0, points=True)]
    if told := [each for each in gains if each is not None]:
        curves.append(Curve("concentration", SCALES, [each - told[0] for each in told], 1, points=True))
    axes = ("volume of half of the filters", "change (nats)")
    figure = curve_figure(curves, axes, stage.look, (True, False), here=scale, level=(0, ""))
    return figure.update_xaxes(tickvals=list(SCALES), ticktext=[part(each) for each in SCALES])


def mean(entropy: np.ndarray) -> float:
    """Mean over the bounded pixels."""
    return float(entropy[np.isfinite(entropy)].mean())


def gain(entropy: np.ndarray, picture: str) -> float | None:
    """Concentration; None without an exact outline of the subject."""
    mask = bench.network_input(picture).mask
    return None if mask is None else float(concentration(torch.from_numpy(entropy), mask=mask))


LESSON = Lesson(
    slug="limit",
    title="A limit: quieter is not lost",
    equation=r"\begin{gathered} w_k \leftarrow \tfrac12 w_k,\; b_k \leftarrow \tfrac12 b_k "
    r"\text{ for half of the filters } k \\ \Rightarrow\quad f \leftarrow D f,\quad f = D^{-1} (D f) \end{gathered}",
    symbols="w, b: weights and bias of filter k. f: the layer's feature. D: ½ for the quiet filters, 1 for the others.",
    widget=widget,
)
