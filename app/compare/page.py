"""Compare: two networks before one picture, or one before and after compression, layer by layer."""

import streamlit as st

from app.address import selection
from app.address.links import clause
from app.address.worlds import strange
from app.compare import look as compare_look
from app.compare.choice import change, choice
from app.compare.controls import (
    metric_control,
    networks_control,
    other,
    partner_control,
    scale_control,
    show,
    suggested,
    title,
    weights_control,
)
from app.compare.layers import layers
from app.compare.maps import maps
from app.compare.notes import notes
from app.compare.pairs import common_settings
from app.compare.scene import Scene, Side
from app.figures.predictions import prediction_figure
from app.figures.style import PLAIN_CONFIG
from app.inputs.pictures import PictureGoneError
from app.inputs.sentences import sentence
from app.jobs.backend import Backend, the_backend
from app.parts import given_back, link_notice, look, ways
from app.parts.network_status import network_or_status, selected_network
from app.parts.strange import warn
from app.sidebar import controls
from app.sidebar.diagram import diagram_control
from app.sidebar.picture import picture_control
from app.sidebar.settings import SETTINGS, settings_control
from explainers import CIDSettings
from explainers.networks.catalogue import Network

INTRODUCTION = (
    "Two networks, or one before and after it was made smaller, look at one picture. Where does the second throw away "
    "more of it, where less, and from which layer on?"
)
ANSWERS = (
    "What each network finds likeliest in the picture; of a segmentation, the share of the pixels of each class; of an "
    "auto-encoder, the picture that it gives back."
)


def page() -> None:
    """Sidebar -> two networks, a picture, a pair of layers; maps, difference, answers, curves."""
    ways.follow()
    backend = the_backend()
    look.apply()
    compare_look.apply()
    link_notice.check("compare", backend, choice().texts())
    with st.sidebar:
        networks_control(backend)
        weights_control(backend)
        picture_control(backend)
    st.title("What differs between two networks?", anchor=False)
    st.markdown(INTRODUCTION)
    notice = st.empty()
    selection.write_address(choice().to_query(selection.selection().layer))
    found = _networks(backend)
    if found is None:
        link_notice.draw(notice)
        return
    try:
        scene = _scene(backend, *found)
    except PictureGoneError as error:
        st.warning(sentence(error), icon=":material/image_not_supported:")
        return
    selection.write_address(choice().to_query(selection.selection().layer))
    link_notice.draw(notice, (selection.selection(), choice()))
    warn(selection.selection().picture, scene.a.network, scene.b.network)
    for text in notes(scene):
        st.caption(f":material/info: {text}")
    diagram_control(backend, scene.a.network, scene.a.network_input, scene.a.settings)
    with st.container(horizontal=True, key="choices_compare"):
        metric_control()
        scale_control()
    maps(backend, scene)
    _answers(backend, scene)
    layers(backend, scene)


def _networks(backend: Backend) -> tuple[Network, Network] | None:
    """Both networks; None, with the reason drawn, while one of them is not here."""

    def back() -> None:
        show("b", suggested(selection.selection().network))

    a = selected_network(backend)
    b = network_or_status(backend, other(), "compare other", "load_other", back, "Another network B")
    return None if a is None or b is None else (a, b)


def _scene(backend: Backend, a: Network, b: Network) -> Scene:
    """What is compared. Raises PictureGoneError, one sentence."""
    now = selection.selection()
    names = title(a, now.network), title(b, other())
    network_inputs = backend.network_input(a, now.picture), backend.network_input(b, now.picture)
    _check_link(a, b, network_inputs[0].size)
    with st.sidebar:
        layer = controls.layer_control(a)
        matched = partner_control(layer, a, b)
        settings_control(network_inputs[0].size)
    chosen = selection.selection()
    settings = CIDSettings(**{name: getattr(chosen, name) for name in SETTINGS})
    settings = common_settings(settings, network_inputs[0].size[0], network_inputs[1].size[0])
    first, second = (
        Side(letter, name, network, network_input, settings)
        for letter, name, network, network_input in zip("AB", names, (a, b), network_inputs, strict=True)
    )
    return Scene(first, second, matched, choice().metric, choice().scale)


def _check_link(a: Network, b: Network, size: tuple[int, int]) -> None:
    """Leaves out what the link asks for and these two networks do not have."""
    link_notice.check_network("compare", a, size)
    partner = choice().partner
    if partner is not None and partner not in {layer.name for layer in b.layers}:
        link_notice.blame(clause("compare", "partner", partner))
        change(partner=None, of=None)


def _answers(backend: Backend, scene: Scene) -> None:
    st.markdown("**What the networks answer**", help=ANSWERS)
    with st.container(horizontal=True, key="answers_compare"):
        for side in (scene.a, scene.b):
            key = f"compare_answers_{side.letter.lower()}"
            with st.container():
                st.markdown(f"{side.letter} · {side.title}")
                if side.network.reconstructs:
                    given_back.draw(backend, side.network, side.network_input, key)
                    continue
                top = backend.predictions(side.network, side.network_input)
                quantity = "share of the pixels" if side.network.segments else "probability"
                st.plotly_chart(
                    prediction_figure(top, look.look(), quantity, bool(strange(side.network_input.key, side.network))),
                    theme=None,
                    key=f"figure_{key}",
                    config=PLAIN_CONFIG | {"displayModeBar": False},
                    alt=f"Likeliest classes of {side.letter}: " + ", ".join(f"{name} {p:.0%}" for name, p in top),
                )
