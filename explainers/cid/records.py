"""Choosing between two records of tensors picture by picture."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


def choose(first_where: Tensor, first: Record, second: Record) -> Record:
    """The record `second`, with the entries of `first` for pictures where `first_where` (B,) is true.

    Tensors are (B, ...); records inside records are followed; anything else is taken from `second`.
    """
    chosen: dict[str, Any] = {}
    for field in fields(second):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if isinstance(other, Tensor):
            chosen[field.name] = torch.where(first_where.view(-1, *[1] * (other.dim() - 1)), one, other)
        elif is_dataclass(other):
            chosen[field.name] = choose(first_where, one, other)
    return replace(second, **chosen)
