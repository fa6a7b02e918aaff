"""Inputs that nobody has to look at."""

import torch
from torch import Tensor


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Draws of N(0, 1), the same every time."""
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def picture(count: int = 2) -> Tensor:
    """Small pictures (count, 3, 12, 12), always the same."""
    return normal(count, 3, 12, 12, seed=1, dtype=torch.float32)
