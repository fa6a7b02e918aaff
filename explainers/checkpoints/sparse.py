"""Weights most of which are zero, as the other values and bits: a pruned network stored as small as it is.

In place of the entry `NAME` there are `NAME.compressed` (the values that are not zero, in their order), `NAME.bitmask`
(uint8, a bit for each value, the lowest of a byte first, 1 where it is not zero) and `NAME.shape` (int64); where
there are zeros with a minus, `NAME.negative` is such bits, too: a mask of pruning makes them of negative weights.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from explainers.checkpoints.errors import CheckpointError
from explainers.checkpoints.keys import State
from explainers.checkpoints.torch_files import check_size, short

VALUES, MASK, SHAPE, NEGATIVE = ".compressed", ".bitmask", ".shape", ".negative"


def pack(state: State) -> State:
    """`state` with every tensor of numbers that takes less room so in that form; nothing is lost.

    >>> packed = pack({"weight": torch.tensor([[0.0, 0.0, 2.0, 0.0] * 8]), "bias": torch.tensor([1.0])})
    >>> {name: tuple(value.shape) for name, value in packed.items()}
    {'weight.compressed': (8,), 'weight.bitmask': (4,), 'weight.shape': (2,), 'bias': (1,)}
    >>> unpack(packed)["weight"].nonzero()[:, 1].tolist()
    [2, 6, 10, 14, 18, 22, 26, 30]
    """
    packed: State = {}
    for name, value in state.items():
        parts = {name + ending: part for ending, part in _parts(value)}
        packed |= parts if sum(map(_bytes, parts.values())) < _bytes(value) else {name: value}
    return packed


def unpack(state: State) -> State:
    """`state` with all tensors whole.

    Raises CheckpointError where the parts of one do not fit together, or where all would be too large.
    """
    names = [key.removesuffix(VALUES) for key in state if key.endswith(VALUES)]
    shapes = {name: _shape(name, state) for name in names if name + MASK in state and name + SHAPE in state}
    check_size(sum(math.prod(shape) * state[name + VALUES].element_size() for name, shape in shapes.items()))
    parts = {name + ending for name in shapes for ending in (VALUES, MASK, SHAPE, NEGATIVE)}
    whole = {name: _whole(name, state, shape) for name, shape in shapes.items()}
    return {key: value for key, value in state.items() if key not in parts} | whole


def _parts(value: Tensor) -> Iterator[tuple[str, Tensor]]:
    there, negative = (value != 0).flatten(), value.signbit().flatten()
    yield VALUES, value.flatten()[there]
    yield MASK, _bits(there)
    yield SHAPE, torch.tensor(value.shape, dtype=torch.int64)
    if (negative & ~there).any():
        yield NEGATIVE, _bits(negative & ~there)


def _shape(name: str, state: State) -> tuple[int, ...]:
    """Raises CheckpointError where the bits are not as many as that shape asks for."""
    values, shape, bits = state[name + VALUES], state[name + SHAPE], [state[name + MASK]]
    bits += [state[name + NEGATIVE]] if name + NEGATIVE in state else []
    plain = values.dim() == shape.dim() == 1 and shape.dtype == torch.int64
    sizes = tuple(int(length) for length in shape) if plain else (-1,)
    if min(sizes, default=1) < 0 or any(
        one.dtype != torch.uint8 or one.shape != (-(-math.prod(sizes) // 8),) for one in bits
    ):
        raise CheckpointError(_misfit(name))
    return sizes


def _whole(name: str, state: State, shape: tuple[int, ...]) -> Tensor:
    values, there = state[name + VALUES], _flags(state[name + MASK])
    count = math.prod(shape)
    if int(there.sum()) != len(values) or there[count:].any():
        raise CheckpointError(_misfit(name))
    whole = values.new_zeros(count)
    if name + NEGATIVE in state:
        whole[_flags(state[name + NEGATIVE])[:count]] = -0.0
    whole[there[:count]] = values
    return whole.view(shape)


def _bits(flags: Tensor) -> Tensor:
    """Eight to a byte, (n,) -> (⌈n/8⌉,)."""
    padded = torch.nn.functional.pad(flags, (0, -len(flags) % 8)).view(-1, 8)
    return (padded * (1 << torch.arange(8))).sum(1).to(torch.uint8)


def _flags(bits: Tensor) -> Tensor:
    """One for each bit, (m,) -> (8 m,)."""
    return (bits.unsqueeze(1) >> torch.arange(8, dtype=torch.uint8)).bitwise_and(1).bool().flatten()


def _bytes(value: Tensor) -> int:
    return value.numel() * value.element_size()


def _misfit(name: str) -> str:
    return (
        f"expected values, bits and shape of a sparse tensor that fit together under '{short(name)}', got such that do "
        f"not; save or copy the file again"
    )
