"""Take away maps: one, or the whole grid, as files."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import streamlit as st

from app.explore.closer_report import Part, looked_closer
from app.explore.grid_choice import GridChoice, choice
from app.explore.reports import Shown, answer_of, grid_report, map_report
from app.export.arrays import cells_npz
from app.export.names import cell_name, picture_part, stem
from app.export.picture import Line, Sheet, asked, cell_png, row_of, sheet_png
from app.export.record import Taken
from app.export.script import cell_script
from app.export.table import cells_csv
from app.figures.ends import ENDS
from app.figures.grid import SCALES, SIGNED_SCALES, Row, row_limits
from app.inputs.columns import Column
from app.jobs.backend import Backend, View
from app.parts.report_files import here, report_files, today
from app.parts.take_files import NOT_YET, File, buttons, popover, record, several
from app.words import counted
from explainers import CIDSettings
from explainers.methods.method import MapMethod
from explainers.methods.network_input import NetworkInput
from explainers.methods.registry import methods
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

ALL, ONE = "The whole grid", "One map"
WHAT_HELP = "All maps of the page together, or one of them."
ROW_HELP, COLUMN_HELP = "The row of the map.", "The column of the map."
# What a frame on paper says.
ABSENT = "not computed"


def take_grid(
    rows: Sequence[MapMethod],
    columns: Sequence[Column],
    views: Sequence[Sequence[View]],
    chosen: GridChoice,
    settings: CIDSettings,
    backend: Backend,
) -> None:
    """A popover for one map of the grid or all of it; `views` has one line for each of the `rows`."""
    if not columns:
        return
    device = str(backend.device)
    cells = [
        [record(method, column, view, settings.seed, device) for column, view in zip(columns, line, strict=True)]
        for method, line in zip(rows, views, strict=True)
    ]
    lines = [line_of(method, line, chosen, settings) for method, line in zip(rows, cells, strict=True)]
    with popover("grid"):
        what = st.segmented_control("What", [ALL, ONE], default=ALL, key="take_what", required=True, help=WHAT_HELP)
        if what == ONE:
            place, column = _chosen(rows, columns)
            # A method that looks at the whole network has its one map in the first column.
            at = 0 if views[place][column].state == "same" else column
            _one(
                backend,
                Shown(columns[at], views[place][at], cells[place][at], lines[place], chosen.opacity / 100),
                "grid",
            )
        else:
            _all(
                backend,
                lines,
                columns,
                views,
                chosen,
                lambda: looked_closer(backend, rows, columns, views, chosen, settings),
            )


def take_map(
    backend: Backend,
    method: str,
    network: Network,
    network_input: NetworkInput,
    layer: Layer,
    view: View,
    settings: CIDSettings,
) -> None:
    """A popover for the one map of a layer."""
    known, column = methods()[method], Column(layer.name, "", network, network_input, layer)
    cell = record(known, column, view, 0, str(backend.device))
    with popover("map"):
        line = line_of(known, [cell], GridChoice(), settings)
        _one(backend, Shown(column, view, cell, line, times=choice().noise), "map")


def line_of(method: MapMethod, cells: Sequence[Taken | str], chosen: GridChoice, settings: CIDSettings) -> Line:
    """The row of the page's figure, for paper."""
    scale = SIGNED_SCALES[chosen.signed_colours] if method.signed else SCALES[chosen.colours]
    fixed = method.scale and method.scale(settings)
    limits = None if chosen.scale == "own" else row_limits(Row("", "", "", method.signed, row_of(cells), fixed))
    return Line(method.title, method.unit, method.signed, scale, limits, tuple(cells), ENDS.get(method.name))


def _chosen(rows: Sequence[MapMethod], columns: Sequence[Column]) -> tuple[int, int]:
    left, right = st.columns(2)
    place = left.selectbox(
        "Method", range(len(rows)), format_func=lambda at: rows[at].title, key="take_row", help=ROW_HELP
    )
    column = right.selectbox(
        "Column", range(len(columns)), format_func=lambda at: columns[at].title, key="take_column", help=COLUMN_HELP
    )
    return place, column


def _one(backend: Backend, shown: Shown, key: str) -> None:
    cell, line, opacity, made = shown.cell, shown.line, shown.opacity, (here(), today())
    if isinstance(cell, str):
        st.caption(cell[:1].upper() + cell[1:])
        return
    where = f" of {cell.layer}" if cell.layer else ""
    st.caption(f"**{cell.method_title}**{where} · {cell.network_title} · {cell.picture_title}")
    files = [
        File("png", cell_name("png", cell), lambda: cell_png(cell, line, opacity)),
        File("npz", cell_name("npz", cell), lambda: cells_npz([cell])),
        File("csv", cell_name("csv", cell), lambda: cells_csv([cell])),
        File("py", cell_name("py", cell), lambda: cell_script(cell)),
    ]
    buttons(files, key)
    buttons(report_files(lambda: map_report(backend, shown, cell, *made), cell_name("", cell).rstrip(".")), key)


def _all(
    backend: Backend,
    lines: Sequence[Line],
    columns: Sequence[Column],
    views: Sequence[Sequence[View]],
    chosen: GridChoice,
    closer: Callable[[], Part],
) -> None:
    every = [cell for line in lines for cell in line.cells]
    ready = [cell for cell in every if isinstance(cell, Taken)]
    waiting = every.count(NOT_YET)
    if waiting:
        st.caption(f"{len(ready)} of {len(ready) + waiting} maps are ready; what is taken now is without the others.")
    else:
        st.caption(counted(len(ready), "map"))
    name, made = _grid_name(columns[0], chosen.across), (here(), today())

    def sheet() -> Sheet:
        return with_pictures(backend, _sheet(lines, columns, chosen), columns)

    buttons([File("png", f"{name}.png", lambda: sheet_png(sheet())), *several(ready, name)], "grid", not ready)
    buttons(
        report_files(lambda: grid_report(backend, sheet(), columns, views, *made, closer()), name), "grid", not ready
    )


def with_pictures(backend: Backend, sheet: Sheet, columns: Sequence[Column]) -> Sheet:
    """The sheet with each column's picture and what its network answers."""
    seen = [
        (column.network_input.picture, answer_of(backend, column.network, column.network_input)) for column in columns
    ]
    return replace(sheet, pictures=tuple(seen))


def _sheet(lines: Sequence[Line], columns: Sequence[Column], chosen: GridChoice) -> Sheet:
    network, network_input, layer = columns[0].network, columns[0].network_input, columns[0].layer
    titles = {
        "layers": (network.title, network_input.title),
        "pictures": (network.title, layer.name),
        "networks": (network_input.title, "several networks"),
    }
    title, subtitle = titles[chosen.across]
    ready = [cell for line in lines for cell in line.cells if isinstance(cell, Taken)]
    heads = tuple((column.title, column.subtitle) for column in columns)
    printed = tuple(
        replace(line, cells=tuple(ABSENT if cell == NOT_YET else cell for cell in line.cells)) for line in lines
    )
    return Sheet(title, " · ".join([subtitle, *asked(ready)]), heads, printed, chosen.opacity / 100)


def _grid_name(first: Column, across: str) -> str:
    picture = picture_part(first.network_input.key, first.network_input.title)
    parts = {
        "layers": (first.network.name, picture),
        "pictures": (first.network.name, first.layer.name, "pictures"),
        "networks": ("networks", picture),
    }
    return stem(*parts[across], "grid")
