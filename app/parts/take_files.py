"""The buttons of Take away: files that are made only when somebody asks for one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.export.arrays import cells_npz
from app.export.curves import KINDS, Curves, curves_csv, curves_file
from app.export.record import Taken, taken
from app.export.script import cells_script
from app.export.table import cells_csv
from app.inputs.columns import Column
from app.jobs.backend import View
from explainers.methods.method import MapMethod

HELP = {
    "png": "For print: title, colour bar with its unit, 300 dots per inch; colours and limits as on the page.",
    "npz": "For NumPy: the raw maps, the picture, and every setting that is needed to make them again.",
    "csv": "For spreadsheets: the numbers, with their units.",
    "py": "For Python: about ten lines for each map that make it again with this project's library.",
    "gif": "For slides: maps one after the other, as a picture that moves.",
    "svg": "For web pages and slides: the curves as a drawing.",
    "pdf": "For papers: the curves as a drawing.",
    "parquet": "For pandas, polars and DuckDB: the rows of every picture, as the sweep's command writes them.",
    "html": "For readers: picture, choices, maps, numbers and how they were made in one file that any browser shows.",
    "ipynb": "For Jupyter: the same, with cells that make every map again.",
    "json": "The record: networks and their weights' fingerprints, pictures, settings, versions, and the command.",
}
KIND_NAMES = {"png": "PNG", "npz": "NPZ", "csv": "CSV", "py": "Python", "svg": "SVG", "pdf": "PDF"}
KIND_NAMES |= {"parquet": "Parquet", "json": "Record", "gif": "GIF", "html": "Report", "ipynb": "Notebook"}
MIMES = {
    "png": "image/png",
    "gif": "image/gif",
    "npz": "application/octet-stream",
    "csv": "text/csv",
    "py": "text/x-python",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "html": "text/html",
    "ipynb": "application/x-ipynb+json",
} | KINDS
POPOVER_HELP = "Saves what is shown as files: for print, for computing, for a spreadsheet, or as a program."
NOT_YET = "Not ready yet; it can be taken as soon as it is."
SAME = "the same for every layer: this method looks at the whole network"


@dataclass(frozen=True)
class File:
    """One button: what is made on a click, and under which name; `help` where the kind's own does not fit."""

    kind: str
    name: str
    make: Callable[[], bytes | str]
    help: str = ""


def popover(key: str) -> DeltaGenerator:
    return st.popover("Take away", icon=":material/download:", key=f"take_{key}", width="content", help=POPOVER_HELP)


def buttons(files: Sequence[File], key: str, disabled: bool = False) -> None:
    """A row of downloads; `key` tells it apart from the page's other rows."""
    with st.container(horizontal=True):
        for file in files:
            st.download_button(
                KIND_NAMES[file.kind],
                file.make,
                file.name,
                MIMES[file.kind],
                key=f"take_{key}_{file.kind}",
                help=file.help or HELP[file.kind],
                on_click="ignore",
                disabled=disabled,
            )


def record(method: MapMethod, column: Column, view: View, seed: int, device: str) -> Taken | str:
    """What is known of a map, or why there is none to take."""
    if view.state == "done":
        return taken(method, column, view.value, seed, device)
    if view.state == "same":
        return SAME
    return view.message if view.state in ("refused", "failed") else NOT_YET


def several(cells: Sequence[Taken], name: str) -> list[File]:
    """NPZ, CSV and Python of many maps."""
    return [
        File("npz", f"{name}.npz", lambda: cells_npz(cells)),
        File("csv", f"{name}.csv", lambda: cells_csv(cells)),
        File("py", f"{name}.py", lambda: cells_script(cells)),
    ]


def drawings(what: Curves, name: str) -> list[File]:
    """SVG, PDF and CSV of curves."""
    return [
        File("svg", f"{name}.svg", lambda: curves_file(what, "svg")),
        File("pdf", f"{name}.pdf", lambda: curves_file(what, "pdf")),
        File("csv", f"{name}.csv", lambda: curves_csv(what)),
    ]
