"""Records, and whether two are the same to the last bit."""

import math
from dataclasses import fields, is_dataclass

import numpy as np
import torch
from torch import Tensor

from explainers.baselines.explain import Explanation


def same(one, other) -> bool:
    """Equal in type and to the last bit."""
    if type(one) is not type(other):
        return False
    if is_dataclass(one):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Tensor):
        return one.dtype == other.dtype and one.shape == other.shape and same(one.numpy(), other.numpy())
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    return one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


def explanation(number: float) -> Explanation:
    return Explanation(torch.full((1, 1, 4, 4), number), torch.tensor([3]), 1.0, 1.0, 0.5)
