"""Lesson 5: β, the one thing that is chosen; refined maps come from the app's own queue."""

import math

import numpy as np
import streamlit as st

from app.figures.learn import Curve, Panel, curve_figure, row_figure
from app.figures.means import mean_words
from app.jobs.backend import View
from app.learn.lessons import bench, controls
from app.learn.lessons.lesson import Lesson, Stage, numbers
from app.learn.lessons.measured import BESIDE, measured
from app.parts.glossary import explain
from app.parts.numbers import CONSTRAINT, constraint
from app.parts.previews import preview_mean
from app.parts.watch import Asked, Watch
from app.words import decimal, scientific
from explainers import CIDResult, CIDSettings, absolute_range
from explainers.cid.certainty import is_certain
from explainers.methods.entropies import CID_METHOD

BETAS = (1e-5, 5e-5, 1.5e-4, 5e-4, 1.5e-3, 5e-3, 1.5e-2, 5e-2)
GRID = 16
WHOLE = "Measures the map at every β of the slider, one after the other."
KEPT = (
    "Correlation of the measured map with that of a linear layer: 1 is the same pattern, 0 has nothing to do with it."
)
LINEAR = "Mean of the closed form at this β: what the mean CID would be if the layer were linear."


def widget(stage: Stage) -> None:
    """β, layer and picture -> the map as far as it has come, and the mean over β as far as it is known."""
    with st.container(horizontal=True, key="learn_controls", vertical_alignment="bottom"):
        beta = controls.slide("Strength β", BETAS, bench.BETA, explain("β"), "beta", scientific)
        layer = controls.layer_control("layer3.2")
        picture = controls.picture_control()
        whole = controls.switch("Whole curve", WHOLE, "whole")
    # It waits in a line of its own: the maps below stay asked for.
    line = measured("line", ((picture, layer, GRID),), bench.closed, "Measuring the linear layer's map", BESIDE)
    if line is None:
        return
    (entropy, _), asked = line[0], BETAS if whole else (beta,)
    network, network_input = bench.network(), bench.network_input(picture)
    requests = [network_input.request(network, network.layer(layer), CID_METHOD.name, settings(each)) for each in BETAS]
    # What there is of the rest of the curve is shown; nothing of it is begun.
    wanted = [Asked(request, start=each in asked) for each, request in zip(BETAS, requests, strict=True)]
    work = Watch("learn", lambda: wanted, "learn_beta")
    work.release()

    def draw(views: list[View]) -> None:
        at = dict(zip(BETAS, views, strict=True))
        _status(work, at, asked)
        _results(stage, at, beta, picture, entropy)

    work.draw(draw)


def settings(beta: float) -> CIDSettings:
    return CIDSettings(beta=beta, grid=GRID, probes=bench.PROBES)


def linear_mean(mean: float, beta: float) -> float:
    """The closed form's mean at another β than the paper's: ½ log of the quotient more.

    >>> round(linear_mean(0.0, 100 * bench.BETA), 3)
    2.303
    """
    return mean + 0.5 * math.log(beta / bench.BETA)


def likeness(entropy: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two maps over the pixels that are bounded in both.

    >>> round(likeness(np.array([1.0, 2.0, np.inf]), np.array([5.0, 9.0, 1.0])), 6)
    1.0
    """
    both = np.isfinite(entropy) & np.isfinite(other)
    return float(np.corrcoef(entropy[both], other[both])[0, 1])


def kept(result: CIDResult, entropy: np.ndarray) -> str:
    return decimal(likeness(result.entropy[0, 0].numpy(), entropy), 2)


def _status(work: Watch, views: dict[float, View], asked: tuple[float, ...]) -> None:
    now = next((beta for beta in asked if views[beta].live), asked[0])
    done = f"{sum(view.state == 'done' for view in views.values())} of {len(BETAS)} values of β measured."
    doing = f"Refining the map at β = {scientific(now)}"
    work.status([views[beta] for beta in asked], doing, done, "Cancelled; what was measured stays.")


def _results(stage: Stage, views: dict[float, View], beta: float, picture: str, entropy: np.ndarray) -> None:
    plain = float(entropy[np.isfinite(entropy)].mean())
    # What is not finished has no numbers to read off, and sets no scale.
    frame: CIDResult | None = views[beta].value
    result = frame if views[beta].state == "done" else None
    numbers(
        ("Mean CID (nats)", _mean(result, frame), explain("CID")),
        ("If the layer were linear (nats)", decimal(linear_mean(plain, beta)), LINEAR),
        ("Pattern kept (of 1)", "…" if result is None else kept(result, entropy), KEPT),
        ("Constraint (1 where it holds)", "…" if result is None else constraint(result), CONSTRAINT),
    )
    with st.container(horizontal=True, key="learn_charts"):
        with st.container():
            shown = entropy + 0.5 * math.log(beta / bench.BETA) if frame is None else frame.entropy[0, 0].numpy()
            title = f"CID, β = {scientific(beta)}" + ("" if result is not None else ", a preview")
            panels = [Panel("the picture", bench.network_input(picture).picture), Panel(title, shown)]
            figure = row_figure(panels, stage.look, absolute_range(beta))
            stage.chart(figure, "map", f"The picture and its CID map at β = {scientific(beta)}")
        with st.container():
            stage.chart(
                curve(views, plain, beta, stage), "beta", "Mean CID against β: straight if linear, and measured"
            )


def _mean(result: CIDResult | None, frame: CIDResult | None) -> str:
    if result is not None:
        return mean_words(result.numbers)
    return "…" if frame is None else preview_mean(frame)


def curve(views: dict[float, View], plain: float, beta: float, stage: Stage):
    """Mean CID over β: the line of a linear layer, and what was measured so far."""
    done = [each for each in BETAS if views[each].state == "done"]
    unsure = [not is_certain(views[each].value.numbers) for each in done]
    curves = [
        Curve("if the layer were linear", BETAS, [linear_mean(plain, each) for each in BETAS], 1, "dash"),
        Curve("measured", done, [float(views[each].value.mean[0]) for each in done], 0, points=True, unsure=unsure),
    ]
    axes = ("strength β (no unit)", "mean CID (nats per input variable)")
    return curve_figure(curves, axes, stage.look, (True, False), here=beta)


LESSON = Lesson(
    slug="beta",
    title="β: how far the feature may move",
    equation=r"\begin{gathered} \mathbb{E}\lVert f' - f \rVert^2 = \beta\,\delta_f^2 \\"
    r"H_i(\beta) = H_i(\beta_0) + \tfrac12 \log \frac{\beta}{\beta_0} \;\text{ if } h \text{ is linear}"
    r"\end{gathered}",
    symbols="β: the allowance, no unit. $\\delta_f^2$: the layer's sensitivity. f′: the feature of the noisy picture.",
    widget=widget,
)
