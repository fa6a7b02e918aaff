"""Rows of a sweep -> curves: pure functions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

import pandas as pd
from cachetools import LRUCache, cached

from app.figures.layer_curves import DASHES, Line
from app.figures.networks import Style
from app.layers.choice import COLUMNS, METHODS
from app.words import scientific
from explainers import CIDSettings
from explainers.storage.digest import digest
from explainers.sweeps.items import FileItem
from explainers.sweeps.row import SCHEMA, Row
from explainers.sweeps.summary import curve

# What tells maps of one layer, method and picture apart.
SETTINGS = ("beta", "grid", "refine", "solver", "probes", "seed", "version")
Setting = tuple[Any, ...]
# A pandas.DataFrame, of whose columns its types know nothing.
Frame = Any


@dataclass(frozen=True)
class Shown:
    """A network with rows: `key` is the app's name of it, "" where it is not here; `layers` those that have a place.

    Without `layers`, those that have rows.
    """

    key: str
    title: str
    family: str
    style: Style
    layers: tuple[str, ...] = ()
    depths: tuple[float, ...] = ()


@dataclass(frozen=True)
class Chart:
    """Rows and what is to be drawn of them: networks by their fingerprints, settings, and the metric.

    `own`: the reader's own pictures, by the names that rows give them.
    """

    rows: Frame
    networks: Mapping[str, Shown]
    settings: tuple[Setting, ...]
    metric: str
    own: Mapping[str, FileItem] = field(default_factory=dict[str, FileItem], repr=False)

    @property
    def method(self) -> str:
        """The rows' method."""
        return METHODS[self.metric]

    @cached_property
    def curves(self) -> dict[tuple[str, int], Frame]:
        """The rows of each curve, by network and the place of its setting."""
        rows = self.rows[self.rows["method"] == self.method]
        found: dict[tuple[str, int], Frame] = {}
        for place, setting in enumerate(self.settings):
            kept = rows["method"].notna()
            for name, value in zip(SETTINGS, setting, strict=True):
                kept &= rows[name].isna() if value is None else rows[name] == value
            for fingerprint, group in rows[kept].groupby("fingerprint", sort=False):
                found[str(fingerprint), place] = group
        return found

    def at(self, fingerprint: str, setting: int, layer: str) -> Frame:
        """The rows of one point."""
        rows = self.curves[fingerprint, setting]
        return rows[rows["layer"] == layer]


def frame_of(rows: Sequence[Row]) -> Frame:
    """Rows as a sweep's table has them."""
    return pd.DataFrame([vars(row) for row in rows], columns=pd.Index(SCHEMA.names))


def setting_of(settings: CIDSettings, version: int) -> Setting:
    """What rows made with these settings hold."""
    chosen = settings
    return chosen.beta, chosen.grid, chosen.refine, chosen.method, chosen.probes, chosen.seed, version


def settings_in(rows: Frame) -> tuple[Setting, ...]:
    """Those of a table, the most frequent first, at most as many as there are kinds of line."""
    counts = rows.groupby(list(SETTINGS), dropna=False, sort=False).size().sort_values(ascending=False, kind="stable")
    return tuple(tuple(None if pd.isna(value) else value for value in one) for one in counts.index[: len(DASHES)])


def setting_titles(settings: Sequence[Setting]) -> list[str]:
    """What tells each from the others, in words; "" where there is one alone.

    >>> setting_titles([(1e-3, None, True, "two-stage", 256, 0, 2), (1e-4, None, False, "two-stage", 256, 0, 2)])
    ['β = 10⁻³, refined', 'β = 10⁻⁴, closed form']
    """
    differing = [place for place in range(len(SETTINGS)) if len({one[place] for one in settings}) > 1]
    return [", ".join(_words(SETTINGS[place], one[place]) for place in differing) for one in settings]


def _words(name: str, value: Any) -> str:
    if name == "beta" and isinstance(value, float):
        return f"β = {scientific(value)}"
    if name == "refine":
        return "refined" if value else "closed form"
    return f"{name} {'by default' if value is None else value}"


def lines_of(chart: Chart, column: str = "") -> list[Line]:
    """The curves of every network and setting that has a place; `column` another than the metric's."""
    column = column or COLUMNS[chart.metric]
    titles = setting_titles(chart.settings)
    found: list[Line] = []
    for fingerprint, shown in chart.networks.items():
        for place in range(len(chart.settings)):
            rows = chart.curves.get((fingerprint, place))
            points = {} if rows is None else _points(rows, column)
            layers = shown.layers or tuple(points)
            depths = shown.depths or tuple(float(one.depth) for one in points.values())
            if not layers:
                continue
            known = [points.get(layer) for layer in layers]
            mean, low, high = (_numbers(known, name) for name in ("mean", "low", "high"))
            found.append(
                Line(
                    fingerprint,
                    shown.title,
                    shown.family,
                    shown.style,
                    layers,
                    depths,
                    mean,
                    low,
                    high,
                    tuple(int(getattr(one, "count", 0)) if one is not None else 0 for one in known),
                    place,
                    titles[place],
                    tuple(int(getattr(one, "unsure", 0)) if one is not None else 0 for one in known),
                    _numbers(known, "off"),
                )
            )
    return found


def _content(rows: Frame, column: str) -> str:
    """What the points of some rows depend on: the numbers themselves, whatever a table calls its rows."""
    known = (column, "place", "depth", "constraint", "mean_error", "converged", "loss", "loss_error")
    numbers = (rows[name].to_numpy(float, na_value=math.nan).tobytes() for name in known)
    return digest(column, *numbers, "\0".join(rows["layer"]))


# Of curves that grow, most stand as they were a second before.
@cached(LRUCache(256), key=_content, lock=Lock())
def _points(rows: Frame, column: str) -> dict[str, Any]:
    """Of the rows of one curve: mean, interval, count and depth by layer, in order of execution."""
    drawn: Frame = curve(rows, column)
    return {one.layer: one for one in drawn.itertuples()}


def _numbers(points: Sequence[Any], name: str) -> tuple[float, ...]:
    return tuple(math.nan if one is None else float(getattr(one, name)) for one in points)
