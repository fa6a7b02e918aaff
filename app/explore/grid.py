"""Side by side: asks for every map of the grid, a preview of all before any is finished, and draws what is there."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st
from PIL import Image

from app.address import selection
from app.explore.grid_choice import GridChoice, change
from app.explore.row_names import row_name, row_names
from app.explore.take import take_grid
from app.figures.ends import ENDS
from app.figures.grid import LEFT, Cell, Head, Row, Style, grid_figure, height_rule, least_width
from app.figures.means import mean_words
from app.figures.raster import data_address, grey
from app.inputs.columns import Column, fitting
from app.jobs.backend import Backend, View
from app.parts import take_files
from app.parts.arriving import arriving
from app.parts.look import look
from app.parts.previews import how_wrong, preview_mean
from app.parts.sideways import more_beyond
from app.parts.sparing import sparing
from app.parts.turns import previews_first
from app.parts.watch import OPEN, Asked, Watch, page_changed
from app.words import NONE, decimal, duration, number, passes
from explainers import CIDSettings
from explainers.cid.certainty import is_certain
from explainers.methods.entropies import RU_NAME
from explainers.methods.method import MapMethod, MapResult
from explainers.methods.registry import methods

TRAIN_HELP = "Leads to One layer, where a decoder is trained on the spot, on rendered birds or on pictures of yours."
# Of a method that does not look at layers: the second cell says why there is no map, those behind it are quiet.
SAME = View("", "same", message=take_files.SAME)
AGAIN, LOADING = View("", "same", message=NONE), View("", "loading")


def grid(
    backend: Backend,
    build: Callable[[], tuple[list[Column], list[str]]],
    chosen: GridChoice,
    settings: CIDSettings,
    below: Callable[[], object],
) -> None:
    """Rows are methods in the order of the list of methods; polls only while something is being computed.

    `build` gives the columns that are there, and sentences on those that are not; `below()` draws what belongs under
    the maps.
    """
    rows = [method for name, method in methods().items() if name in chosen.methods]
    if not rows:
        st.info("No method is chosen. Open **Methods** above and choose at least one.", icon=":material/grid_off:")
        return
    columns: list[Column] = []
    missing: list[str] = []

    def asked() -> list[Asked | View]:
        nonlocal columns, missing
        columns, missing = build()
        cells = [
            (AGAIN if place > 1 else SAME)
            if _repeats(method, place, chosen)
            else _asked(method, column, fitting(settings, column))
            for method in rows
            for place, column in enumerate(columns)
        ]
        return cells + [LOADING for text in missing if "being loaded" in text]

    work = Watch("grid", asked, "grid")
    work.release()

    def split(views: list[View]) -> list[list[View]]:
        return [views[start : start + len(columns)] for start in range(0, len(rows) * len(columns), len(columns))]

    def draw(views: list[View]) -> None:
        lines = split(views)
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container():
                _status(work, views)
            take_grid(rows, columns, lines, chosen, settings, backend)
        for text in missing:
            st.caption(f":material/info: {text}")
        if columns:
            _figure(rows, columns, split(sparing("grid").shown(views)), chosen, settings)
            _decoders(rows, columns, lines)
            below()

    work.draw(draw)


def _repeats(method: MapMethod, place: int, chosen: GridChoice) -> bool:
    """Whether the cell would repeat the first of its row: the method does not look at layers."""
    return place > 0 and chosen.across == "layers" and not method.uses_layer


def _asked(method: MapMethod, column: Column, settings: CIDSettings) -> Asked:
    target = column.target if method.needs_target else None
    request = column.network_input.request(column.network, column.layer, method.name, settings, target)
    chosen = column.layer.name == selection.selection().layer
    return Asked(request, turn(method, request.cost, column.layer.depth, chosen))


def turn(method: MapMethod, cost: int, depth: int, chosen: bool) -> tuple[int, ...]:
    """Where a map stands among those of the grid: cheap ones first, then a preview of all others, the deepest first,
    and only then what is left of them, the chosen layer's first."""
    return previews_first(depth, chosen) if method.entropy else (0, cost)


def _status(work: Watch, views: Sequence[View]) -> None:
    wanted = [view for view in views if view.state in OPEN]
    ready, count = sum(view.state == "done" for view in wanted), len(wanted)
    done = {0: "No map exists here.", 1: "The map is ready."}.get(count, f"All {count} maps are ready.")
    cancelled = f"Cancelled: {ready} of {count} maps are ready."
    work.status(wanted, f"{ready} of {count} maps ready", done, cancelled)


