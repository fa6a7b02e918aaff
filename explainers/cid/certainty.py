r"""How far the mean of a map may be from that of the map which meets the constraint.

The noise of a closed form moves a curved layer by another amount than it may: E = E‖f'−f‖² / (β δ_f²) is not 1. Where h
is linear on the scale of the noise, E grows with the square of a common factor of σ, and to meet the constraint the
mean would have to move by

.. math:: -\tfrac12\log E

That is the least that is wrong with it: what lies beyond `LOSS_TOLERANCE` is no answer to hold against others.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explainers.cid.results import LOSS_TOLERANCE, CIDResult

Numbers = NDArray[np.float64]


def misfit(constraint: float | None) -> float:
    """½ |log E| in nats: what the mean has to move for the constraint to hold; NaN where it was not measured.

    >>> round(misfit(21.9), 2), misfit(1.0), misfit(None)
    (1.54, 0.0, nan)
    """
    if constraint is None or math.isnan(constraint):
        return math.nan
    return 0.5 * abs(math.log(constraint)) if constraint > 0 else math.inf


def mean_uncertainty(said: Mapping[str, Any]) -> float:
    """What the mean of a map may be off by, in nats: its standard error, the misfit, and what is lost with its error.

    `said` are the `numbers` of a result, or the columns of a sweep's row, which have the same names. NaN before the
    constraint was measured, and where a method has none. Where `loss_unknown`, it is the least that it may be off by.

    >>> round(mean_uncertainty({"mean_error": 0.01, "constraint": 1.0, "loss": 0.03, "converged": True}), 4)
    0.0316
    """
    return math.hypot(_off(said), _known(said, "loss"), _known(said, "loss_error"))


def loss_unknown(said: Mapping[str, Any]) -> bool:
    """Whether nobody has measured how far the mean of a map lies below its maximum; false without a constraint.

    So it is of RU where its decoder bends, of the published descent, and of a closed form that misses its constraint.

    >>> loss_unknown({"constraint": 1.0, "loss": math.nan}), loss_unknown({"constraint": 1.0, "loss": 0.03})
    (True, False)
    """
    loss = said.get("loss")
    return said.get("constraint") is not None and (loss is None or math.isnan(loss))


def is_least(said: Mapping[str, Any]) -> bool:
    """Whether a mean of RU is the least that it can be, since its loss is unknown; false of any other.

    The solver of RU climbs towards the noise with which the picture is hardest to recover.

    >>> is_least({"constraint": 1.0, "loss": math.nan, "decoder_share": 0.9})
    True
    >>> is_least({"constraint": 1.0, "loss": 0.01, "decoder_share": 0.9}), is_least({"constraint": 1.0})
    (False, False)
    """
    return loss_unknown(said) and "decoder_share" in said


def is_certain(said: Mapping[str, Any]) -> bool:
    """Whether the mean is known within `LOSS_TOLERANCE`, as far as the constraint tells; true without a constraint.

    >>> is_certain({"mean_error": 0.0, "constraint": 21.9}), is_certain({"mean_error": 0.0, "constraint": 0.95})
    (False, True)
    >>> is_certain({"mean": 0.5})
    True
    """
    if said.get("constraint") is None or said.get("converged"):
        return True
    return _off(said) <= LOSS_TOLERANCE


def uncertain(constraint: Numbers, mean_error: Numbers, converged: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same for many maps at once, true where the mean is not known well; false where no constraint was measured.

    >>> uncertain(np.array([0.95, 21.9, np.nan]), np.zeros(3), np.zeros(3, bool)).tolist()
    [False, True, False]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.hypot(np.nan_to_num(mean_error), np.abs(np.log(constraint)) / 2)
    return (off > LOSS_TOLERANCE) & ~converged


def count_uncertain(result: CIDResult) -> int:
    """Of how many of the pictures the mean is not certain."""
    names = ("constraint", "mean_error", "converged")
    said = ({name: getattr(result, name)[place].item() for name in names} for place in range(len(result.mean)))
    return sum(not is_certain(one) for one in said)


def _off(said: Mapping[str, Any]) -> float:
    return math.hypot(_known(said, "mean_error"), misfit(said.get("constraint")))


def _known(said: Mapping[str, Any], name: str) -> float:
    value = said.get(name)
    return 0.0 if value is None or math.isnan(value) else value
