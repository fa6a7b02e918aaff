r"""How alike two maps of one picture are: whether they order its cells alike, and name the same ones as the first.

.. math::

   \rho = \mathrm{corr}\big(\mathrm{rank}(I^A),\ \mathrm{rank}(I^B)\big), \qquad
   o = \frac1k \sum_c \min(m^A_c,\ m^B_c)

over cells c of importance I, where m is 1 on the k = n/10 most important cells of a map and 0 elsewhere, and cells of
equal importance at the end of the k share what is left. By chance ρ is 0 and o is 0.1.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

Values = NDArray[np.floating[Any]]
TOP = 0.1


def common_shape(first: tuple[int, int], second: tuple[int, int], most: int = 96) -> tuple[int, int]:
    """Rows and columns of the finest cells that are whole cells of both maps, at most so many along a side.

    >>> common_shape((32, 32), (32, 32)), common_shape((224, 224), (16, 16)), common_shape((224, 224), (224, 224))
    ((32, 32), (16, 16), (56, 56))
    """
    rows, columns = (_divisor(math.gcd(one, other), most) for one, other in zip(first, second, strict=True))
    return rows, columns


def _divisor(number: int, most: int) -> int:
    return max(part for part in range(1, min(number, most) + 1) if number % part == 0)


def on_cells(values: Values, shape: tuple[int, int]) -> NDArray[np.float64]:
    """The mean of what is bounded in each of rows × columns equal cells; +inf where nothing is.

    Raises ValueError for a shape that does not divide the map's.

    >>> on_cells(np.array([[1.0, 3.0], [np.inf, 4.0], [np.inf, np.inf]]), (3, 1)).ravel().tolist()
    [2.0, 4.0, inf]
    """
    (height, width), (rows, columns) = values.shape, shape
    if height % rows or width % columns:
        raise ValueError(f"expected a number of cells that divides a map of {height}×{width}, got {rows}×{columns}")
    blocks = values.astype(np.float64).reshape(rows, height // rows, columns, width // columns)
    bounded = np.isfinite(blocks)
    total, count = np.where(bounded, blocks, 0).sum((1, 3)), bounded.sum((1, 3))
    return np.divide(total, count, out=np.full(shape, np.inf), where=count > 0)


def shares_below(values: Values) -> NDArray[np.float64]:
    """The place of each cell in the order of the map, from 0, the lowest, to 1; equal values share theirs.

    It has no unit, so that maps in different units can be held against each other.

    >>> shares_below(np.array([[1.0, 5.0], [np.inf, 5.0]])).tolist()
    [[0.0, 0.5], [1.0, 0.5]]
    """
    flat = values.ravel()
    order = np.sort(flat)
    below, up_to = np.searchsorted(order, flat, "left"), np.searchsorted(order, flat, "right")
    return ((below + up_to - 1) / 2 / max(len(flat) - 1, 1)).reshape(values.shape)


def rank_correlation(first: Values, second: Values) -> float:
    """Spearman's ρ of two maps of importance with equal cells; NaN where one of them has no order.

    >>> rank_correlation(np.array([1.0, 2.0, 9.0]), np.array([0.0, 5.0, np.inf])), rank_correlation(*np.ones((2, 3)))
    (1.0, nan)
    """
    if _flat(first) or _flat(second):
        return math.nan
    found: Any = spearmanr(first.ravel(), second.ravel())
    return round(float(found.statistic), 12)


def top_overlap(first: Values, second: Values, share: float = TOP) -> float:
    """The share o of the most important cells of one map that are among those of the other; NaN without an order.

    >>> top_overlap(np.arange(20.0), np.arange(20.0)), top_overlap(np.arange(20.0), -np.arange(20.0))
    (1.0, 0.0)
    """
    if _flat(first) or _flat(second):
        return math.nan
    top = max(1.0, share * first.size)
    return float(np.minimum(_members(first.ravel(), top), _members(second.ravel(), top)).sum() / top)


def _flat(values: Values) -> bool:
    return bool((values == values.flat[0]).all())


def _members(values: Values, top: float) -> NDArray[np.float64]:
    """How far each cell belongs to the `top` highest, 0..1; it sums to `top`."""
    order = np.sort(values)[::-1]
    last = order[min(math.ceil(top), len(order)) - 1]
    above, ties = values > last, values == last
    return above + ties * (top - above.sum()) / ties.sum()
