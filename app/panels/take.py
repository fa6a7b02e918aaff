"""Take away: what is shown, as files that are made only when somebody asks for one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from app.backend import View, foreground_gain
from app.cells import values_of
from app.columns import Column
from app.export.arrays import cells_npz
from app.export.curves import KINDS, Curve, Curves, curves_csv, curves_file
from app.export.names import cell_name, file_name, picture_part
from app.export.picture import Line, Sheet, cell_png, row_of, sheet_png
from app.export.record import Taken, taken
from app.export.script import cell_script, cells_script
from app.export.table import cells_csv
from app.figures.grid import SCALES, SIGNED_SCALES, Row, row_limits
from app.figures.style import NATS_SCALE
from app.grid_choice import GridChoice
from app.methods import MapMethod, methods
from app.subject import Subject
from explainers import CIDSettings, absolute_range
from explainers.layers import Layer
from explainers.networks import Network
from explainers.results import reconstruction_range

ALL = "The whole grid"
ONE = "One map"
HELP = {
    "png": "For print: title, colour bar with its unit, 300 dots per inch; colours and limits as on the page.",
    "npz": "For NumPy: the raw maps, the picture, and every setting that is needed to make them again.",
    "csv": "For spreadsheets: the numbers of every map, one row each, with units.",
    "py": "For Python: about ten lines for each map that make it again with this project's library.",
    "svg": "For web pages and slides: the curves as a drawing.",
    "pdf": "For papers: the curves as a drawing.",
}
KIND_NAMES = {"png": "PNG", "npz": "NPZ", "csv": "CSV", "py": "Python", "svg": "SVG", "pdf": "PDF"}
MIMES = {
    "png": "image/png",
    "npz": "application/octet-stream",
    "csv": "text/csv",
    "py": "text/x-python",
} | KINDS
NOT_YET = "Not ready yet; it can be taken as soon as it is."


@dataclass(frozen=True)
class _File:
    """One button: what is made on a click, and under which name."""

    kind: str
    name: str
    make: Callable[[], bytes | str]


def take_grid(
    rows: Sequence[MapMethod],
    columns: Sequence[Column],
    views: Sequence[Sequence[View]],
    chosen: GridChoice,
    settings: CIDSettings,
    device: str,
) -> None:
    """A popover for one map of the grid or all of it; `views` has one line for each of the `rows`."""
    if not columns:
        return
    cells = [
        [_cell(method, column, view, settings.seed, device) for column, view in zip(columns, line, strict=True)]
        for method, line in zip(rows, views, strict=True)
    ]
    lines = [_line(method, line, chosen, settings.beta) for method, line in zip(rows, cells, strict=True)]
    with _popover("grid"):
        what = st.segmented_control(
            "What", [ALL, ONE], default=ALL, key="take_what", required=True, label_visibility="collapsed"
        )
        if what == ONE:
            place, column = _chosen(rows, columns)
            # A method that looks at the whole network has its one map in the first column.
            same = views[place][column].state == "same"
            _one(cells[place][0 if same else column], lines[place], chosen.opacity / 100, "grid")
        else:
            _all(lines, columns, chosen)


def take_map(
    method: str, network: Network, subject: Subject, layer: Layer, view: View, beta: float, device: str
) -> None:
    """A popover for the one map of a layer by "cid" or "ru"."""
    known = methods()[method]
    column = Column(layer.name, "", network, subject, layer)
    cell = _cell(known, column, view, 0, device)
    with _popover("map"):
        _one(cell, _line(known, [cell], GridChoice(), beta), 1.0, "map")


def take_curves(
    network: Network, subject: Subject, layers: Sequence[Layer], views: Sequence[View], metric: str, device: str
) -> None:
    """A popover for the curves over all layers, and for the maps behind them."""
    method = methods()[metric]
    cells = [
        _cell(method, Column(layer.name, "", network, subject, layer), view, 0, device)
        for layer, view in zip(layers, views, strict=True)
    ]
    ready = [cell for cell in cells if isinstance(cell, Taken)]
    with _popover("curves"):
        if not ready:
            st.caption(NOT_YET)
        if 0 < len(ready) < len(cells):
            st.caption(f"{len(ready)} of {len(cells)} layers are ready; the others stay gaps.")
        name = (network.name, metric, picture_part(subject.key, subject.title))
        what = curves_of(network, subject, layers, views, metric)
        st.markdown("**The curves**")
        drawn = [_File(kind, file_name(kind, *name, "layers"), _curves(what, kind)) for kind in KINDS]
        _buttons([*drawn, _File("csv", file_name("csv", *name, "layers"), lambda: curves_csv(what))], "curves", ready)
        st.markdown("**The maps**")
        _buttons(_several(ready, file_name("", *name, "maps").rstrip(".")), "curve_maps", ready)


def curves_of(
    network: Network, subject: Subject, layers: Sequence[Layer], views: Sequence[View], metric: str
) -> Curves:
    """Mean and, where the picture has a foreground, concentration of every layer that is ready."""
    found = [view.value if view.state == "done" else None for view in views]
    title = f"mean {metric.upper()}"
    means = tuple(None if one is None else float(one.mean[0]) for one in found)
    errors = tuple(None if one is None else float(one.mean_error[0]) for one in found)
    curves = [Curve(title, f"{title} (nats per input variable)", means, errors)]
    if subject.mask is not None or subject.box is not None:
        gains = tuple(None if one is None else foreground_gain(one, subject)[0] for one in found)
        curves.append(Curve("concentration", "concentration (nats)", gains))
    return Curves(
        f"{metric.upper()} of every layer · {network.title}",
        subject.title,
        tuple(layer.name for layer in layers),
        tuple(curves),
    )


def _cell(method: MapMethod, column: Column, view: View, seed: int, device: str) -> Taken | str:
    """The record of a map, or why there is none to take."""
    if view.state == "done":
        return taken(method, column, view.value, values_of(view.value), seed, device)
    if view.state == "same":
        return "the same for every layer: this method looks at the whole network"
    return view.message if view.state in ("refused", "failed") else NOT_YET


def _line(method: MapMethod, cells: Sequence[Taken | str], chosen: GridChoice, beta: float) -> Line:
    """The row of the page's figure, for paper."""
    scale = SIGNED_SCALES[chosen.signed_colours] if method.signed else SCALES.get(chosen.colours, NATS_SCALE)
    fixed = {"cid": absolute_range(beta), "ru": reconstruction_range()}.get(method.name)
    own = Row("", "", "", method.signed, row_of(cells), fixed)
    limits = None if chosen.scale == "own" else row_limits(own)
    return Line(method.title, method.unit, method.signed, scale, limits, tuple(cells))


