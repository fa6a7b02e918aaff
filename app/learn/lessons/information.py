"""Lesson 8: one neuron, four inputs, and the noise without which nothing can be said of it."""

import math

import numpy as np
import streamlit as st
import torch

from app.figures.learn import Curve, curve_figure
from app.learn.lessons import controls
from app.learn.lessons.bench import kept
from app.learn.lessons.lesson import Lesson, Stage, numbers
from app.learn.lessons.measured import measured
from app.parts.glossary import explain
from app.words import decimal, near
from explainers.datasets.toys.neuron import four_numbers
from explainers.information_flow.deterministic import deterministic_information
from explainers.information_flow.information import Draws, mixture_information

SIGMAS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
WEIGHTS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)
DRAWS = 1500
WEIGHT = "The neuron multiplies its input by w before tanh. A large w sends −3 and −1 to nearly the same value."
SIGMA = "The noise that is added to the neuron's output. 0: none, as in nearly every network in use."
CEILING = "log 4: there are four inputs, so nothing can tell more than which of the four it was."
ENTROPY = "The entropy of the output, noise included. Without noise it is not defined: −∞."


def widget(stage: Stage) -> None:
    """A weight and a noise -> the density of T, and I(X;T) over the weight with and without noise."""
    with st.container(horizontal=True, key="learn_controls"):
        weight = controls.slide("Weight w", WEIGHTS, 1.0, WEIGHT, "information_weight", "{:g}".format)
        sigma = controls.slide("Noise σ", SIGMAS, 0.1, SIGMA, "information_sigma", "{:g}".format)
    asked = [(each, sigma) for each in WEIGHTS]
    found = measured("information", asked, information, "Estimating I(X;T)")
    if found is None:
        return
    value, error, entropy = found[WEIGHTS.index(weight)]
    ceiling = math.log(len(four_numbers().x))
    numbers(
        ("I(X;T) (nats)", near(value, error), explain("I(X;T)")),
        ("At most (nats)", decimal(ceiling), CEILING),
        ("h(T) (nats)", decimal(entropy), ENTROPY),
    )
    st.markdown(verdict(sigma, value, ceiling))
    with st.container(horizontal=True, key="learn_charts"):
        with st.container():
            stage.chart(density(weight, sigma, stage), "density", f"Density of T for w = {weight:g} and σ = {sigma:g}")
        with st.container():
            values = [one[0] for one in found]
            stage.chart(curve(values, weight, sigma, stage), "information", "I(X;T) against w, with and without noise")


def outputs(weight: float) -> torch.Tensor:
    """What the neuron makes of its four inputs, (4, 1), before the noise."""
    return (weight * four_numbers().x.double()).tanh()


@kept
def information(weight: float, sigma: float) -> tuple[float, float, float]:
    """I(X;T) in nats with its standard error, and h(T): estimated, or exact without noise."""
    s = outputs(weight)
    if not sigma:
        return deterministic_information(s).value, 0.0, -math.inf
    found = mixture_information(s[:, None], sigma, how=Draws(DRAWS))
    return found.value, found.error, found.entropy.value if found.entropy else math.nan


def density(weight: float, sigma: float, stage: Stage):
    """The density of T, and where the four inputs lie in it."""
    s = outputs(weight).flatten().numpy()
    centres = Curve("the four inputs", s, [0.0] * len(s), 1, points=True, line=False)
    axes = ("T", "density of T")
    if not sigma:
        return curve_figure([centres], axes, stage.look, limits=(-0.1, 1))
    across = np.linspace(-1 - 4 * sigma, 1 + 4 * sigma, 801)
    bumps = np.exp(-(((across[:, None] - s) / sigma) ** 2) / 2) / (sigma * math.sqrt(2 * math.pi))
    return curve_figure([Curve("density of T", across, bumps.mean(1), 0), centres], axes, stage.look)


def curve(values: list[float], weight: float, sigma: float, stage: Stage):
    """I(X;T) over the weight, and the constant that it is without noise."""
    curves = [Curve(f"σ = {sigma:g}", WEIGHTS, values, 0, points=True)]
    if sigma:
        without = [information(each, 0.0)[0] for each in WEIGHTS]
        curves.append(Curve("without noise", WEIGHTS, without, 1, "dash"))
    axes = ("weight w", "I(X;T) (nats)")
    figure = curve_figure(curves, axes, stage.look, (True, False), here=weight, level=(math.log(4), ""))
    figure.update_yaxes(range=[0, 1.55])
    return figure.update_xaxes(
        tickvals=[0.05, 0.1, 0.2, 0.5, 1, 2, 5], ticktext=["0.05", "0.1", "0.2", "0.5", "1", "2", "5"]
    )


def verdict(sigma: float, value: float, ceiling: float) -> str:
    """
    >>> verdict(0.0, 1.386, 1.386)[:30], verdict(0.1, 0.5, 1.386)[:30]
    ('Without noise **the weight mak', 'Bumps lie over one another: T ')
    """
    if not sigma:
        return "Without noise **the weight makes no difference**: four points stay four points, however close."
    if value > 0.97 * ceiling:
        return "The four bumps stand apart: T still tells **which input it was**."
    return "Bumps lie over one another: T **no longer tells** which of the inputs under them it was."


LESSON = Lesson(
    slug="information",
    title="Why I(X;T) needs noise",
    equation=r"\begin{gathered} T = \tanh(wX) + Z,\quad Z \sim \mathcal N(0, \sigma^2) \\"
    r"I(X;T) = h(T) - \tfrac12 \log(2\pi e\,\sigma^2) \end{gathered}",
    symbols="X: −3, −1, 1 or 3. T: what the neuron gives out. h: entropy in nats. I: how much T tells of X.",
    widget=widget,
)