def _figure(
    rows: Sequence[MapMethod],
    columns: Sequence[Column],
    views: list[list[View]],
    chosen: GridChoice,
    settings: CIDSettings,
) -> None:
    mixed = chosen.opacity < 100
    heads = [
        Head(c.title, c.subtitle, c.layer.name, _address(c.network_input.picture, mixed), c.network_input.size)
        for c in columns
    ]
    drawn = [
        Row(
            method.title,
            method.sentence,
            method.unit,
            method.signed,
            tuple(_cell(method, view, column) for view, column in zip(line, columns, strict=True)),
            method.scale and method.scale(settings),
            ENDS.get(method.name),
        )
        for method, line in zip(rows, views, strict=True)
    ]
    style = Style(chosen.scale == "own", chosen.opacity / 100, chosen.colours, chosen.signed_colours)
    with st.container(key="grid_frame", gap=None):
        # On a narrow page the grid is scrolled sideways rather than squeezed until its captions overlap.
        least, tall = least_width(len(columns)), height_rule(len(rows), len(columns))
        st.html(f"<style>.st-key-figure_grid {{min-width:{least}px; height:{tall}}}</style>")
        more = more_beyond(least, tall, LEFT - 4)
        st.html(row_names([row_name(row, style) for row in drawn], len(columns)) + more)
        alt = f"Maps by {', '.join(row.title for row in drawn)} for {', '.join(head.title for head in heads)}"
        arriving("grid", partial(grid_figure, drawn, heads, style, look()), alt, "stretch")


def _decoders(rows: Sequence[MapMethod], columns: Sequence[Column], views: list[list[View]]) -> None:
    """A way to a decoder for each layer of the network on the left that RU lacks one of."""
    here = selection.selection().network
    lacking = {
        column.layer.name
        for method, line in zip(rows, views, strict=True)
        for column, view in zip(columns, line, strict=True)
        if _undecoded(method, column, view) and column.network.name == here
    }
    with st.container(horizontal=True, key="grid_decoders"):
        for name in sorted(lacking):
            label = f"Train a decoder for {name}"
            st.button(
                label, key=f"train_{name}", icon=":material/model_training:", on_click=to_decoder, args=(name,),
                help=TRAIN_HELP,
            )  # fmt: skip


def _undecoded(method: MapMethod, column: Column, view: View) -> bool:
    """Whether there is no map for want of a decoder."""
    return method.needs_decoder and view.state == "refused" and bool(method.refuse(column.network, column.layer))


def _cell(method: MapMethod, view: View, column: Column) -> Cell:
    """One that lacks a decoder is one that a click leads on from to where it is trained."""
    shown = cell(view)
    if not _undecoded(method, column, view) or column.network.name != selection.selection().network:
        return shown
    return replace(shown, note=f"{shown.note.rstrip('.')}. Click here to train one.", opens=column.layer.name)


def to_decoder(layer: str) -> None:
    selection.change(layer=layer)
    change(view="layer", metric=RU_NAME)
    page_changed()


def cell(view: View) -> Cell:
    """What stands in the cell of a view: the map with its cost, or what it waits for, or why there is none."""
    if view.value is not None and view.state in ("done", "running", "stopped"):
        found = view.value
        if view.state != "done":
            return Cell(found.values, preview(view), preview=True, cost=_cut_short(view))
        cost = f"{passes(found.forward_passes, found.backward_passes)} forward + backward passes through the network."
        return Cell(found.values, caption(found), cost=cost)
    notes: dict[str, Callable[[], str]] = {
        "same": lambda: view.message,
        "refused": lambda: view.message,
        "waiting": lambda: "waits for its turn",
        "running": lambda: "being computed",
        "stopped": lambda: "cancelled",
        "failed": lambda: "failed",
    }
    return Cell(None, note=notes.get(view.state, lambda: "")())


def _cut_short(view: View) -> str:
    """How wrong a cancelled map may be."""
    if view.state != "stopped" or "mean" not in view.value.numbers:
        return ""
    return f"Cancelled: {how_wrong(view.value)}."


def preview(view: View) -> str:
    """Two short lines of a map that is not finished: what is known of its mean, and what became of it."""
    found, first = view.value, ""
    if "mean" in found.numbers:
        first = f"mean {preview_mean(found)} nats"
    return f"{first}<br>" + (f"cancelled at {view.progress:.0%}" if view.state == "stopped" else "preview")


def caption(found: MapResult) -> str:
    """Two short lines: what the map comes to, and its cost in seconds."""
    cost, said = duration(found.seconds), found.numbers
    if "mean" in said:
        sure = is_certain(said)
        first = f"mean {mean_words(said)} nats" + ("" if sure else ", uncertain")
        cost = f"error {decimal(said['error'])} of 1 · {cost}" if "error" in said else cost
    else:
        largest = float(found.map.abs().max())
        first = f"largest {number(largest)}" if largest else "zero everywhere"
    return f"{first}<br>{cost}"


def _address(picture: np.ndarray, mixed: bool) -> str:
    """Grey where a map is laid over it: two colours in one would be read as a third."""
    return data_address(Image.fromarray(grey(picture) if mixed else picture), "JPEG", quality=88)
