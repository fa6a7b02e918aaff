"""The network as a picture above the maps, from which a layer, or the layers of the columns, are chosen.

On a narrow page the slider of the sidebar takes its place.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from app.address import selection
from app.figures.diagram import Known, colours, drawing, style
from app.figures.raster import palette
from app.figures.style import NATS_SCALE
from app.jobs.backend import Backend
from app.parts import watch
from app.parts.look import look
from app.sidebar.controls import LAYER, shape
from app.words import decimal
from explainers import CIDSettings
from explainers.cid.certainty import is_certain
from explainers.decoders.cards import find_decoder
from explainers.methods.entropies import CID_METHOD, CID_NAME
from explainers.methods.network_input import NetworkInput
from explainers.methods.request import Request
from explainers.networks.catalogue import Network

KEY = "network_diagram"
# Pixels of the page below which the slider is the better control.
ROOM = 1000
ONE_HELP = (
    "The layers in order of execution: the higher the box, the finer its resolution; the wider, the more channels. A "
    "click, or the arrow keys and Space, choose the layer that is shown."
)
SEVERAL_HELP = (
    "The layers in order of execution: the higher the box, the finer its resolution; the wider, the more channels. A "
    "click, or the arrow keys and Space, add a column to the grid or take it away."
)
Take = Callable[[tuple[str, ...]], object]


def diagram_control(
    backend: Backend, network: Network, network_input: NetworkInput | None, settings: CIDSettings,
    columns: Sequence[str] | None = None, take: Take | None = None, most: int = 1,
) -> None:  # fmt: skip
    """One layer is chosen; or with `columns` those that are columns now, of which `take` is told, at most so many.

    Without a `network_input` no layer has a colour.
    """
    drawn = backend.diagram(network)
    decoders = {layer.depth for layer in network.layers if find_decoder(network, layer)}
    limits = CID_METHOD.fixed_scale(settings) if network_input else None

    def paint() -> str:
        known = {} if network_input is None else means(backend, network, network_input, settings)
        return colours(KEY, known, drawing(drawn, known, decoders, limits, look()))

    several = columns is not None
    key = "w_diagram_columns" if several else "w_diagram"
    with st.container(key=KEY):
        painted = paint()
        # Beside its words the rules stand in this place of the page: those of a later place hold instead of them.
        words = _legend(limits, bool(drawn.skips or drawn.shortcuts), bool(decoders))
        st.html(words + style(KEY, drawn, look()) + painted + _either())
        st.session_state[key] = list(columns or ()) if several else selection.selection().layer
        st.pills(
            "Layers that are columns" if several else "Layer",
            [layer.name for layer in network.layers],
            format_func={layer.name: f"**{layer.name}** · {shape(layer)}" for layer in network.layers}.__getitem__,
            selection_mode="multi" if several else "single",
            key=key,
            on_change=_take_several if several else _take_one,
            args=(key, take, most) if several else (key,),
            label_visibility="collapsed",
            width="stretch",
            help=SEVERAL_HELP if several else ONE_HELP,
        )

    def paint_again() -> None:
        # Alone the rules would go to a place that belongs to the whole page.
        if (now := paint()) != painted:
            st.html(f'<i class="unseen"></i>{now}')

    if network_input is not None:
        watch.followed(paint_again)


def means(backend: Backend, network: Network, network_input: NetworkInput, settings: CIDSettings) -> dict[int, Known]:
    """By depth, the mean CID of the layers whose map is kept; nothing is computed for it."""
    found: dict[int, Known] = {}
    for layer in network.layers:
        request: Request = network_input.request(network, layer, CID_NAME, settings)
        view = backend.ask(request, selection.owner("diagram"), start=False)
        if view.state == "done":
            found[layer.depth] = Known(float(view.value.mean[0]), is_certain(view.value.numbers))
    return found


def _either() -> str:
    """Shows the diagram where there is room for it, else the slider."""
    return (
        f"<style>@media (min-width:{ROOM}px) {{.st-key-{LAYER} {{display:none}}}}"
        f"@media (max-width:{ROOM - 1}px) {{.st-key-{KEY} {{display:none}}}}</style>"
    )


def _legend(limits: tuple[float, float] | None, bridges: bool, decoders: bool) -> str:
    """How the picture is to be read, in a line; the scale is that of the maps, None where nothing has a colour."""
    words = [
        "Height: resolution. Width: channels.",
        "" if limits is None else _scale_words(limits),
        "Arcs: skips." if bridges else "",
        "Dot: has a decoder for RU." if decoders else "",
    ]
    return f'<div style="font-size:13px; opacity:.8">{" ".join(filter(None, words))}</div>'


def _scale_words(limits: tuple[float, float]) -> str:
    colours = ", ".join("rgb({},{},{})".format(*palette(NATS_SCALE)[at].tolist()) for at in range(0, 256, 51))
    bar = (
        f'<span style="display:inline-block; width:90px; height:9px; margin:0 6px; border-radius:2px; '
        f'background:linear-gradient(90deg, {colours})"></span>'
    )
    low, high = (decimal(end, 1) for end in limits)
    return f"Colour: mean CID, kept {low}{bar}{high} nats thrown away; dashed: not known."


def _take_one(key: str) -> None:
    # A second click on the chosen layer would take it away; it stays.
    if (name := st.session_state[key]) is not None:
        selection.change(layer=name)


def _take_several(key: str, take: Take, most: int) -> None:
    names = tuple(st.session_state[key])
    if len(names) > most:
        st.toast(f"There is room for {most} columns: take one away first.", icon=":material/view_column:")
        return
    take(names)
