"""Records, and whether two are the same to the last bit."""

import hashlib
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


def alike(one, other, share: float = 1e-3) -> bool:
    """The same but for numbers, which may be off by a `share` of the largest beside them, and for what it took."""
    if type(one) is not type(other):
        return False
    if is_dataclass(one):
        names = [field.name for field in fields(one) if field.name != "seconds"]
        return all(alike(getattr(one, name), getattr(other, name), share) for name in names)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[k], other[k], share) for k in one if k != "seconds")
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(alike(a, b, share) for a, b in zip(one, other, strict=True))
    if isinstance(one, Tensor | np.ndarray | float):
        first, second = np.asarray(one), np.asarray(other)
        if not np.issubdtype(first.dtype, np.floating):
            return np.array_equal(first, second)
        largest = np.abs(first[np.isfinite(first)]).max(initial=0)
        return first.shape == second.shape and np.allclose(first, second, rtol=0, atol=share * largest, equal_nan=True)
    return one == other


def digest(*arrays: np.ndarray) -> str:
    """SHA-256 of what is in them."""
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


def explanation(number: float) -> Explanation:
    return Explanation(torch.full((1, 1, 4, 4), number), torch.tensor([3]), 1.0, 1.0, 0.5)
