"""Lesson 2: the noise a layer does not notice, and where it does."""

import math
from collections.abc import Sequence

import streamlit as st

from app.figures.learn import Curve, Panel, curve_figure, row_figure
from app.learn.lessons import bench, controls
from app.learn.lessons.lesson import Lesson, Stage, numbers
from app.learn.lessons.measured import BESIDE, measured
from app.parts.glossary import explain
from app.words import NONE, decimal, error_of, multiple, near, number, signed

SIGMAS = (0.002, 0.003, 0.005, 0.007, 0.01, 0.012, 0.014, 0.017, 0.02, 0.03, 0.05, 0.1, 0.2, 0.4)
KINDS = {False: "equal everywhere", True: "fit to the layer"}
KIND = (
    "Equal everywhere: every pixel gets noise σ. Fit to the layer: σ is the typical noise (the geometric mean), "
    "and the closed form gives each pixel more or less of it."
)
MET = "The σ at which the reaction passes 1, read off the measured curve between two points."
GAINED = (
    "The mean entropy of the noise at which the constraint is met, ± its standard error, which is half of the "
    "reaction's relative one. With noise fit to the layer, this is CID."
)
DIFFERENCE = "How much more than with equal noise in a linear layer, ½ log β + ½ log 2πe = −2.98 nats."


def widget(stage: Stage) -> None:
    """σ, layer and kind of noise -> the layer's reaction, measured, and the noisy picture beside the plain one."""
    with st.container(horizontal=True, key="learn_controls"):
        sigma = controls.sigma_control(SIGMAS, 0.012, "noise_sigma")
        layer = controls.layer_control("layer3.1")
        shaped = controls.choice("Noise", list(KINDS), False, KIND, "noise_kind", KINDS.__getitem__)
        picture = controls.picture_control()
    asked = [(picture, layer, shaped, each) for each in SIGMAS]
    found = measured("noise", asked, bench.reaction, "Measuring the layer's reaction")
    if found is None:
        return
    widths = measured("noise shape", [(picture, layer, shaped)], bench.shape, "Fitting the noise", BESIDE)
    if widths is None:
        return
    place = st.container()
    now, error = found[SIGMAS.index(sigma)]
    means = [mean for mean, _ in found]
    noise = sigma * widths[0]
    panels = [Panel("the picture", bench.network_input(picture).picture)]
    panels.append(Panel(f"with σ = {sigma:g}", bench.noisy(picture, noise)))
    with st.container(horizontal=True, key="learn_charts"):
        with st.container():
            stage.chart(row_figure(panels, stage.look), "pictures", f"The picture, and with noise σ = {sigma:g}")
        with st.container():
            figure = curve(means, [error for _, error in found], sigma, stage)
            stage.chart(
                figure, "reaction", f"Reaction of {layer} against σ; {number(now, 2)} at σ = {sigma:g}, 1 is allowed"
            )
    met = bench.crossing(SIGMAS, means)
    # The reaction goes with σ²: half of its own relative error is that of σ, and the error of the entropy.
    off = math.nan if met is None else relative(found, met) / 2
    with place:
        numbers(
            ("Reaction (1 is allowed)", multiple(now, error), explain("reaction")),
            ("Allowed σ (network units)", decimal(met, 4), MET),
            ("Entropy there (nats)", NONE if met is None else near(bench.entropy_of(met), off), GAINED),
            ("Noise gained (nats)", NONE if met is None else gain(met) + error_of(1, off), DIFFERENCE),
        )
        st.markdown(verdict(now, layer))


def relative(found: Sequence[tuple[float, float]], met: float) -> float:
    """The relative error of the reaction at the measured σ that is nearest to `met`.

    >>> relative([(0.5, 0.1), (1.0, 0.05)] + [(2.0, 2.0)] * 12, 0.003)
    0.05
    """
    mean, error = found[min(range(len(SIGMAS)), key=lambda place: abs(math.log(SIGMAS[place] / met)))]
    return error / mean


def gain(met: float) -> str:
    """Nats above the entropy of σ = √β."""
    return signed(bench.entropy_of(met) - bench.entropy_of(bench.BETA**0.5))


def verdict(reaction: float, layer: str) -> str:
    """
    >>> verdict(0.1, "conv1"), verdict(4, "conv1")
    ('**conv1** does not notice this noise.', '**conv1** notices: the constraint is broken.')
    """
    if reaction < 0.9:
        return f"**{layer}** does not notice this noise."
    return f"**{layer}** notices: the constraint is broken." if reaction > 1.1 else f"**{layer}** is just at the limit."


def curve(means: list[float], errors: list[float], sigma: float, stage: Stage):
    """Measured reaction and that of a linear layer, both against σ."""
    curves = [
        Curve("measured", SIGMAS, means, 0, points=True, errors=errors),
        Curve("linear, equal noise: σ²/β", SIGMAS, [each**2 / bench.BETA for each in SIGMAS], 1, "dash"),
    ]
    axes = ("noise σ (network units)", "reaction (1 is allowed)")
    return curve_figure(curves, axes, stage.look, (True, True), here=sigma, level=(1, "the constraint"))


LESSON = Lesson(
    slug="noise",
    title="The noise a layer does not notice",
    equation=r"\begin{gathered} \max_\sigma \sum_i H_i(\sigma_i) \quad\text{where} \\"
    r"\mathbb{E}_\delta \lVert h(x + \sigma \circ \delta) - f \rVert^2 = \beta\, \delta_f^2 \end{gathered}",
    symbols="h: the layer, f = h(x) its feature. δ: Gaussian noise of width 1. $\\delta_f^2$: the layer's sensitivity.",
    widget=widget,
)