def _popover(key: str):
    return st.popover("Take away", icon=":material/download:", key=f"take_{key}", width="content")


def _chosen(rows: Sequence[MapMethod], columns: Sequence[Column]) -> tuple[int, int]:
    left, right = st.columns(2)
    place = left.selectbox("Method", range(len(rows)), format_func=lambda at: rows[at].title, key="take_row")
    column = right.selectbox("Column", range(len(columns)), format_func=lambda at: columns[at].title, key="take_column")
    return place, column


def _one(cell: Taken | str, line: Line, opacity: float, key: str) -> None:
    if isinstance(cell, str):
        st.caption(cell[:1].upper() + cell[1:])
        return
    where = f" of {cell.layer}" if cell.layer else ""
    st.caption(f"**{cell.method_title}**{where} · {cell.network_title} · {cell.picture_title}")
    files = [
        _File("png", cell_name("png", cell), lambda: cell_png(cell, line, opacity)),
        _File("npz", cell_name("npz", cell), lambda: cells_npz([cell])),
        _File("csv", cell_name("csv", cell), lambda: cells_csv([cell])),
        _File("py", cell_name("py", cell), lambda: cell_script(cell)),
    ]
    _buttons(files, key, [cell])


def _all(lines: Sequence[Line], columns: Sequence[Column], chosen: GridChoice) -> None:
    every = [cell for line in lines for cell in line.cells]
    ready = [cell for cell in every if isinstance(cell, Taken)]
    waiting = sum(cell == NOT_YET for cell in every)
    if waiting:
        st.caption(f"{len(ready)} of {len(ready) + waiting} maps are ready; what is taken now is without the others.")
    else:
        st.caption(f"{len(ready)} maps." if len(ready) != 1 else "One map.")
    first = columns[0]
    parts = {
        "layers": (first.network.name, picture_part(first.subject.key, first.subject.title)),
        "pictures": (first.network.name, first.layer.name),
        "networks": (picture_part(first.subject.key, first.subject.title),),
    }
    titles = {
        "layers": (first.network.title, first.subject.title),
        "pictures": (first.network.title, first.layer.name),
        "networks": (first.subject.title, "one layer of several networks"),
    }
    heads = tuple((column.title, column.subtitle) for column in columns)
    sheet = Sheet(*titles[chosen.across], heads, tuple(lines), chosen.opacity / 100)
    name = file_name("", *parts[chosen.across], "grid").rstrip(".")
    _buttons([_File("png", f"{name}.png", lambda: sheet_png(sheet)), *_several(ready, name)], "grid", ready)


def _several(cells: Sequence[Taken], name: str) -> list[_File]:
    return [
        _File("npz", f"{name}.npz", lambda: cells_npz(cells)),
        _File("csv", f"{name}.csv", lambda: cells_csv(cells)),
        _File("py", f"{name}.py", lambda: cells_script(cells)),
    ]


def _curves(what: Curves, kind: str) -> Callable[[], bytes]:
    return lambda: curves_file(what, kind)


def _buttons(files: Sequence[_File], key: str, ready: Sequence[Taken]) -> None:
    with st.container(horizontal=True):
        for file in files:
            st.download_button(
                KIND_NAMES[file.kind],
                file.make,
                file.name,
                MIMES[file.kind],
                key=f"take_{key}_{file.kind}",
                help=HELP[file.kind],
                on_click="ignore",
                disabled=not ready,
            )
