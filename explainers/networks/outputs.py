"""The scores in what a network gives out, for all the shapes in which networks give them."""

from collections.abc import Mapping

from torch import Tensor

NAMES = ("out", "logits")


def scores_in(output: object) -> Tensor | None:
    """The tensor of scores: itself, the first of a tuple, `out` or `logits` of a dictionary; None without one.

    >>> import torch
    >>> scores_in({"out": torch.ones(1), "aux": torch.zeros(1)})
    tensor([1.])
    """
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping):
        return next((output[name] for name in NAMES if isinstance(output.get(name), Tensor)), None)
    if isinstance(output, tuple | list):
        return scores_in(output[0]) if output else None
    return None


def described(output: object) -> str:
    """What a network or layer gave, for a sentence."""
    if isinstance(output, Tensor):
        return f"{str(output.dtype).removeprefix('torch.')} of shape {tuple(output.shape)}"
    return f"a {type(output).__name__}"
