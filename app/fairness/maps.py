"""For each method the maps before and after on one scale, or the reason why there is none."""

import math
from collections.abc import Collection

import numpy as np
import streamlit as st

from app.address import selection
from app.figures.ends import ENDS
from app.figures.fairness import map_limits, triple_figure
from app.figures.style import PLAIN_CONFIG
from app.parts import ways
from app.parts.look import look
from app.words import factor, number, part
from explainers.cid.certainty import is_certain
from explainers.fairness.check import Check
from explainers.fairness.maps import METHODS, Question
from explainers.methods.entropies import CID_NAME, RU_NAME
from explainers.methods.registry import find_method

TRAIN_HELP = "Leads to Explore, One layer, where a decoder is trained on the spot."
WITHIN = (
    "Decoders are trained for the layers of Explore; {} lies within one of them. Another layer can be looked at above."
)
SENTENCES = {
    CID_NAME: "How much noise each pixel can bear before the layer's feature moves by a fixed share of its "
    "sensitivity. Closed form of this page, with few probes; the Explore page refines it.",
    RU_NAME: "How badly a decoder recovers each pixel from the layer's feature, under the same noise. Where a "
    "rescaling divides the feature f by c, the decoder is given c · f, so that it sees what it was trained on: the "
    "decoder of the rescaled network is g(c · f), the one that training on its features would find. Closed form, "
    "few samples.",
}
HEADING = (
    "Three maps of one picture by one method, on one scale: the network as it is, the same function with "
    "rescaled pairs, and the network with its last layer multiplied by c. Hover for the value of a pixel."
)
UNSURE = (
    "Uncertain in nats: the noise of this closed form moves the feature {} times as far as it may. Before and after "
    "may be compared all the same."
)
FACTORS = "Behind the name: by which factor the map moves when pairs are rescaled, and when the output is."


def title(method: str) -> str:
    return find_method(method).title


def unit(method: str) -> str:
    return find_method(method).unit


def maps(found: Check, question: Question, layers: Collection[str], note: str = "") -> None:
    """One card per method, in the order of the table below; `note` stands in the frames of maps that are not there.

    `layers` are those of Explore, for which a decoder can be trained; others lie within one of them.
    """
    st.markdown(f"## Maps at {question.layer}, before and after", help=HEADING)
    with st.container(horizontal=True, key="fair_maps"):
        for place, method in enumerate(METHODS):
            with st.container(key=f"fair_card_{method}"):
                _card(found, place, method, question, layers, note)


def _way_to_decoder(layer: str, layers: Collection[str]) -> None:
    """Where one is trained, or why none can be."""
    if layer in layers:
        st.button(
            f"Train a decoder for {layer}", key="fair_train", on_click=_to_decoder, args=(layer,), help=TRAIN_HELP
        )
    else:
        st.caption(WITHIN.format(layer))


def _to_decoder(layer: str) -> None:
    selection.change(layer=layer)
    ways.send("explore", view="layer", metric=RU_NAME)


def _card(found: Check, place: int, method: str, question: Question, layers: Collection[str], note: str) -> None:
    kind = find_method(method)
    sentence = SENTENCES.get(method, kind.sentence)
    st.markdown(f"**{title(method)}**" + _factors(found, place, question), help=f"{sentence} {FACTORS}")
    if found.reasons[place]:
        st.caption(f":material/block: Not here: {found.reasons[place]}.")
        if kind.needs_decoder:
            _way_to_decoder(question.layer, layers)
        return
    reached = float(found.reached[place, 0])
    if not is_certain({"constraint": reached, "converged": math.isnan(reached)}):
        st.caption(f":material/help: {UNSURE.format(number(reached))}")
    values = found.maps_of(method)
    limits = kind.fixed_scale(question.settings) if kind.entropy else map_limits(values, kind.signed)
    columns = 3 if found.proof.scaled_gap is not None else 2
    titles = ("before", "after", f"output × {part(question.c)}")
    figure = triple_figure(
        values[:columns], titles[:columns], unit(method), limits, look(), kind.signed, ENDS.get(method), note
    )
    st.plotly_chart(
        figure,
        theme=None,
        key=f"figure_fair_{method}",
        config=PLAIN_CONFIG | {"displayModeBar": False},
        alt=f"{title(method)} of {question.layer} before, after and with scaled output, on one scale",
    )


def _factors(found: Check, place: int, question: Question) -> str:
    pair, output = found.factors[place]
    if np.isnan(pair) or (question.next_bias and found.proof.change > 0):
        return ""
    return f" · pairs {factor(pair, 3)}" + ("" if np.isnan(output) else f" · output {factor(output, 3)}")
