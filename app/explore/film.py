"""Play: the maps of all layers one after the other, where the maps of one layer or of all stand else."""

from collections.abc import Sequence

import streamlit as st

from app.explore.every_layer import status, watch
from app.explore.grid import caption
from app.explore.grid_choice import GridChoice, change, choice
from app.explore.take import line_of
from app.export.film import film_gif
from app.export.names import picture_part, stem
from app.export.record import Taken
from app.figures.ends import ENDS
from app.figures.enlarge import enlarge
from app.figures.film import film_figure
from app.figures.style import PLAIN_CONFIG
from app.inputs.columns import Column
from app.inputs.network_input import Subject
from app.jobs.backend import View
from app.parts.bound import switch
from app.parts.look import look
from app.parts.sparing import sparing
from app.parts.take_files import File, buttons, record
from app.parts.watch import Watch
from explainers import CIDSettings
from explainers.methods.registry import find_method
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

PLAY_HELP = (
    "One layer after the other in one place, in order of execution and on one scale: what is kept and what is thrown "
    "away is seen to change. Play, pause, or move the slider below."
)
GIF_HELP = "For slides: the maps of all layers one after the other, on one scale, as a picture that moves."
NONE_YET = "Nothing can be played before the maps of two layers are there."
PRESENTED = 640


def play_control(place: str) -> None:
    """Switches the player on and off; `place` tells its switches apart."""
    switch(f"w_play_{place}", "Play the layers", bool(choice().play), lambda on: change(play=int(on)), PLAY_HELP)


def film(network: Network, subject: Subject, settings: CIDSettings, marked: str, metric: str, device: str) -> None:
    """The player, with what is missing of the layers; it begins with the layer `marked`."""
    layers = [layer for layer in network.layers if not find_method(metric).refuse(network, layer)]
    if layers:
        work = watch(subject, network, layers, metric, settings)
        work.draw(lambda views: _draw(work, views, layers, network, subject, settings, marked, metric, device))


def _draw(
    work: Watch,
    views: list[View],
    layers: Sequence[Layer],
    network: Network,
    subject: Subject,
    settings: CIDSettings,
    marked: str,
    metric: str,
    device: str,
) -> None:
    status(work, views)
    film_of(layers, sparing("film").shown(views), network, subject, settings, marked, metric, device)


def film_of(
    layers: Sequence[Layer],
    views: Sequence[View],
    network: Network,
    subject: Subject,
    settings: CIDSettings,
    marked: str,
    metric: str,
    device: str,
) -> None:
    """The player of the maps that are finished."""
    there = [(layer, view) for layer, view in zip(layers, views, strict=True) if view.state == "done"]
    if len(there) < 2:
        st.caption(NONE_YET)
        return
    names = [layer.name for layer, _ in there]
    method = find_method(metric)
    figure = film_figure(
        names,
        [view.value.values for _, view in there],
        subject.picture,
        method.fixed_scale(settings),
        look(),
        [caption(view.value).partition("<br>")[0] for _, view in there],
        names.index(marked) if marked in names else 0,
        ENDS[metric],
    )
    st.plotly_chart(
        enlarge(figure, height=PRESENTED) if choice().present else figure,
        theme=None,
        key="figure_film",
        config=PLAIN_CONFIG | {"displayModeBar": False},
        alt=f"{subject.title} and the maps of {len(names)} layers in nats, one after the other",
    )
    cells = [
        record(method, Column(layer.name, "", network, subject, layer), view, 0, device) for layer, view in there
    ]  # fmt: skip
    ready = [cell for cell in cells if isinstance(cell, Taken)]
    name = stem(network.name, metric, picture_part(subject.key, subject.title), "layers")
    line = line_of(method, ready, GridChoice(), settings)
    buttons([File("gif", f"{name}.gif", lambda: film_gif(ready, line), GIF_HELP)], "film")
