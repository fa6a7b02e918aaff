"""Side by side: asks for every map of the grid, the cheap ones first, and draws what is there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from PIL import Image

from app.address import selection
from app.explore.grid_choice import GridChoice
from app.explore.take import take_grid
from app.figures.grid import Cell, Head, Row, Style, grid_figure, height_rule, least_width
from app.figures.raster import data_address
from app.figures.style import PLAIN_CONFIG
from app.inputs.columns import Column
from app.jobs.backend import Backend, View
from app.parts import progress
from app.parts.cells import values_of
from app.parts.look import look
from app.parts.methods import MapMethod, methods
from app.parts.numbers import decimal
from explainers import CIDResult, CIDSettings, absolute_range
from explainers.cid.results import RUResult, reconstruction_range

POLL = 1.0
SAME = View("", "same")


def grid(
    store: Backend, build: Callable[[], tuple[list[Column], list[str]]], chosen: GridChoice, settings: CIDSettings
) -> None:
    """Rows are methods in the order of the list of methods; polls only while something is being computed.

    `build` gives the columns that are there, and sentences on those that are not.
    """
    rows = [method for name, method in methods().items() if name in chosen.methods]
    if not rows:
        st.info("No method is chosen. Open **Methods** above and choose at least one.", icon=":material/grid_off:")
        return
    owner = selection.owner("grid")

    def ask() -> tuple[list[Column], list[str], list[list[View]]]:
        columns, missing = build()
        stopped = selection.stopped()
        views = [
            [
                _ask(store, method, column, fitting(settings, column), owner, stopped, _repeats(method, place, chosen))
                for place, column in enumerate(columns)
            ]
            for method in rows
        ]
        return columns, missing, views

    def live(missing: list[str], views: list[list[View]]) -> bool:
        return any("being loaded" in text for text in missing) or any(view.live for row in views for view in row)

    _, missing, views = ask()
    store.release(owner, keep={view.key for row in views for view in row})
    polling = live(missing, views)

    def draw() -> None:
        columns, missing, views = ask()
        if live(missing, views) != polling:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container():
                _status(store, list(_flat(rows, views)), owner)
            take_grid(rows, columns, views, chosen, settings, str(store.device))
        for text in missing:
            st.caption(f":material/info: {text}")
        if columns:
            _figure(rows, columns, views, chosen, settings.beta)

    st.fragment(draw, run_every=POLL if polling else None)()


def fitting(settings: CIDSettings, column: Column) -> CIDSettings:
    """The settings, with a grid only where it divides the column's picture: one network's grid may not fit another."""
    divides = settings.grid is not None and all(side % settings.grid == 0 for side in column.subject.size)
    return settings if divides else replace(settings, grid=None)


def _flat(rows: Sequence[MapMethod], views: Sequence[Sequence[View]]) -> Iterator[tuple[MapMethod, View]]:
    """Every cell's method and view."""
    for method, line in zip(rows, views, strict=True):
        for view in line:
            yield method, view


def _repeats(method: MapMethod, place: int, chosen: GridChoice) -> bool:
    """Whether the cell would repeat the first of its row: the method does not look at layers."""
    return place > 0 and chosen.across == "layers" and not method.uses_layer


def _ask(
    store: Backend,
    method: MapMethod,
    column: Column,
    settings: CIDSettings,
    owner: str,
    stopped: set[str],
    repeats: bool,
) -> View:
    if repeats:
        return SAME
    asked = column.network, column.subject, column.layer
    if method.ours:
        priority = method.passes
        return store.map(*asked, settings, owner, stopped, priority, metric=method.name)
    priority = (method.passes, column.layer.depth)
    target = column.target if method.needs_target else None
    return store.baseline(method.name, *asked, target, settings.seed, owner, stopped, priority)


def _status(store: Backend, asked: Sequence[tuple[MapMethod, View]], owner: str) -> None:
    asked = [(method, view) for method, view in asked if view.state not in ("same", "refused")]
    wanted = [view for _, view in asked]
    done = [view for view in wanted if view.state == "done"]

    def stop() -> None:
        for view in wanted:
            if view.live:
                selection.stopped().add(view.key)
                store.stop(view.key, owner)

    def go_on() -> None:
        for view in wanted:
            selection.stopped().discard(view.key)
            store.retry(view.key)

    if any(view.live for view in wanted):
        share = sum(1.0 if not view.live else view.progress for view in wanted) / len(wanted)
        queue = next((view.message for view in sorted(wanted, key=_standing) if view.live), "")
        text = progress.in_line(f"{len(done)} of {len(wanted)} maps ready", queue)
        progress.running(text, share, remaining(asked), "grid", stop)
    elif len(done) == len(wanted):
        text = {0: "No map exists here.", 1: "The map is ready."}.get(len(wanted), f"All {len(wanted)} maps are ready.")
        progress.ended(text, "check_circle", "grid")
    elif any(view.state == "failed" for view in wanted):
        message = next(view.message for view in wanted if view.state == "failed")
        progress.ended(message, "error", "grid", ("Try again", go_on))
    else:
        progress.ended(f"Cancelled: {len(done)} of {len(wanted)} maps are ready.", "cancel", "grid", ("Go on", go_on))


