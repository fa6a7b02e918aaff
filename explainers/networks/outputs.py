"""The tensors and scores in what a network gives out, for all the shapes in which networks give them."""

from collections.abc import Iterator

from torch import Tensor

from explainers.nested import is_mapping, is_sequence

NAMES = ("out", "logits")


def scores_in(output: object) -> Tensor | None:
    """The tensor of scores: itself, the first of a tuple, `out` or `logits` of a dictionary; None without one.

    >>> import torch
    >>> scores_in({"out": torch.ones(1), "aux": torch.zeros(1)})
    tensor([1.])
    """
    if isinstance(output, Tensor):
        return output
    if is_mapping(output):
        return next((scores for name in NAMES if isinstance(scores := output.get(name), Tensor)), None)
    if is_sequence(output):
        return scores_in(output[0]) if output else None
    return None


def tensors_in(value: object) -> Iterator[Tensor]:
    """The tensors among the items and values, in their order.

    >>> [int(t) for t in tensors_in((torch.tensor(1), {"a": [torch.tensor(2), "three"]}))]
    [1, 2]
    """
    if isinstance(value, Tensor):
        yield value
    elif is_mapping(value):
        for item in value.values():
            yield from tensors_in(item)
    elif is_sequence(value):
        for item in value:
            yield from tensors_in(item)


def described(output: object) -> str:
    """What a network or layer gave, for a sentence."""
    if isinstance(output, Tensor):
        return f"{str(output.dtype).removeprefix('torch.')} of shape {tuple(output.shape)}"
    return f"a {type(output).__name__}"
