"""Choosing between two records of tensors picture by picture."""

from dataclasses import fields, is_dataclass, replace

import torch
from torch import Tensor


def choose(first_where, first, second):
    """The record `second`, with the entries of `first` for pictures where `first_where` (B,) is true.

    Tensors are (B, ...); records inside records are followed; anything else is taken from `second`.
    """
    if isinstance(second, Tensor):
        return torch.where(first_where.view(-1, *[1] * (second.dim() - 1)), first, second)
    if not is_dataclass(second):
        return second
    names = [f.name for f in fields(second)]
    return replace(second, **{n: choose(first_where, getattr(first, n), getattr(second, n)) for n in names})
