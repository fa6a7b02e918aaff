"""What a sweep found, in a table to read: means over the pictures with their bootstrap intervals."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pandas as pd

from explainers.evaluation.intervals import Interval, bootstrap_interval

METRICS = ("mean", "concentration")


def interval_of(values: pd.Series) -> Interval | None:
    """Over the finite values; None where there is none."""
    finite = np.asarray(values.dropna(), dtype=float)
    finite = finite[np.isfinite(finite)]
    return _interval(tuple(finite.tolist())) if finite.size else None


@lru_cache(maxsize=8192)
def _interval(values: tuple[float, ...]) -> Interval:
    # A curve that is being computed is drawn again and again, most of its points as they were.
    return bootstrap_interval(values)


def curve(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Mean, low, high and count of `metric` for every network, layer and method, in the order of execution.

    Columns: network, method, layer, place, depth, mean, low, high, count.
    """
    found: list[dict[str, object]] = []
    for (network, method, place), group in rows.groupby(["network", "method", "place"], sort=True):
        interval = interval_of(group[metric])
        if interval is not None:
            first = group.iloc[0]
            about: dict[str, object] = {"network": network, "method": method, "layer": first["layer"], "place": place}
            found.append(about | {"depth": first["depth"]} | vars(interval))
    columns = ["network", "method", "layer", "place", "depth", "mean", "low", "high", "count"]
    return pd.DataFrame(found, columns=columns)


def summary(rows: pd.DataFrame) -> Iterator[str]:
    """Lines of text: one for every network, method and layer."""
    means, gains = curve(rows, "mean"), curve(rows, "concentration")
    known = {(one.network, one.method, one.layer): one for one in gains.itertuples()}
    yield f"{'network':<24}{'method':<14}{'layer':<18}{'mean [95 %]':>28}{'concentration [95 %]':>30}{'pictures':>10}"
    for one in means.itertuples():
        gain = known.get((one.network, one.method, one.layer))
        text = _written(gain) if gain is not None else ""
        yield f"{one.network:<24}{one.method:<14}{one.layer:<18}{_written(one):>28}{text:>30}{one.count:>10}"


def _written(one: object) -> str:
    mean, low, high = (float(getattr(one, name)) for name in ("mean", "low", "high"))
    return f"{mean:.3f}" if np.isnan(low) else f"{mean:.3f} [{low:.3f}, {high:.3f}]"