def _standing(view: View) -> bool:
    """Those that run come first: where the others stand in line behind them tells the reader nothing."""
    return view.state != "running"


# As many passes tell how long one takes.
TELLING = 100


def remaining(asked: Sequence[tuple[MapMethod, View]]) -> float | None:
    """Seconds that are left: those of the running maps, and the usual passes of each that waits at the pace so far.

    None before anything is done that could tell the pace: maps of few passes take most of their time to prepare.
    """
    done = [view.value for _, view in asked if view.state == "done"]
    long = [found for found in done if found.forward_passes + found.backward_passes >= TELLING]
    if not long:
        return None
    pace = sum(found.seconds for found in long) / sum(found.forward_passes + found.backward_passes for found in long)
    return sum(
        method.passes * pace if view.remaining is None else view.remaining for method, view in asked if view.live
    )


def _figure(
    rows: Sequence[MapMethod], columns: Sequence[Column], views: list[list[View]], chosen: GridChoice, beta: float
) -> None:
    heads = [Head(c.title, c.subtitle, c.layer.name, _address(c.subject.picture), c.subject.size) for c in columns]
    fixed = {"cid": absolute_range(beta), "ru": reconstruction_range()}
    drawn = [
        Row(
            method.title,
            method.sentence,
            method.unit,
            method.signed,
            tuple(cell(view) for view in line),
            fixed.get(method.name),
        )
        for method, line in zip(rows, views, strict=True)
    ]
    style = Style(chosen.scale == "own", chosen.opacity / 100, chosen.colours, chosen.signed_colours)
    with st.container(key="grid_frame"):
        # On a narrow page the grid is scrolled sideways rather than squeezed until its captions overlap.
        size = f"min-width:{least_width(len(columns))}px; height:{height_rule(len(rows), len(columns))}"
        st.html(f"<style>.st-key-figure_grid {{{size}}}</style>")
        st.plotly_chart(
            grid_figure(drawn, heads, style, look()),
            theme=None,
            key="figure_grid",
            height="stretch",
            config=PLAIN_CONFIG,
            alt=f"Maps by {', '.join(row.title for row in drawn)} for {', '.join(head.title for head in heads)}",
        )


def cell(view: View) -> Cell:
    """What stands in the cell of a view: the map with its cost, or what it waits for, or why there is none."""
    if view.value is not None and view.state in ("done", "running", "stopped"):
        return Cell(values_of(view.value), caption(view.value) + ("" if view.state == "done" else " …"))
    notes: dict[str, Callable[[], str]] = {
        "same": lambda: "the same for every layer: this method looks at the whole network",
        "refused": lambda: view.message,
        "waiting": lambda: view.message or "waiting",
        "running": lambda: f"{view.progress:.0%}",
        "stopped": lambda: "cancelled",
        "failed": lambda: "failed",
    }
    return Cell(None, note=notes.get(view.state, lambda: "")())


def caption(found: object) -> str:
    """Two short lines: what the map comes to, and its cost in forward + backward passes and seconds."""
    cost = f"{found.forward_passes:.0f} + {found.backward_passes:.0f} passes, {_seconds(found.seconds)}"
    if isinstance(found, RUResult):
        first = f"mean {decimal(float(found.mean[0]))} nats, error {float(found.error[0]):.3f}"
    elif isinstance(found, CIDResult):
        first = f"mean {decimal(float(found.mean[0]))} nats"
    else:
        largest = float(found.map.abs().max())
        first = f"largest {largest:.3g}" if largest else "zero everywhere"
    return f"{first}<br>{cost}"


def _seconds(seconds: float) -> str:
    """
    >>> _seconds(0.0123), _seconds(3.21), _seconds(75.2)
    ('12 ms', '3.2 s', '75 s')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _address(picture: np.ndarray) -> str:
    return data_address(Image.fromarray(picture), "JPEG", quality=88)
