"""What the estimators take; everything else is refused in one sentence."""

import math
from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from explainers.information_flow.records import MOST_UNITS


def check_sigma(sigma: float) -> float:
    """σ as it came; ValueError where it is no noise at all."""
    if not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"expected a noise σ above 0, got {sigma:g}; without noise ask `deterministic_information`")
    if not 0 < float(sigma) * float(sigma) < math.inf:
        raise ValueError(
            f"expected a noise σ whose square is a number, got {sigma:g}; give units and noise another scale"
        )
    return float(sigma)


def check_tensor(name: str, values: object) -> None:
    """ValueError for an array, a list or whatever else is no tensor."""
    if not isinstance(values, Tensor):
        raise ValueError(f"expected {name} as a tensor, got {type(values).__name__}; make one with torch.as_tensor")


def check_seed(seed: object) -> None:
    """ValueError for what no random numbers begin with."""
    if not isinstance(seed, Integral) or int(seed) < 0:
        raise ValueError(f"expected a seed that is a whole number from 0 on, got {seed!r}; 0 is usual")


def check_points(points: Tensor, least: int = 1) -> Tensor:
    """Points (n, d) in double precision; ValueError for another shape, too few of them, or what is not finite.

    Metal knows no double precision: what lies there comes to the processor.
    """
    check_tensor("points", points)
    if points.ndim != 2 or not points.shape[1]:
        raise ValueError(f"expected points of shape (n, d), got {tuple(points.shape)}; flatten every sample to d units")
    if len(points) < least:
        raise ValueError(f"expected at least {least} samples, got {len(points)}; give more of them")
    points = points.detach()
    points = (points.cpu() if points.device.type == "mps" else points).double()
    if not points.isfinite().all():
        raise ValueError("expected finite numbers, got NaN or infinity among them; leave those samples out")
    return points


def check_units(d: int, force: bool) -> None:
    """ValueError for more units than an estimate can make sense of, unless forced."""
    if d > MOST_UNITS and not force:
        raise ValueError(
            f"expected at most {MOST_UNITS} units, got {d}, for which no number of samples is enough; "
            "take a smaller layer, or pass force=True for the number all the same"
        )


def check_count(name: str, value: int, least: int = 1) -> int:
    """A whole number of at least so many; else ValueError."""
    if not isinstance(value, Integral):
        raise ValueError(f"expected a whole number of {name}, got {value}; leave the decimals out")
    if value < least:
        raise ValueError(f"expected at least {least} {name}, got {value}; ask for more")
    return value


def check_confidence(confidence: float) -> float:
    """A share between 0 and 1; else ValueError."""
    if not 0 < confidence < 1:
        raise ValueError(f"expected a confidence between 0 and 1, got {confidence:g}; 0.95 is usual")
    return confidence


def check_labels(labels: Tensor, n: int) -> Tensor:
    """Labels (n,) as numbers 0, 1, … of the classes that occur; ValueError for another number of them."""
    check_tensor("labels", labels)
    if labels.shape != (n,):
        raise ValueError(f"expected one label for each of {n} samples, got labels of shape {tuple(labels.shape)}")
    if labels.is_floating_point() and not labels.isfinite().all():
        raise ValueError("expected labels that are numbers, got NaN or infinity among them; leave those samples out")
    return torch.as_tensor(np.unique(labels.detach().cpu().numpy(), return_inverse=True)[1], device=labels.device)
