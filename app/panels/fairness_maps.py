"""For each method the maps before and after on one scale, or the reason why there is none."""

import numpy as np
import streamlit as st

from app.fairness import METHODS, Check, Question
from app.figures.fairness import map_limits, triple_figure
from app.figures.style import PLAIN_CONFIG
from app.look import look
from app.panels.fairness_controls import fraction
from app.panels.fairness_theory import written
from explainers import absolute_range

# Names of the table of baselines are read only once a map is there: its module takes a second to import.
CID_TITLE, CID_UNIT = "CID", "nats"
CID_SENTENCE = (
    "How much noise each pixel can bear before the layer's feature moves by a fixed share of its sensitivity. Closed "
    "form of this page, with few probes; the Explore page refines it."
)
HEADING = (
    "Three maps of one picture by one method, on one scale: the network as it is, the same function with "
    "rescaled pairs, and the network with its last layer multiplied by c. Hover for the value of a pixel."
)


def title(method: str) -> str:
    return CID_TITLE if method == "cid" else _record(method).title


def unit(method: str) -> str:
    return CID_UNIT if method == "cid" else _record(method).unit


def maps(found: Check, question: Question) -> None:
    """One card per method, in the order of the table below."""
    st.markdown(f"#### Maps at {question.layer}, before and after", help=HEADING)
    with st.container(horizontal=True, key="fair_maps"):
        for place, method in enumerate(METHODS):
            with st.container(key=f"fair_card_{method}"):
                _card(found, place, method, question)


def _card(found: Check, place: int, method: str, question: Question) -> None:
    sentence = CID_SENTENCE if method == "cid" else _record(method).sentence
    st.markdown(f"**{title(method)}**" + _factors(found, place), help=sentence)
    if found.reasons[place]:
        st.caption(f":material/block: Not here: {found.reasons[place]}.")
        return
    values = found.maps_of(method)
    signed = method != "cid" and _record(method).signed
    limits = absolute_range(question.beta) if method == "cid" else map_limits(values, signed)
    columns = 3 if found.proof.scaled_gap is not None else 2
    titles = ("before", "after", f"output × {fraction(question.c)}")
    figure = triple_figure(values[:columns], titles[:columns], unit(method), limits, look(), signed, method == "cid")
    st.plotly_chart(
        figure,
        theme=None,
        key=f"figure_fair_{method}",
        config=PLAIN_CONFIG | {"displayModeBar": False},
        alt=f"{title(method)} of {question.layer} before, after and with scaled output, on one scale",
    )


def _factors(found: Check, place: int) -> str:
    pair, output = found.factors[place]
    if np.isnan(pair):
        return ""
    return f" · pairs {written(pair, 3)}" + ("" if np.isnan(output) else f" · output {written(output, 3)}")


def _record(method: str):
    from explainers.baselines import METHODS as RECORDS

    return RECORDS[method]
