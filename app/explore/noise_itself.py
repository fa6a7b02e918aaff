"""The noise itself: the picture under the noise of its map, how far the feature moves then, and what is answered."""

from typing import cast

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from app.address import selection
from app.explore.grid_choice import change, choice
from app.figures.learn import Curve, curve_figure
from app.figures.noisy import pictures_html
from app.figures.style import PLAIN_CONFIG
from app.jobs.backend import Backend, View
from app.parts.bound import steps, switch
from app.parts.look import look
from app.parts.watch import Asked, Watch
from app.words import MANY, factor, multiple, number
from explainers import CIDResult
from explainers.cid.noise_effect import FACTORS, SAMPLES, NoiseEffect
from explainers.methods.network_input import NetworkInput
from explainers.methods.noise import NoiseRequest
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

SHOW = (
    "The map says how much noise each pixel can bear. Here is such noise on the picture, and how far it moves the "
    "layer's feature."
)
ANSWERED = " Below stands what the network answers then."
STRENGTH = "How many times the noise that the map allows: × 1 is what the layer does not notice."
MOVED = (
    f"The mean square of how far the feature moves, over {SAMPLES} draws of the noise, divided by what is allowed "
    "(β δ²), ± its standard error. At × 1 it is 1: so the map was made."
)
LENGTH = "How far the feature moves (root mean square), of its own length."
ANSWER = "The likeliest class for the picture that is shown here with its noise, and its probability."
SAME = "Over all draws of the noise: how often the likeliest class is that of the picture without noise."
SAME_PIXELS = "Over all draws of the noise: at how many pixels the likeliest class is that without noise."
SHOWN_CLASSES = 3
AXES = ("strength of the noise (times the map's)", "change of the feature (1 is allowed)")


def noise_itself(
    backend: Backend, network: Network, network_input: NetworkInput, layer: Layer, found: CIDResult
) -> None:
    """A switch, and under it all that the noise of the finished map `found` does."""
    on, words = choice().noise > 0, SHOW + ANSWERED * (not network.reconstructs)
    switch("w_noise_on", "Show the noise itself", on, lambda shown: change(noise=FACTORS[0] if shown else 0.0), words)
    if not on:
        backend.release(selection.owner("noise"))
        return
    titles = {each: factor(each) for each in FACTORS}
    steps("w_noise", "Strength of the noise", titles, choice().noise, lambda value: change(noise=value), STRENGTH)
    asked = Asked(NoiseRequest(network, layer, network_input.x, network_input.digest, found), (2, layer.depth))
    work = Watch("noise", lambda: [asked], "noise")
    work.release()

    def draw(views: list[View]) -> None:
        (view,) = views
        _status(work, view)
        if view.value is not None:
            _effect(network, network_input, layer, cast(NoiseEffect, view.value))

    work.draw(draw)


def _status(work: Watch, view: View) -> None:
    work.status(
        [view],
        "Measuring what the noise does",
        f"Measured with {SAMPLES} draws of the noise at each strength.",
        "Cancelled: what was measured stands here.",
    )


def _effect(network: Network, network_input: NetworkInput, layer: Layer, found: NoiseEffect) -> None:
    times, at = choice().noise, FACTORS.index(choice().noise)
    known = at < len(found.changes)
    titles = (network_input.title, f"with its noise {factor(times)}", f"the noise alone {factor(times)}")
    noisy, alone = drawn(network, network_input, found, times)
    left, right = st.container(), st.container(horizontal=True, key="noise_charts")
    with left:
        st.html(pictures_html(list(zip(titles, (network_input.picture, noisy, alone), strict=True))))
        if known:
            st.markdown(verdict(found, at, layer.name))
            _numbers(network, found, at)
    if len(found.changes) < 2:
        return
    with right.container():
        figure = curve_figure(curves(found), AXES, look(), (True, True), times, (1, "allowed"))
        _chart(figure, "noise_change", f"How far the feature of {layer.name} moves, against the strength of the noise")
    if network.reconstructs:
        return
    with right.container():
        axes = (AXES[0], "share of the pixels" if network.segments else "probability")
        figure = curve_figure(answers(network, found), axes, look(), (True, False), times, None, (0, 1.02))
        _chart(figure, "noise_answer", "The network's answer to the picture shown, against the strength of the noise")


def drawn(
    network: Network, network_input: NetworkInput, found: NoiseEffect, times: float
) -> tuple[np.ndarray, np.ndarray]:
    """The picture with so many times the noise, and the noise on plain grey, (H, W, 3) uint8."""
    seen = network.preprocessing
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (seen.mean, seen.std))
    grey = ((0.5 - mean) / std).expand_as(found.noise)
    noise = times * found.noise
    return np.asarray(network.display(network_input.x.cpu() + noise)), np.asarray(network.display(grey + noise))


def verdict(found: NoiseEffect, at: int, layer: str) -> str:
    """One sentence on what the layer makes of the noise."""
    change, error = float(found.changes[at]), float(found.errors[at])
    if change <= 1.05 + 2 * error:
        return (
            f"**To {layer} these two pictures are the same**: its feature moves by {float(found.moved[at]):.1%} of its "
            "length, as little as was asked for."
        )
    if change < 3:
        return f"**{layer} begins to see a difference**: its feature moves further than was allowed."
    times = number(change, 2) if change < MANY else f"{float(f'{change:.2g}'):,.0f}"
    return f"**To {layer} these are two pictures**: its feature moves {times} times as much as allowed, in mean square."


def curves(found: NoiseEffect) -> list[Curve]:
    """Change of the feature as measured, and that of a linear layer."""
    known = FACTORS[: len(found.changes)]
    return [
        Curve("measured", known, found.changes.tolist(), 0, points=True, errors=found.errors.tolist()),
        Curve("a linear layer", known, [each**2 for each in known], 1, "dash"),
    ]


def answers(network: Network, found: NoiseEffect) -> list[Curve]:
    """Probabilities of the class without noise, and of those that ever come to more than a hundredth."""
    known = FACTORS[: len(found.changes)]
    first, most = int(found.clean.argmax()), torch.cat([found.clean[None], found.answers]).amax(0)
    order = [each for each in most.argsort(descending=True).tolist() if each != first and most[each] > 0.01]
    classes = [first, *order][:SHOWN_CLASSES]
    return [
        Curve(network.classes[each], known, found.answers[:, each].tolist(), place, points=True)
        for place, each in enumerate(classes)
    ]


def _numbers(network: Network, found: NoiseEffect, at: int) -> None:
    with st.container(horizontal=True, key="numbers_noise"):
        st.metric(
            "Feature has moved (1 is allowed)", multiple(float(found.changes[at]), float(found.errors[at])), help=MOVED
        )
        st.metric("Of its length", f"{float(found.moved[at]):.1%}", help=LENGTH)
        if network.reconstructs:
            return
        if network.segments:
            st.metric("Pixels answered as before", f"{float(found.kept[at]):.1%}", help=SAME_PIXELS)
        else:
            likeliest = int(found.answers[at].argmax())
            said = f"{network.classes[likeliest]} {float(found.answers[at, likeliest]):.1%}"
            st.metric("Answer to this picture", said, help=ANSWER)
            st.metric("Same answer", f"{round(float(found.kept[at]) * SAMPLES)} of {SAMPLES} draws", help=SAME)


def _chart(figure: go.Figure, key: str, alt: str) -> None:
    config = PLAIN_CONFIG | {"displayModeBar": False}
    st.plotly_chart(figure, theme=None, key=f"figure_{key}", config=config, alt=alt)
