"""Curves of a study: the mean of each series at each place with its interval over the pictures."""

import pandas as pd

from explainers.studies.base.effects import values
from explainers.studies.base.verdicts import Effect, interval

COLUMNS = ["quantity", "series", "x", "at", "mean", "low", "high", "pictures", "trainings"]


def curves(long: pd.DataFrame) -> pd.DataFrame:
    """One row for every quantity, series and place, series in the order in which they come, places by x."""
    found: list[dict[str, object]] = []
    for (quantity, series), rows in long.groupby(["quantity", "series"], sort=False):
        for (x, at), group in rows.groupby(["x", "at"], sort=True, dropna=False):
            table = values(group)
            one = interval(Effect(table.to_numpy(float))) if table.notna().all().any() else None
            if one is not None:
                about: dict[str, object] = {"quantity": quantity, "series": series, "x": x, "at": at}
                numbers = {"mean": one.mean, "low": one.low, "high": one.high}
                found.append(about | numbers | {"pictures": one.count, "trainings": len(table)})
    return pd.DataFrame(found, columns=COLUMNS)
