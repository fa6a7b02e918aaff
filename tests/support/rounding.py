"""What rounding can do to the order of pixels: tolerances that follow from the values, not from a machine."""

import numpy as np
from scipy.stats import rankdata


def order_slack(one: np.ndarray, other: np.ndarray) -> float:
    """How far the orders of two computations of one map lie apart, as unit vectors: ‖û′ − û‖ ≤ 2 ‖u′ − u‖ / ‖u‖.

    Near ties that change places are counted so, each by its ranks. A rank correlation of two maps may differ by the sum
    of their slacks, since |û′·v̂′ − û·v̂| ≤ ‖û′ − û‖ + ‖v̂′ − v̂‖.

    >>> order_slack(np.array([0.0, 1.0, 1.1, 5.0]), np.array([0.0, 1.05, 1.1, 9.0]))
    0.0
    """
    ranks, others = rankdata(one), rankdata(other)
    moved = float(np.linalg.norm(others - ranks))
    return 2 * moved / float(np.linalg.norm(ranks - ranks.mean())) if moved else 0.0
