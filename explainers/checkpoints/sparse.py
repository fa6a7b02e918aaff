"""Weights most of which are zero, as the other values and bits: a pruned network stored as small as it is.

In place of the entry `NAME` there are `NAME#values` (those that are not zero, in their order), `NAME#bits` (uint8, a
bit for each value, the lowest of a byte first, 1 where it is not zero) and `NAME#shape` (int64); where there are zeros
with a minus, `NAME#minus` is such bits, too: a mask of pruning makes them of negative weights. A few bits stand for
many values, so only files of one's own are read so.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from explainers.checkpoints.errors import CheckpointError
from explainers.checkpoints.keys import State
from explainers.checkpoints.torch_files import check_size, short

VALUES, BITS, SHAPE, MINUS = "#values", "#bits", "#shape", "#minus"
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
MAX_DIMENSIONS = 8


def pack(state: State) -> State:
    """`state`, on the processor, with every tensor of `DTYPES` that takes less room so in that form; nothing is lost.

    >>> packed = pack({"weight": torch.tensor([[0.0, 0.0, 2.0, 0.0] * 8]), "bias": torch.tensor([1.0])})
    >>> {name: tuple(value.shape) for name, value in packed.items()}
    {'weight#values': (8,), 'weight#bits': (4,), 'weight#shape': (2,), 'bias': (1,)}
    >>> unpack(packed)["weight"].nonzero()[:, 1].tolist()
    [2, 6, 10, 14, 18, 22, 26, 30]
    """
    packed: State = {}
    for name, value in state.items():
        parts = {name + ending: part for ending, part in _parts(value)} if value.dtype in DTYPES else {name: value}
        packed |= parts if sum(map(_bytes, parts.values())) < _bytes(value) else {name: value}
    return packed


def unpack(state: State) -> State:
    """`state` with all tensors whole.

    Raises CheckpointError where the parts of one do not fit together, or where all would be too large.
    """
    names = [key.removesuffix(VALUES) for key in state if key.endswith(VALUES)]
    shapes = {name: _shape(name, state) for name in names}
    check_size(sum(math.prod(shape) * state[name + VALUES].element_size() for name, shape in shapes.items()))
    parts = {name + ending for name in shapes for ending in (VALUES, BITS, SHAPE, MINUS)}
    whole = {name: _whole(name, state, shape) for name, shape in shapes.items()}
    return {key: value for key, value in state.items() if key not in parts} | whole


def _parts(value: Tensor) -> Iterator[tuple[str, Tensor]]:
    there, negative = (value != 0).flatten(), value.signbit().flatten()
    yield VALUES, value.flatten()[there]
    yield BITS, _bits(there)
    yield SHAPE, torch.tensor(value.shape, dtype=torch.int64)
    if (negative & ~there).any():
        yield MINUS, _bits(negative & ~there)


def _shape(name: str, state: State) -> tuple[int, ...]:
    """Raises CheckpointError where parts are missing, are none, or are not as many bits as the shape asks for."""
    try:
        values, bits, shape = (state[name + ending] for ending in (VALUES, BITS, SHAPE))
    except KeyError:
        raise _misfit(name) from None
    plain = values.dim() == shape.dim() == 1 and len(shape) <= MAX_DIMENSIONS and shape.dtype == torch.int64
    if not plain or values.dtype not in DTYPES or name in state:
        raise _misfit(name)
    sizes = tuple(int(length) for length in shape)
    places = (-(-math.prod(sizes) // 8),)
    for one in (bits, state.get(name + MINUS, bits)):
        if min(sizes, default=1) < 1 or one.dtype != torch.uint8 or one.shape != places:
            raise _misfit(name)
    return sizes


def _whole(name: str, state: State, shape: tuple[int, ...]) -> Tensor:
    values, there = state[name + VALUES], _flags(state[name + BITS])
    count = math.prod(shape)
    if int(there.sum()) != len(values) or there[count:].any():
        raise _misfit(name)
    whole = values.new_zeros(count)
    if name + MINUS in state:
        whole[_flags(state[name + MINUS])[:count]] = -0.0
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


def _misfit(name: str) -> CheckpointError:
    return CheckpointError(
        f"expected values, bits and shape of a sparse tensor that fit together under '{short(name)}', got such that do "
        f"not; save or copy the file again"
    )
