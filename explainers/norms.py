"""Euclidean lengths."""

from typing import Any

import torch
from torch import Tensor

# Torch gives no types for its linear algebra.
LINALG: Any = torch.linalg


def norm(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """√Σx², over one axis or all.

    >>> norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    return LINALG.vector_norm(x, dim=dim, keepdim=keepdim)
