"""Lesson 4: the same function with other weights, by hand."""

import streamlit as st

from app.figures.learn import Panel, factors_figure, row_figure
from app.learn.lessons import bench, controls
from app.learn.lessons.lesson import Lesson, Stage, numbers, unsure
from app.learn.lessons.measured import measured
from app.parts.glossary import explain
from app.words import factor, number, part
from explainers import absolute_range
from explainers.methods.entropies import CID_NAME

SCALES = tuple(2.0**power for power in range(-4, 5))
NAMES = {"layer_gradient": "layer gradient", "activation": "activation", "grad_cam": "Grad-CAM", CID_NAME: "CID (as σ)"}
C = "What the first layer's weights are divided by, and the next layer's multiplied by. Powers of two keep every bit."
PAIR = "The layer that is divided by c; the one after it is multiplied. The maps are those of the first."
CHANGE = "The largest change of any class's score. 0: not one bit has moved, it is the same function."
ANSWER = "What the network says of this picture, before and after."


def widget(stage: Stage) -> None:
    """c and a pair of layers -> the proof, every measure's factor, and the CID maps before and after."""
    pairs = list(bench.pairs())
    with st.container(horizontal=True, key="learn_controls"):
        c = controls.slide("Rescaling c", SCALES, 4.0, C, "rescaling_c", part)
        pair = controls.choice("Layer divided by c", pairs, pairs[-2], PAIR, "rescaling_pair")
        picture = controls.picture_control()
    answer = measured("rescaling", [(picture, pair, c)], bench.rescaled, "Measuring both networks")
    if answer is None:
        return
    (found,) = answer
    factors = found["factors"]
    numbers(
        ("Largest change of a logit", number(found["change"]), CHANGE),
        ("Answer, both times", found["answer"], ANSWER),
        ("Layer gradient", factor(factors["layer_gradient"], 3), explain("layer gradient")),
        ("CID (as σ)", factor(factors[CID_NAME], 3), explain("CID")),
    )
    with st.container(horizontal=True, key="learn_charts"):
        with st.container():
            panels = [Panel("CID before", found["before"]), Panel("CID after", found["after"])]
            figure = row_figure(panels, stage.look, absolute_range(bench.BETA))
            stage.chart(figure, "maps", "The CID map before and after, on one scale")
        with st.container():
            figure = factors_figure(list(NAMES.values()), [factors[name] for name in NAMES], stage.look, SCALES[-1])
            stage.chart(figure, "factors", f"Factor of each measure after rescaling by {part(c)}")
    unsure(found["said"])


LESSON = Lesson(
    slug="rescaling",
    title="Why gradients cannot be compared between layers",
    equation=r"\begin{gathered} (w, b)^{(L)} \leftarrow (w, b)^{(L)} / c,\;\; w^{(L+1)} \leftarrow c\, w^{(L+1)} \\"
    r"\Rightarrow\quad f \leftarrow f / c,\quad "
    r"\tfrac{\partial y}{\partial f} \leftarrow c\, \tfrac{\partial y}{\partial f} \end{gathered}",
    symbols="w, b: weights and bias of layers L and L+1. f: the feature of layer L. y: the answer's score.",
    widget=widget,
)
