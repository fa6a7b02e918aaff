"""How sure one can be of a mean over pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap


@dataclass(frozen=True)
class Interval:
    """A mean of `count` values and the ends of its bootstrap interval, NaN where there is only one value."""

    mean: float
    low: float
    high: float
    count: int


def bootstrap_interval(
    values: Sequence[float] | np.ndarray, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """The mean with its percentile bootstrap interval, drawing the pictures anew with replacement.

    Raises ValueError for no values, and for values that are not finite.

    >>> bootstrap_interval([0.5, 0.5, 0.5])
    Interval(mean=0.5, low=0.5, high=0.5, count=3)
    """
    data = np.asarray(values, dtype=float).ravel()
    if not data.size or not np.isfinite(data).all():
        raise ValueError(f"expected at least one finite score, got {data.size} of which not all are finite")
    mean = float(data.mean())
    if data.size == 1:
        return Interval(mean, np.nan, np.nan, 1)
    ends = bootstrap(
        (data,),
        np.mean,
        confidence_level=confidence,
        n_resamples=resamples,
        # Some 2 MB at a time, whatever the number of pictures.
        batch=max(1, 250_000 // data.size),
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(ends.low), float(ends.high), data.size)
