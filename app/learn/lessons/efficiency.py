"""Lesson 6: efficiency as a curve over constants that the reader sets."""

import numpy as np
import streamlit as st

from app.figures.learn import Curve, curve_figure
from app.learn.lessons import controls
from app.learn.lessons.lesson import Lesson, Stage
from app.parts.glossary import explain
from app.words import number
from explainers.cid.efficiency import EfficiencyConstants, efficiency

CIDS = tuple(float(value) for value in np.round(np.arange(-4.0, -0.74, 0.25), 2))
SHOWN = np.linspace(-0.5, 1.5, 41)
# The paper's derivation bounds the first two; the ranges of the others are a choice.
SLIDERS = {
    "C₁": (np.round(np.arange(0, 1.01, 0.1), 1), 0.5, "Half the sum of two shares: how much of the foreground and of "
           "the background has to do with the label. Lifts the line as a whole."),
    "C₂": (np.round(np.arange(0.1, 1.01, 0.1), 1), 0.6, "The difference of those two shares, above 0 because the "
           "foreground tells more of the label than the background does. Makes the line steeper."),
    "C₃ (nats)": (np.round(np.arange(-3, 3.1, 0.5), 1), -1.0, "Entropies of all pictures and labels. Positive "
           "values pull the line down, the more so the larger the CID."),
    "C₄ (nats)": (np.round(np.arange(0, 5.1, 0.5), 1), 1.0, "H(X), the entropy of the pictures, which no CID can "
           "reach. The nearer CID comes to it, the steeper the line."),
}  # fmt: skip
CID = "The mean CID of the layer, in nats: how much it has discarded. Three lines show this value and its neighbours."


def widget(stage: Stage) -> None:
    """Four constants and a CID -> ρ against concentration."""
    with st.container(horizontal=True, key="learn_controls"):
        cid = controls.slide("Mean CID (nats)", CIDS, -2.5, f"{CID} {explain('CID')}", "efficiency_cid", number)
        values = [
            controls.slide(name, [float(v) for v in options], start, meaning, f"efficiency_{place}", number)
            for place, (name, (options, start, meaning)) in enumerate(SLIDERS.items(), start=1)
        ]
    figure = curve(EfficiencyConstants(*values), cid, stage)
    stage.chart(figure, "efficiency", "Efficiency against concentration for three values of CID: rising straight lines")
    st.caption(
        "Shares below 0 or above 1 (outside the drawn range) are impossible: such constants belong to no data at all."
    )


def lines(constants: EfficiencyConstants, cid: float) -> list[tuple[float, np.ndarray]]:
    """CID and ρ over the shown concentrations, for the chosen CID and half a nat to both sides."""
    return [(value, efficiency(SHOWN, value, constants)) for value in (cid, cid - 0.5, cid + 0.5)]


def curve(constants: EfficiencyConstants, cid: float, stage: Stage):
    curves = [
        Curve(f"CID = {number(value)} nats", SHOWN, rho, place, ("solid", "dash", "dot")[place])
        for place, (value, rho) in enumerate(lines(constants, cid))
    ]
    axes = ("concentration (nats)", "efficiency ρ (share, no unit)")
    return curve_figure(curves, axes, stage.look, limits=(0, 1)).update_layout(height=380)


LESSON = Lesson(
    slug="efficiency",
    title="Concentration and efficiency",
    equation=r"\begin{aligned} \rho &= \frac{I(F;Y)}{I(X;F)} \\ &= C_1 + \frac{C_2 \cdot \text{concentration} - C_3}"
    r"{2\,(C_4 - \text{CID})} \end{aligned}",
    symbols="ρ: efficiency, a share. I: information in nats; X the picture, F the feature, Y the label.",
    widget=widget,
)
