"""Curves of a study: the mean of each series at each place with its interval over the pictures."""

from typing import Any, cast

import numpy as np
import pandas as pd

from explainers.studies.base.verdicts import Effect, interval

COLUMNS = ["quantity", "series", "x", "at", "mean", "low", "high", "pictures", "trainings"]
PLACE = ["quantity", "series", "x", "at"]


def curves(long: pd.DataFrame) -> pd.DataFrame:
    """One row for every quantity, series and place, series in the order in which they come, places by x.

    A picture counts that has a value in every training, and as many rows as any other.
    """
    # In one pass over all places: most of the time went into beginning anew at each.
    rows = cast(Any, long.loc[np.isfinite(long["value"].to_numpy(float))])
    groups = rows.groupby([*PLACE, "training", "picture"], dropna=False)["value"]
    cells = groups.agg(["size", "mean"]).reset_index().sort_values(["x", "at"], kind="stable")
    places = cells.groupby(PLACE, sort=False, dropna=False)
    order = long[["quantity", "series"]].drop_duplicates().itertuples(index=False, name=None)
    found: dict[object, list[dict[str, object]]] = {named: [] for named in order}
    for place, group in places:
        table = _table(group)
        if np.isfinite(table).all(0).any():
            one = interval(Effect(table))
            about: dict[str, object] = dict(zip(PLACE, place, strict=True))
            numbers = {"mean": one.mean, "low": one.low, "high": one.high}
            found[place[0], place[1]].append(about | numbers | {"pictures": one.count, "trainings": len(table)})
    return pd.DataFrame([row for series in found.values() for row in series], columns=COLUMNS)


def _table(cells: pd.DataFrame) -> np.ndarray:
    """(trainings, pictures): the means, NaN where there are fewer rows than of another picture."""
    trainings, row = np.unique(cells["training"].to_numpy(), return_inverse=True)
    pictures, column = np.unique(cells["picture"].to_numpy(), return_inverse=True)
    size = cells["size"].to_numpy()
    table = np.full((len(trainings), len(pictures)), np.nan)
    table[row, column] = np.where(size == size.max(), cells["mean"].to_numpy(float), np.nan)
    return table
