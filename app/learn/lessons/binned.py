"""Lesson 9: a network without noise, its one information, and the many that bins make of it."""

import streamlit as st

from app.figures.clusters import clusters_figure
from app.figures.learn import Curve, curve_figure
from app.learn.lessons import clusters, controls
from app.learn.lessons.lesson import Lesson, Stage, numbers
from app.learn.lessons.measured import measured
from app.parts.glossary import explain
from app.words import decimal

REACH = 1.08
# The width that stands beside the chosen one: the first of these that is another.
OTHERS = (0.01, 0.5)
STEP = "How long the network has learnt so far, in steps of training. It learns to tell two spirals apart."
WIDTH = "Side of the square bins into which the layer's two values are sorted."
EXACT = "log n: without noise all n points stay different points, so that the layer tells exactly which one it was."
WITHIN = "Mean distance between two points of one class; the layer's two values T lie between −1 and 1."
BETWEEN = "The same for points of two classes."


def widget(stage: Stage) -> None:
    """Steps of training and a width -> the layer's points in their bins, and the entropies that they give."""
    with st.container(horizontal=True, key="learn_controls"):
        step = controls.slide("Steps of training", clusters.STEPS, 0, STEP, "binned_step", "{:,}".format)
        width = controls.slide("Width of a bin", clusters.BINS, 0.5, WIDTH, "binned_width", "{:g}".format)
    answer = measured("binned", [(clusters.SEED,)], clusters.trained, "Training a small network")
    if answer is None:
        return
    (found,) = answer
    place, bins = clusters.STEPS.index(step), clusters.BINS.index(width)
    now = found[place]
    numbers(
        ("I(X;T), exact (nats)", decimal(now["exact"]), EXACT),
        ("Binned (nats)", decimal(now["binned"][bins]), explain("binned entropy")),
        ("Distance in class (of T)", decimal(now["within"]), WITHIN),
        ("Between classes (of T)", decimal(now["between"]), BETWEEN),
        ("Right answers", f"{now['accuracy']:.0%}", "Share of the points whose class the network says rightly."),
    )
    with st.container(horizontal=True, key="learn_charts"):
        with st.container():
            figure = clusters_figure(now["points"], now["labels"], width, REACH, stage.look)
            stage.chart(
                figure, "clusters", f"The points of a layer of two units after {step} steps, in bins of {width:g}"
            )
        with st.container():
            stage.chart(curve(found, width, step, stage), "binned", "Exact and binned information over the training")


def curve(found: list[dict], width: float, step: int, stage: Stage):
    """The exact value, the binned one, and that of a width that contradicts it, over the training."""
    across = [each or 0.5 for each in clusters.STEPS]
    other = OTHERS[width == OTHERS[0]]
    curves = [Curve("I(X;T), exact", across, [one["exact"] for one in found], 0)]
    for colour, each in enumerate((width, other), 1):
        values = [one["binned"][clusters.BINS.index(each)] for one in found]
        curves.append(Curve(f"binned, {each:g}", across, values, colour, "dot" if each == other else "solid", True))
    axes = ("steps of training", "nats")
    figure = curve_figure(curves, axes, stage.look, (True, False), here=step or 0.5)
    figure.update_yaxes(rangemode="tozero")
    return figure.update_xaxes(tickvals=[0.5, 1, 10, 100], ticktext=["0", "1", "10", "100"])


LESSON = Lesson(
    slug="binned",
    title="What the binned curve saw",
    equation=r"\begin{gathered} I(X;T) = \log n \quad\text{without noise} \\"
    r"H(\mathrm{Bin}(T)) = -\sum_b p_b \log p_b \;\le\; \log n \end{gathered}",
    symbols="X: one of n points, T what the layer makes of it. $p_b$: the share of the points in bin b.",
    widget=widget,
)
