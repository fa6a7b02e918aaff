"""Mean magnitude over layers before and after, raw and relative to each method's first layer."""

import numpy as np
import streamlit as st

from app.fairness.maps import title, unit
from app.fairness.take import take_fairness
from app.figures.fairness import magnitudes_figure, normalised_figure
from app.figures.style import PLAIN_CONFIG
from app.parts.certainty import UNSURE_POINTS
from app.parts.look import look
from explainers.cid.certainty import uncertain
from explainers.fairness.check import Check
from explainers.fairness.maps import LAYERWISE, Question
from explainers.fairness.plan import Plan
from explainers.methods.registry import find_method

RAW = (
    "The mean of each method's map at every layer, in the method's own unit, before (solid) and after "
    "(dashed). Where the two lines part, the method compares how the weights are written down, not what the "
    "layers do."
)
SHARE = (
    "The same numbers divided by each method's own value at the first layer, on one logarithmic axis. Of CID and RU, "
    "logarithms themselves, the exponential of the difference: how many times more noise the pixels bear."
)
NOTE = (
    "Gradients and activations change with the resolution and the width of a layer even where nothing was "
    "rescaled: even the solid lines cannot be compared from layer to layer. LRP, saliency and Input × "
    "Gradient explain the input, so they have one map for the whole network and no curve. A gap: the map is "
    "empty there, or the layer has no positions. RU stands at the layers that have a decoder."
)


def curves(found: Check, plan: Plan, question: Question, network: str) -> None:
    """Both figures side by side, filled in as layers are ready; `network` is the title of what they are of."""
    names = [station.name for station in plan.stations]
    # Without any decoder there is no curve of RU to wait for.
    drawn = [method for method in LAYERWISE if question.decoders or not find_method(method).needs_decoder]
    rows = [LAYERWISE.index(method) for method in drawn]
    means, reached = found.means[rows], found.constraints[rows]
    unsure = uncertain(reached, np.zeros_like(reached), np.zeros(reached.shape, bool))
    titles, units = {method: title(method) for method in drawn}, [unit(method) for method in drawn]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("## From layer to layer")
        take_fairness(question, network, names, means, list(titles.values()), units, unsure)
    with st.container(horizontal=True, key="fair_curves"):
        with st.container():
            st.markdown("**Mean magnitude**, each method on its own scale", help=RAW)
            figure = magnitudes_figure(names, means, list(titles.values()), units, look(), unsure, question.layer)
            _chart(figure, "magnitudes", "Mean magnitude of each method over the layers, before and after")
        with st.container():
            st.markdown("**Relative to the first layer**, all on one scale", help=SHARE)
            figure = normalised_figure(names, means, titles, units, look(), unsure, question.layer)
            _chart(figure, "normalised", "Magnitudes relative to the first layer, before and after")
            st.caption(NOTE)
            if unsure.any():
                st.caption(f":material/help: {UNSURE_POINTS} What a rescaling does to them is exact all the same.")


def _chart(figure, name: str, alt: str) -> None:
    st.plotly_chart(
        figure, theme=None, key=f"figure_fair_{name}", config=PLAIN_CONFIG | {"displayModeBar": False}, alt=alt
    )
