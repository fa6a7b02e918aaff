"""The cells of the grid as places to look at closer: each by a short name, with its map where it is ready."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app.address import selection
from app.explore.grid_choice import change, choice
from app.figures.style import PLAIN_CONFIG
from app.inputs.columns import Column, fitting
from app.jobs.backend import Backend, View
from app.parts.bound import dropdown
from explainers import CIDSettings
from explainers.methods.method import MapMethod, MapResult
from explainers.methods.registry import methods
from explainers.methods.request import MapRequest


@dataclass(frozen=True)
class Spot:
    """A cell: `name` is its method and its column, from 1, as in the address; `result` its finished map, if any.

    `where`: whether its column matters.
    """

    name: str
    method: MapMethod
    column: Column
    result: MapResult | None
    where: bool = True

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return f"{self.method.title} · {self.column.title}" if self.where else self.method.title

    @property
    def values(self) -> np.ndarray:
        """The finished map, (rows, columns)."""
        assert self.result is not None
        return self.result.values

    @property
    def importance(self) -> np.ndarray:
        """The same, the higher the more important."""
        assert self.result is not None
        return importance(self.method, self.result)


def importance(method: MapMethod, result: MapResult) -> np.ndarray:
    """A map, the higher the more important: an entropy with its sign turned."""
    return -result.values if method.entropy else result.values


def request(method: MapMethod, column: Column, settings: CIDSettings) -> MapRequest:
    """The map of a method for a column, as the grid asks for it."""
    target = column.target if method.needs_target else None
    return column.network_input.request(column.network, column.layer, method.name, fitting(settings, column), target)


def spot(method: MapMethod, column: Column, place: int, view: View, across: str) -> Spot:
    """The cell of a method in the column number `place`; `across` is what the columns are."""
    where = method.uses_layer or across != "layers"
    return Spot(f"{method.name}.{place}", method, column, view.value if view.state == "done" else None, where)


def spots(backend: Backend, columns: Sequence[Column], settings: CIDSettings) -> list[Spot]:
    """All cells that have maps or will have them, row by row; what is missing is not computed."""
    found: list[Spot] = []
    for name in (name for name in methods() if name in choice().methods):
        method = methods()[name]
        for place, column in enumerate(columns, start=1):
            if place > 1 and choice().across == "layers" and not method.uses_layer:
                break
            view = backend.ask(request(method, column, settings), selection.owner("closer"), start=False)
            if view.state != "refused":
                found.append(spot(method, column, place, view, choice().across))
    return found


def spot_control(field: str, label: str, known: Sequence[Spot], usual: Spot, words: str) -> Spot:
    """A list of the cells; the chosen one stands in the address as `field`."""
    by_name = {spot.name: spot for spot in known}
    chosen = by_name.get(getattr(choice(), field), usual)
    titles = {spot.name: spot.title for spot in known}
    dropdown(f"w_closer_{field}", label, titles, chosen.name, lambda name: change(**{field: name}), words)
    return chosen


def ready(*wanted: Spot) -> bool:
    """Whether the maps are there; else says which are not."""
    missing = [spot.title for spot in wanted if spot.result is None]
    if missing:
        st.info(f"Not ready yet: {', '.join(dict.fromkeys(missing))}. It appears here once the grid above is complete.")
    return not missing


def chart(title: str, figure: go.Figure, key: str, alt: str) -> None:
    """One of the figures that stand side by side, under its title."""
    with st.container():
        st.markdown(title)
        st.plotly_chart(figure, theme=None, key=f"figure_{key}", height="stretch", config=PLAIN_CONFIG, alt=alt)
