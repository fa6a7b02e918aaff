"""From the long table to effects: differences between series and layers, picture by picture, training by training."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd

from explainers.studies.base.verdicts import Effect, Lacking


def values(long: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """(trainings, pictures): the mean over all rows that agree with `where`, whose values may be lists.

    A picture counts that has as many rows as any other: with fewer its mean would be that of other layers. Raises
    Lacking where there is no row, or none of something that a list names.
    """
    chosen = np.isfinite(long["value"].to_numpy(float))
    for name, wanted in where.items():
        named = cast("list[Any]", wanted) if isinstance(wanted, list) else [wanted]
        chosen &= long[name].isin(named).to_numpy(bool)
    rows = cast(pd.DataFrame, long.loc[chosen])
    for name, wanted in where.items():
        named = cast("list[Any]", wanted) if isinstance(wanted, list) else [wanted]
        if absent := [one for one in named if not len(rows) or one not in set(rows[name])]:
            others = [_word(value) for key, value in where.items() if key != name]
            raise Lacking(f"there is no row of {', '.join(filter(None, [str(absent[0]), *others]))}")
    groups: Any = rows.groupby(["training", "picture"])["value"]
    counts = groups.size().unstack(fill_value=0)
    return groups.mean().unstack().where(counts == counts.to_numpy().max())


def difference(first: pd.DataFrame, second: pd.DataFrame) -> Effect:
    """first − second where both have a value; raises Lacking where they share no picture or training."""
    rows, columns = first.index.intersection(second.index), first.columns.intersection(second.columns)
    if not len(rows) or not len(columns):
        raise Lacking("the two have no picture in common")
    return Effect((first.loc[rows, columns] - second.loc[rows, columns]).to_numpy(float))


def effect(found: pd.DataFrame) -> Effect:
    """The values themselves."""
    return Effect(found.to_numpy(float))


def mean_of(parts: list[pd.DataFrame]) -> Effect:
    """The mean of several differences, picture by picture."""
    return effect(sum(parts[1:], parts[0]) / len(parts))


def between(quantity: str, more: str, less: str, at: str | None = None) -> Callable[[pd.DataFrame], Effect]:
    """How far series `more` lies above series `less`, at one place or over all."""

    def of(long: pd.DataFrame) -> Effect:
        place = {} if at is None else {"at": at}
        first = values(long, quantity=quantity, series=more, **place)
        return difference(first, values(long, quantity=quantity, series=less, **place))

    return of


def against(quantity: str, others: list[str], original: str, sign: int = 1) -> Callable[[pd.DataFrame], Effect]:
    """How far the `others` lie above the `original`, mean over the places that all have; below it with `sign` −1."""

    def of(long: pd.DataFrame) -> Effect:
        rows = long[long["quantity"] == quantity]
        common = set(map(str, rows.loc[rows["series"] == original, "at"]))
        for name in others:
            common &= set(map(str, rows.loc[rows["series"] == name, "at"]))
        if not common:
            raise Lacking(f"there is no row of {quantity} that {original} and {', '.join(others)} have in common")
        after = values(long, quantity=quantity, series=others, at=sorted(common))
        before = values(long, quantity=quantity, series=original, at=sorted(common))
        return Effect(sign * difference(after, before).values)

    return of


def slope(long: pd.DataFrame, x: str = "x") -> Effect:
    """The slope of value over `x` by least squares, for every training and picture with at least two places."""
    found: dict[Any, float] = {}
    groups: Any = long.groupby(["training", "picture"])
    for place, rows in groups:
        across, up = rows[x].to_numpy(float), rows["value"].to_numpy(float)
        fine = np.isfinite(across) & np.isfinite(up)
        if fine.sum() > 1 and np.ptp(across[fine]) > 0:
            found[place] = float(cast(Any, np.polyfit(across[fine], up[fine], 1))[0])
    if not found:
        raise Lacking("there is nothing that is varied")
    series: Any = pd.Series(found)
    return effect(series.unstack())


def _word(wanted: Any) -> str:
    return " or ".join(map(str, cast("list[Any]", wanted))) if isinstance(wanted, list) else str(wanted)
