"""Rescaling test: the same function with other weights, and which maps notice."""

from dataclasses import replace

import streamlit as st

from app.address import selection
from app.fairness import look as fairness_look
from app.fairness.controls import check_link, choice, question_control, write_address
from app.fairness.curves import curves
from app.fairness.maps import maps
from app.fairness.progress import absent, status
from app.fairness.proof import proof
from app.fairness.table import pairs_not_allowed, table
from app.inputs.pictures import PictureGoneError
from app.inputs.sentences import sentence
from app.jobs.backend import View, the_backend
from app.parts import link_notice, look, ways
from app.parts.network_status import selected_network
from app.parts.strange import warn
from app.parts.watch import Asked, Watch
from app.sidebar import controls
from app.sidebar.picture import picture_control
from explainers.fairness.check import Check
from explainers.fairness.maps import Question, station_decoders
from explainers.fairness.plan import Plan
from explainers.fairness.request import FairnessRequest
from explainers.networks.catalogue import Network

INTRODUCTION = (
    "The same network can be written with other numbers: divide one layer's weights by c and multiply the next layer's "
    "by c, and every answer stays as it was. A measure that is to be compared between layers must not notice. Here is "
    "which ones do."
)


def page() -> None:
    """Sidebar -> selection; one row of choices -> question; proof, maps, table, curves."""
    backend = the_backend()
    look.apply()
    fairness_look.apply()
    link_notice.check("fairness", backend, choice().texts())
    with st.sidebar:
        controls.network_control()
        note = st.container()
        picture_control(backend)
    st.title("Which maps may be compared between layers?", anchor=False)
    notice = st.empty()
    write_address()
    network = selected_network(backend)
    if network is None:
        link_notice.draw(notice)
        return
    try:
        network_input = backend.network_input(network, selection.selection().picture)
    except PictureGoneError as error:
        st.warning(sentence(error), icon=":material/image_not_supported:")
        return
    with note:
        controls.network_note(network)
    warn(selection.selection().picture, network)
    st.markdown(INTRODUCTION)
    plan = backend.plan(network)
    link_notice.check_network("fairness", network, network_input.size)
    check_link(plan)
    write_address()
    link_notice.draw(notice, (selection.selection(), choice()))
    if not plan.allowed:
        st.info("No two neighbouring layers of this network may be rescaled against each other.")
        pairs_not_allowed(plan)
        return
    decoders = station_decoders(network, plan)
    question = replace(question_control(plan, decoders), decoders=tuple(card.key for card in decoders.values()))
    request = FairnessRequest(network, plan, network_input.x, network_input.digest, question)
    work = Watch("fairness", lambda: [Asked(request)], "fair")
    work.release()

    def draw(views: list[View]) -> None:
        (view,) = views
        ways.follow()
        status(work, view)
        if view.value is not None:
            _results(view.value, plan, question, network, absent(view))

    work.draw(draw)
    pairs_not_allowed(plan)


def _results(found: Check, plan: Plan, question: Question, network: Network, words: str) -> None:
    proof(found, plan, question, network.reconstructs)
    maps(found, question, {layer.name for layer in network.layers}, words)
    table(found, plan, question)
    curves(found, plan, question, network.title)
