"""Play: the maps of all layers one after the other, where the maps of one layer or of all stand else."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.explore.every_layer import status, watch
from app.explore.grid import caption
from app.explore.grid_choice import GridChoice, change, choice
from app.explore.take import line_of
from app.export.film import film_gif
from app.export.names import picture_part, stem
from app.export.record import Taken
from app.figures.ends import ENDS
from app.figures.enlarge import LARGER, enlarge
from app.figures.film import BELOW, film_figure, film_rule
from app.figures.style import PLAIN_CONFIG
from app.inputs.columns import Column
from app.jobs.backend import View
from app.parts.bound import switch
from app.parts.look import look
from app.parts.sparing import sparing
from app.parts.take_files import File, buttons, record
from explainers import CIDSettings
from explainers.methods.network_input import NetworkInput
from explainers.methods.registry import find_method
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

PLAY_HELP = (
    "One layer after the other in one place, in order of execution and on one scale: what is kept and what is thrown "
    "away is seen to change. Play, pause, or move the slider below."
)
GIF_HELP = "For slides: the maps of all layers one after the other, on one scale, as a picture that moves."
NONE_YET = "Nothing can be played before the maps of two layers are there."
# Pixels, so that all of it is seen on a screen of 900 with the controls above it; and its margin, since the player
# does not grow. The scale's words are as large as there is room for on a phone.
PRESENTED, PRESENTED_ABOVE, SCALE_WORDS = 584, 168, 13


def play_control(place: str) -> None:
    """Switches the player on and off; `place` tells its switches apart."""
    switch(f"w_play_{place}", "Play the layers", bool(choice().play), lambda on: change(play=int(on)), PLAY_HELP)


@dataclass(frozen=True)
class Scene:
    """What is played: maps of `metric` in all `layers` that have them; the film begins with the layer `marked`."""

    network: Network
    network_input: NetworkInput
    layers: tuple[Layer, ...]
    metric: str
    settings: CIDSettings
    marked: str


def scene(network: Network, network_input: NetworkInput, settings: CIDSettings, marked: str, metric: str) -> Scene:
    """That of a network and a picture."""
    layers = tuple(find_method(metric).layers(network))
    return Scene(network, network_input, layers, metric, settings, marked)


def film(scene: Scene, device: str) -> None:
    """The player, with what is missing of the layers."""
    if scene.layers:
        work = watch(scene.network_input, scene.network, scene.layers, scene.metric, scene.settings, scene.marked)

        def draw(views: list[View]) -> None:
            status(work, views)
            film_of(scene, sparing("film", whole=True).shown(views), device)

        work.draw(draw)


def film_of(scene: Scene, views: Sequence[View], device: str) -> None:
    """The player of the maps that are finished."""
    network, network_input = scene.network, scene.network_input
    there = [(layer, view) for layer, view in zip(scene.layers, views, strict=True) if view.state == "done"]
    if len(there) < 2:
        st.caption(NONE_YET)
        return
    names = [layer.name for layer, _ in there]
    method = find_method(scene.metric)
    figure = film_figure(
        names,
        [view.value.values for _, view in there],
        network_input.picture,
        method.fixed_scale(scene.settings),
        look(),
        [caption(view.value).partition("<br>")[0] for _, view in there],
        names.index(scene.marked) if scene.marked in names else 0,
        ENDS[scene.metric],
    )
    tall = film_rule()
    if choice().present:
        figure = enlarge(figure, height=PRESENTED).update_layout(margin_t=PRESENTED_ABOVE)
        figure.update_coloraxes(colorbar_title_font_size=SCALE_WORDS)
        tall = film_rule(PRESENTED_ABOVE, round(BELOW * LARGER), PRESENTED)
    with st.container(key="film_frame", gap=None):
        st.html(f"<style>.st-key-figure_film {{height:{tall}}}</style>")
        st.plotly_chart(
            figure,
            theme=None,
            key="figure_film",
            height="stretch",
            config=PLAIN_CONFIG | {"displayModeBar": False},
            alt=f"{network_input.title} and the maps of {len(names)} layers in nats, one after the other",
        )
    cells = [
        record(method, Column(layer.name, "", network, network_input, layer), view, 0, device) for layer, view in there
    ]  # fmt: skip
    ready = [cell for cell in cells if isinstance(cell, Taken)]
    name = stem(network.name, scene.metric, picture_part(network_input.key, network_input.title), "layers")
    line = line_of(method, ready, GridChoice(), scene.settings)
    buttons([File("gif", f"{name}.gif", lambda: film_gif(ready, line), GIF_HELP)], "film")
