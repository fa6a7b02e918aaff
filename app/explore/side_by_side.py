"""Side by side: the choices, the columns that they mean, and the grid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st
from PIL import Image

from app.address import selection
from app.explore.closer import closer
from app.explore.grid import grid, to_decoder
from app.explore.grid_choice import MOST_COLUMNS, MOST_NETWORKS, choice
from app.explore.grid_controls import colours_control, columns_control, methods_control, scale_control, target_control
from app.explore.pixel import pixel_curve, pixel_probe
from app.figures.raster import data_address
from app.inputs.columns import Column, counterpart, known_layers
from app.inputs.pictures import SOURCES, PictureGoneError, gallery
from app.inputs.sentences import sentence
from app.jobs.backend import Backend, networks
from app.parts.own_networks import own_here
from app.parts.strange import answered
from app.parts.uploads import uploads
from app.sidebar.controls import shape
from explainers import CIDSettings
from explainers.methods.entropies import ENTROPIES
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

PICTURE = 112
ANSWERS = "What the network finds likeliest in this picture, and how sure it is. The other answers: in One layer."
GIVEN_BACK = "Which picture, and how far it is off: in One layer."
SUGGESTED_PICTURES, SUGGESTED_NETWORKS = 3, 2
ON_ITS_WAY = "{} is being loaded."


@dataclass(frozen=True)
class Scene:
    """What the sidebar has chosen."""

    network: Network
    network_input: NetworkInput
    layer: Layer


def side_by_side(backend: Backend, scene: Scene, settings: CIDSettings) -> None:
    """Controls above, the grid below."""
    pictures, others = _picture_titles(backend), _network_titles(backend)
    options = {"layers": [layer.name for layer in scene.network.layers], "pictures": [*pictures], "networks": [*others]}
    shown = _shown(scene, options)
    top = backend.predictions(scene.network, scene.network_input)
    with st.container(horizontal=True, key="grid_head"):
        _picture(scene, top)
        with st.container():
            with st.container(horizontal=True, vertical_alignment="bottom", key="grid_choices"):
                methods_control()
                columns_control(options, shown, pictures | others)
            with st.container(horizontal=True, vertical_alignment="bottom", key="grid_style"):
                scale_control()
                target_control(scene.network.classes, top, channels=scene.network.reconstructs)
                colours_control()

    def build() -> tuple[list[Column], list[str]]:
        return _columns(backend, scene, shown)

    size = scene.network_input.size
    if choice().across == "networks" and (columns := build()[0]):
        # All maps are drawn in the frame of the first.
        size = columns[0].network_input.size
    pixel_probe(size, to_decoder)

    def below() -> None:
        if choice().across != "pictures":
            for metric in (name for name in ENTROPIES if name in choice().methods):
                pixel_curve(scene.network, scene.network_input, metric, settings, scene.layer.name)

    grid(backend, build, choice(), settings, below)
    closer(backend, build, settings)


def _picture(scene: Scene, top: Sequence[tuple[str, float]]) -> None:
    """The picture as the network sees it, and what the network answers."""
    network_input = scene.network_input
    address = data_address(Image.fromarray(network_input.picture), "JPEG", quality=88)
    answer, share = top[0]
    # Columns that are pictures show others than this one.
    marked = "" if choice().across == "pictures" else "probed-picture"
    with st.container(width=PICTURE + 8, key="grid_picture"):
        st.html(
            f'<span class="{marked}"><img src="{address}" width="{PICTURE}" height="{PICTURE}" '
            f'style="border-radius:6px" alt="{escape(network_input.title)}, as the network sees it"></span>'
        )
        words = answered(network_input.key, scene.network, answer, share)
        st.caption(words, help=GIVEN_BACK if scene.network.reconstructs else ANSWERS)


def _picture_titles(backend: Backend) -> dict[str, str]:
    titles = {key: title for source in SOURCES if source != "upload" for key, title in gallery(source).items()}
    mine = {key: backend.uploaded(key) for key in uploads()}
    return titles | {key: picture.title for key, picture in mine.items() if picture}


def _network_titles(backend: Backend) -> dict[str, str]:
    """Those that need no download; one's own while they are kept."""
    here = [entry for entry in networks() if entry.available or backend.has_network(entry.name)]
    return own_here(backend) | {entry.name: entry.title for entry in here}


def _shown(scene: Scene, options: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What the columns are, as chosen or as suggested."""
    now, chosen = selection.selection(), choice()
    if chosen.across == "layers":
        return tuple(layer.name for layer in known_layers(scene.network, chosen.layers))[:MOST_COLUMNS]
    if chosen.across == "pictures":
        alike = [key for key in options["pictures"] if key.partition("/")[0] == now.picture.partition("/")[0]]
        suggested = tuple(dict.fromkeys([now.picture, *alike]))[:SUGGESTED_PICTURES]
        return chosen.pictures[:MOST_COLUMNS] or suggested
    known = tuple(name for name in chosen.networks if name in options["networks"])
    return known[:MOST_NETWORKS] or tuple(dict.fromkeys([now.network, *options["networks"]]))[:SUGGESTED_NETWORKS]


def _columns(backend: Backend, scene: Scene, shown: Sequence[str]) -> tuple[list[Column], list[str]]:
    """The columns that are there, and a sentence on each that is not (yet)."""
    across, target = choice().across, choice().target
    if across == "layers":
        layers = [scene.network.layer(name) for name in shown]
        return [Column(one.name, shape(one), scene.network, scene.network_input, one, target) for one in layers], []
    make = _of_picture if across == "pictures" else _of_network
    columns, missing = [], []
    for item in shown:
        found = make(backend, scene, item)
        (missing if isinstance(found, str) else columns).append(found)
    return columns, missing


def _of_picture(backend: Backend, scene: Scene, key: str) -> Column | str:
    try:
        network_input = backend.network_input(scene.network, key)
    except PictureGoneError as error:
        return sentence(error)
    (answer, share), *_ = backend.predictions(scene.network, network_input, 1)
    return Column(
        network_input.title,
        answered(key, scene.network, answer, share),
        scene.network,
        network_input,
        scene.layer,
        choice().target,
    )


def _of_network(backend: Backend, scene: Scene, name: str) -> Column | str:
    view = backend.network(name, selection.owner(f"network {name}"))
    if view.state != "done":
        return (
            view.message
            if view.message and not view.live
            else ON_ITS_WAY.format(_network_titles(backend).get(name, name))
        )
    network = view.value
    try:
        network_input = backend.network_input(network, selection.selection().picture)
    except PictureGoneError as error:
        return sentence(error)
    layer = counterpart(scene.layer, scene.network, network)
    # A class's number means something else to a network with other classes.
    target = choice().target if network.classes == scene.network.classes else None
    return Column(network.title.split(",")[0], f"{layer.name} · {shape(layer)}", network, network_input, layer, target)
