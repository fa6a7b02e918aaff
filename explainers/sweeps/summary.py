"""What a sweep found, in a table to read: means over the pictures with their bootstrap intervals."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from explainers.cid.certainty import mean_uncertainty, uncertain
from explainers.evaluation.intervals import Interval, bootstrap_interval

UNSURE = (
    "uncertain: the noise of so many maps does not meet the constraint, so that their means may be wrong by more than "
    "a tenth of a nat; sweep without --closed-form"
)
# What tells rows of one network, layer, method and picture apart.
SETTINGS = ("fingerprint", "version", "beta", "grid", "refine", "solver", "probes", "seed")


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

    Columns: network, method, layer, place, depth, mean, low, high, count, unsure: of how many of them the map does not
    meet its constraint, as closed forms of curved layers; off: what the mean of the maps' means may be off by for that
    reason, in nats.
    """
    off = uncertain(
        rows["constraint"].to_numpy(float),
        rows["mean_error"].to_numpy(float),
        rows["converged"].eq(True).to_numpy(bool),
    )
    rows = rows.assign(unsure=off)
    found: list[dict[str, object]] = []
    for (network, method, place), group in rows.groupby(["network", "method", "place"], sort=True):
        interval = interval_of(group[metric])
        if interval is not None:
            first = group.iloc[0]
            about: dict[str, object] = {"network": network, "method": method, "layer": first["layer"], "place": place}
            doubtful: list[Any] = group[group["unsure"]].to_dict("records")
            doubt = {"unsure": len(doubtful), "off": sum(map(mean_uncertainty, doubtful)) / len(group)}
            numbers = {"depth": first["depth"]} | vars(interval) | doubt
            found.append(about | numbers)
    columns = ["network", "method", "layer", "place", "depth", "mean", "low", "high", "count", "unsure", "off"]
    return pd.DataFrame(found, columns=columns)


def summary(rows: pd.DataFrame) -> Iterator[str]:
    """Lines of text: one for every network, method and layer, and for each of several settings in a table.

    Of a picture that has several rows there, with other boxes for instance, the last one counts.
    """
    some = False
    yield f"{'network':<24}{'method':<14}{'layer':<18}{'mean [95 %]':>28}{'concentration [95 %]':>30}{'pictures':>10}"
    for part, setting in _apart(rows):
        means, gains = curve(part, "mean"), curve(part, "concentration")
        known = {one.layer: one for one in gains.itertuples()}
        for one in means.itertuples():
            gain = known.get(one.layer)
            text = _written(gain) if gain is not None else ""
            line = f"{one.network:<24}{one.method:<14}{one.layer:<18}{_written(one):>28}{text:>30}{one.count:>10}"
            unsure = f"{one.unsure} uncertain" if one.unsure else ""
            yield f"{line}  {', '.join(filter(None, (setting, unsure)))}".rstrip()
            some = some or bool(one.unsure)
    if some:
        yield UNSURE


def _apart(rows: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str]]:
    """The rows of every network and method, those of different settings apart, with what tells them from the others."""
    for _, group in rows.groupby(["network", "method"], sort=True):
        differing = [name for name in SETTINGS if group[name].nunique(dropna=False) > 1]
        parts = group.groupby(differing, dropna=False, sort=True) if differing else [((), group)]
        for values, part in parts:
            words = (f"{name} {_word(value)}" for name, value in zip(differing, values, strict=True))
            yield part.drop_duplicates(["picture", "place"], keep="last"), ", ".join(words)


def _word(value: Any) -> str:
    if isinstance(value, str):
        return value[:8]
    return "by default" if pd.isna(value) else f"{value:g}" if isinstance(value, float) else str(value)


def _written(one: object) -> str:
    mean, low, high = (float(getattr(one, name)) for name in ("mean", "low", "high"))
    return f"{mean:.3f}" if np.isnan(low) else f"{mean:.3f} [{low:.3f}, {high:.3f}]"
