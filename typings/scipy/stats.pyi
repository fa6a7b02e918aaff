from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

class _Interval(NamedTuple):
    low: np.float64
    high: np.float64

class _Bootstrapped:
    confidence_interval: _Interval

def bootstrap(
    data: Sequence[np.ndarray],
    statistic: Callable[..., np.ndarray | np.floating],
    *,
    n_resamples: int = 9999,
    batch: int | None = None,
    confidence_level: float = 0.95,
    method: str = "BCa",
    rng: np.random.Generator | None = None,
) -> _Bootstrapped: ...

class _Correlation(NamedTuple):
    statistic: np.float64
    pvalue: np.float64

def spearmanr(a: ArrayLike, b: ArrayLike) -> _Correlation: ...
def rankdata(a: np.ndarray, *, axis: int | None = None) -> np.ndarray: ...

class _Student:
    def ppf(self, q: float, df: float) -> np.float64: ...

t: _Student
