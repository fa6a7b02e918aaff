"""From the curves of a study to what the figure draws."""

from collections.abc import Collection

import pandas as pd

from app.figures.networks import COLOURS, SYMBOLS, Style
from app.figures.studies import Frame, Series
from app.studies.known import Known
from app.words import scientific
from explainers.studies.base.study import Axis


def place_words(one: Known, name: str) -> str:
    """A place of the curves as it is read, by its name in the table."""
    return scientific(float(name)) if one.study.varied == "β" else name


def series_of(one: Known, quantity: str) -> tuple[Series, ...]:
    """The curves of a quantity; a name has one style in all quantities of its study."""
    names = list(dict.fromkeys(one.drawn["series"]))
    rows = one.drawn[one.drawn["quantity"] == quantity]
    rows = rows.assign(at=[place_words(one, name) for name in rows["at"]])
    behind = one.long[(one.long["quantity"] == quantity) & one.long["row"].isin(list(one.unsure))]
    doubtful = set(zip(behind["series"], behind["x"], strict=True))
    return tuple(
        _series(name, names.index(name), rows[rows["series"] == name], doubtful) for name in one.series(quantity)
    )


def _series(name: str, number: int, rows: pd.DataFrame, doubtful: Collection[tuple[str, float]]) -> Series:
    def column(key: str) -> tuple:
        return tuple(rows[key].tolist())

    style = Style(COLOURS[number % len(COLOURS)], SYMBOLS[(number // len(COLOURS) + number) % len(SYMBOLS)])
    numbers = (column(key) for key in ("x", "at", "mean", "low", "high", "pictures", "trainings"))
    return Series(name, style, *numbers, unsure=tuple((name, x) in doubtful for x in rows["x"]))


def frame_of(axis: Axis) -> Frame:
    """What stands at the axes."""
    share = axis.x_title.startswith(("depth", "share", "accuracy"))
    return Frame(axis.title, axis.x_title, axis.logarithmic, axis.named, share)
