"""How sure one can be of a mean over pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# So many places are drawn at once: some 2 MB, whatever the number of pictures.
DRAWN = 250_000


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
    means = np.concatenate([data[places].mean(-1) for places in _draws(data.size, resamples, seed)])
    low, high = np.percentile(means, [50 * (1 - confidence), 50 * (1 + confidence)])
    return Interval(mean, float(low), float(high), data.size)


def _draws(size: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Places among `size` pictures, (resamples, size) in parts."""
    if size * resamples <= DRAWN:
        yield _few_draws(size, resamples, seed)
        return
    random, most = np.random.default_rng(seed), max(1, DRAWN // size)
    for start in range(0, resamples, most):
        yield random.integers(0, size, (min(most, resamples - start), size))


@lru_cache(maxsize=4)
def _few_draws(size: int, resamples: int, seed: int) -> np.ndarray:
    # A page draws the intervals of hundreds of points, all of as many pictures.
    return np.random.default_rng(seed).integers(0, size, (resamples, size))
