"""Evaluate: which method's maps find what the network needs, and what a person would point at."""

from functools import partial

import streamlit as st

from app.address import selection
from app.evaluate.checks import draw_randomisation, draw_stability
from app.evaluate.choice import (
    check_link,
    choice,
    data_control,
    methods_control,
    removal_control,
    way_control,
)
from app.evaluate.run import judged
from app.evaluate.scores import draw_scores
from app.jobs.backend import the_backend
from app.parts import link_notice, progress
from app.parts.look import apply
from app.parts.network_status import selected_network
from app.sidebar import controls
from app.sidebar.diagram import diagram_control
from explainers import CIDSettings
from explainers.evaluation.methods import late_layer

DRAW = {"scores": draw_scores, "randomisation": draw_randomisation, "stability": draw_stability}
LEAD = (
    "Scores over many pictures. Do maps find the pixels that the network needs, and those that a person would point "
    "at? Do they depend on what the network has learnt, and stay when the picture hardly changes?"
)

PIXELS = (
    "Both scores ask for one answer to a picture and one subject in it. This network gives every pixel an answer of "
    "its own, so they do not apply; choose a network that classifies pictures."
)
PICTURES = (
    "Both scores ask for one answer to a picture. This network gives the picture back, so they do not apply; choose a "
    "network that classifies pictures."
)


def page() -> None:
    """Sidebar -> what is to be judged -> scores."""
    backend = the_backend()
    apply()
    link_notice.check("evaluate", backend, choice().texts())
    check_link()
    with st.sidebar:
        controls.network_control()
        note = st.container()
    st.title("Which maps can be trusted?", anchor=False)
    notice = st.empty()
    st.markdown(LEAD)
    selection.write_address(choice().to_query())
    network = selected_network(backend)
    if network is None:
        link_notice.draw(notice)
        return
    link_notice.check_network("evaluate", network, network.input_size)
    if selection.selection().layer is None and not network.segments:
        selection.change(layer=late_layer(network).name)
    selection.write_address(choice().to_query())
    link_notice.draw(notice, (selection.selection(), choice()))
    with note:
        controls.network_note(network)
    if network.segments:
        progress.ended(PICTURES if network.reconstructs else PIXELS, "grid_on", "evaluate")
        return
    with st.sidebar:
        layer = controls.layer_control(network)
        data = data_control()
        removal_control()
    diagram_control(backend, network, None, CIDSettings())
    methods_control()
    way_control()
    chosen, solver = choice(), selection.selection()
    if data is None:
        progress.ended("Choose your pictures on the left, or the rendered birds.", "add_photo_alternate", "evaluate")
        return
    ways = chosen.settings(solver.beta, solver.seed)
    draw = partial(DRAW[chosen.way], network=network, layer=layer, data=data, settings=ways[chosen.way])
    judged(backend, network, layer, chosen.methods, data, ways, chosen.way, draw)
