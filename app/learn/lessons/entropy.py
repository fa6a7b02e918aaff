"""Lesson 1: a pixel as a cloud of values, and the entropy of that cloud."""

import math

import numpy as np
import streamlit as st

from app.figures.learn import Curve, Panel, curve_figure, row_figure
from app.learn.lessons import bench, controls
from app.learn.lessons.lesson import Lesson, Stage, numbers
from app.parts.glossary import explain
from app.words import decimal

SIGMAS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.242, 0.35, 0.5, 0.7, 1.0, 1.5, 2.0)
PLACE = "Which pixel the cloud is drawn for, counted from the top left corner; marked in the picture."
BITS = "The same entropy in bits: nats divided by log 2."
GREY = "The width ±σ of the cloud in the picture's own grey levels, of which there are 256."


def widget(stage: Stage) -> None:
    """σ, a picture and a pixel -> the noisy picture, the pixel's cloud, and the law."""
    with st.container(horizontal=True, key="learn_controls"):
        sigma = controls.sigma_control(SIGMAS, 0.1, "entropy_sigma")
        picture = controls.picture_control()
        side = list(range(32))
        row = controls.slide("Row (pixels)", side, 14, PLACE, "entropy_row")
        column = controls.slide("Column (pixels)", side, 16, PLACE, "entropy_column")
    entropy = bench.entropy_of(sigma)
    numbers(
        ("Entropy H (nats)", decimal(entropy), explain("entropy")),
        ("Entropy H (bits)", decimal(entropy / math.log(2)), BITS),
        ("Width ±σ (grey levels)", decimal(sigma * bench.levels(), 1), GREY),
    )
    network_input = bench.network_input(picture)
    panels = [Panel("the picture", network_input.picture, (row, column))]
    panels.append(Panel(f"every pixel with σ = {sigma:g}", bench.noisy(picture, sigma), (row, column)))
    with st.container(horizontal=True, key="learn_charts"):
        with st.container():
            alt = f"The picture, and the same with noise of {sigma:g} network units on every pixel"
            stage.chart(row_figure(panels, stage.look), "pictures", alt)
        with st.container():
            figure = law(sigma, stage)
            stage.chart(
                figure, "law", f"Entropy against σ: a straight line; {decimal(entropy, 2)} nats at σ = {sigma:g}"
            )
    value = float(network_input.x[:, row, column].mean())
    stage.chart(cloud(value, sigma, stage), "cloud", f"A bell curve of width {sigma:g} around the pixel's value")


def cloud(value: float, sigma: float, stage: Stage):
    """The density of the pixel's values, beside a cloud of zero entropy."""
    x = np.linspace(-3, 3, 481)
    curves = [
        Curve(f"this pixel, σ = {sigma:g}", x, density(x - value, sigma)),
        Curve("σ = 0.242, zero entropy", x, density(x - value, 0.242), 1, "dot"),
    ]
    return curve_figure(curves, ("pixel value (network units)", "density (per unit)"), stage.look, height=212)


def density(distance: np.ndarray, sigma: float) -> np.ndarray:
    """The Gaussian's density at a distance from its mean.

    >>> round(float(density(np.array(0.0), 1.0)), 4)
    0.3989
    """
    return np.exp(-0.5 * (distance / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))


def law(sigma: float, stage: Stage):
    """H against σ, with the chosen σ marked."""
    curves = [
        Curve("H = log σ + ½ log 2πe", SIGMAS, [bench.entropy_of(each) for each in SIGMAS]),
        Curve("chosen", [sigma], [bench.entropy_of(sigma)], 1, points=True, line=False),
    ]
    axes = ("noise σ (network units)", "entropy H (nats)")
    return curve_figure(
        curves, axes, stage.look, (True, False), here=sigma, level=(0, "zero"), limits=(-4.5, 2.5), height=262
    )


LESSON = Lesson(
    slug="entropy",
    title="What entropy of a pixel means",
    equation=r"H_i = \log \sigma_i + \tfrac12 \log 2\pi e",
    symbols="H: entropy of pixel i in nats. σ: width of the noise on it, in network units.",
    widget=widget,
)
