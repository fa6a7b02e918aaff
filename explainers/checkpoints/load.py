"""Weights files: tensors in, nothing else. No file is ever unpickled."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

import safetensors.torch
import torch
from torch import Tensor, nn

from explainers.checkpoints.errors import CheckpointError, Misshapen
from explainers.checkpoints.keys import COUNTER, Alignment, Entries, Expected, State, plain_keys, weight_sets
from explainers.checkpoints.process import convert_apart
from explainers.checkpoints.sparse import unpack
from explainers.checkpoints.torch_files import (
    MAX_BYTES,
    MAX_HEADER,
    OUTLINE,
    TOO_LONG,
    as_safetensors,
    check_count,
    check_size,
    short,
)
from explainers.nested import is_mapping

# A number of classes that is no width of any layer.
TELLTALE = 99_991
MAX_CLASSES = 100_000
SHOWN = 3
# As `outline` gives it: pairs of what is a dictionary, the number of a tensor, the kind of anything else.
Outline: TypeAlias = "list[tuple[str, Outline]] | int | str"
# Safetensors gives no types for it.
OPEN: Any = safetensors.safe_open
DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
)


def read_state_dict(source: bytes | Path) -> State:
    """The tensors of a `.safetensors` file or one of torch.save, told apart by content, out of the usual containers.

    Of several sets of weights the first. Raises CheckpointError for anything that is not a dictionary of tensors.

    >>> state = read_state_dict(safetensors.torch.save({"fc.weight": torch.zeros(2, 3)}))
    >>> state["fc.weight"].shape
    torch.Size([2, 3])
    """
    return next(iter(read_weight_sets(source).values()))


def read_header(path: Path) -> dict[str, str]:
    """The texts in the header of a `.safetensors` file. Raises OSError or SafetensorError where it is none."""
    with OPEN(path, "pt") as file:
        return file.metadata() or {}


def read_weight_sets(source: bytes | Path, wanted: Callable[[], None] = lambda: None) -> dict[str, State]:
    """Every set of weights in a file (the network's, its average's …) by the name it has there, '' for the only one.

    A file is one's own, and may be packed (`sparse.py`); bytes come from anywhere, so they may not, and those of
    torch.save are read in a process of their own, and `wanted` is called meanwhile: what it raises ends that. Raises
    CheckpointError as `read_state_dict`.
    """
    check_size(len(source) if isinstance(source, bytes) else source.stat().st_size)
    if isinstance(source, bytes):
        safe = source[8:9] == b"{"
        return unwrap_sets(_tensors(source) if safe else _rebuilt(convert_apart(source, wanted)))
    with source.open("rb") as file:
        safe = file.read(9)[8:] == b"{"
        file.seek(0)
        return unwrap_sets(unpack(_tensors(file.read())) if safe else _rebuilt(b"".join(as_safetensors(file))))


def _tensors(data: bytes) -> State:
    if int.from_bytes(data[:8], "little") > MAX_HEADER:
        raise CheckpointError(TOO_LONG)
    try:
        stored = safetensors.torch.load(data)
    # MemoryError and overflow among them, where the header lies about sizes.
    except Exception as error:
        raise CheckpointError("expected a safetensors file, got one that is damaged; save or copy it again") from error
    check_count(len(stored))
    return stored


def _rebuilt(data: bytes) -> object:
    """What a file of torch.save held, from `as_safetensors`."""
    tensors = safetensors.torch.load(data)
    length = int.from_bytes(data[:8], "little")
    found: Outline = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][OUTLINE])

    def value(node: Outline) -> object:
        if isinstance(node, list):
            return {key: value(inner) for key, inner in node}
        return tensors[str(node)] if isinstance(node, int) else Left(node)

    return value(found)


@dataclass(frozen=True)
class Left:
    """Something in a file that is neither a tensor nor a container, and is left there."""

    kind: str


def unwrap_sets(loaded: object) -> dict[str, State]:
    """The sets of weights inside the usual containers, their names without the segments of wrappers.

    Raises CheckpointError where something else than plain tensors is left.

    >>> list(unwrap_sets({"epoch": 3, "state_dict": {"module.fc.bias": torch.zeros(2)}})["state_dict"])
    ['fc.bias']
    """
    if not is_mapping(loaded) or not loaded:
        kind = getattr(loaded, "kind", type(loaded).__name__).rstrip(",")
        got = "an empty one" if is_mapping(loaded) else kind
        raise CheckpointError(f"expected a dictionary of named tensors, got {got}; save model.state_dict()")
    sets = weight_sets(loaded)
    check_count(sum(map(len, sets.values())))
    states = {name: dict(_named_tensors(entries)) for name, entries in sets.items()}
    # A tensor's strides can make a few stored bytes look like any number of them.
    check_size(sum(value.numel() * value.element_size() for state in states.values() for value in state.values()))
    return {name: plain_keys(state) for name, state in states.items()}


def _named_tensors(entries: Entries) -> Iterator[tuple[str, Tensor]]:
    for key, value in entries.items():
        if not isinstance(key, str) or not _is_plain(value):
            raise CheckpointError(
                f"expected plain tensors under names, got {_kind(value)} under '{short(key)}'; "
                f"save model.state_dict() alone, not quantised"
            )
        yield key, value


def _is_plain(value: object) -> TypeGuard[Tensor]:
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and value.dtype in DTYPES
    )


def _kind(value: object) -> str:
    if isinstance(value, Left):
        return value.kind
    return f"a tensor of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__


def fit(build: Callable[[int], nn.Module], classes: int, found: Alignment, title: str, advice: str = "") -> nn.Module:
    """A network with the weights of `found` in float32, with as many classes as its head has rows.

    `classes` is the number where the head does not tell. Raises CheckpointError where names or shapes do not fit, with
    `advice` at its end, where weights are not finite, or there are more than 100,000 classes.
    """
    classes = _classes(expected_shapes(build), found.state, classes)
    with torch.device("meta"):
        net = build(classes)
    expected = net.state_dict()
    size = sum(value.numel() * value.element_size() for value in expected.values())
    if size > MAX_BYTES:
        raise CheckpointError(
            f"expected a network of at most 1 GiB in float32, got one of {size / 2**30:.1f} GiB; check the file's last "
            f"layer"
        )
    _compare(expected, found, title, advice or "Choose the architecture that the file was made for.")
    # Files from before PyTorch 1.0 lack the counters of batch normalisation, which evaluation does not use.
    state = {k: torch.zeros_like(v, device="cpu") for k, v in expected.items() if k.endswith(COUNTER)} | found.state
    cast = {key: _cast(key, state[key], expected[key].dtype) for key in expected}
    net.load_state_dict(cast, assign=True)
    return net.eval().requires_grad_(False)


def expected_shapes(build: Callable[[int], nn.Module]) -> Expected:
    """Names and shapes of a network's entries, None for the lengths that follow the number of classes.

    >>> expected_shapes(lambda classes: nn.Linear(4, classes))
    {'weight': (None, 4), 'bias': (None,)}
    """
    with torch.device("meta"):
        entries = build(TELLTALE).state_dict()
    return {key: tuple(None if n == TELLTALE else n for n in value.shape) for key, value in entries.items()}


def _classes(expected: Expected, state: State, default: int) -> int:
    """The number of rows of those weights whose shape depends on the number of classes."""
    heads = [(key, shape.index(None)) for key, shape in expected.items() if None in shape and key in state]
    head = next(((key, axis) for key, axis in heads if state[key].dim() == len(expected[key])), None)
    classes = state[head[0]].shape[head[1]] if head else default
    if not 1 <= classes <= MAX_CLASSES:
        raise CheckpointError(f"expected 1 to {MAX_CLASSES:,} classes, got {classes:,}; check the file's last layer")
    return classes


def _compare(expected: State, found: Alignment, title: str, advice: str) -> None:
    misshapen = tuple(
        Misshapen(key, tuple(found.state[key].shape), tuple(value.shape))
        for key, value in expected.items()
        if key in found.state and found.state[key].shape != value.shape
    )
    if found.missing or found.unexpected or misshapen:
        entries = (
            (found.missing, "missing"),
            (found.unexpected, "unexpected"),
            (misshapen, "of another shape"),
        )
        words = "; ".join(f"{len(items)} {what} ({_some(items)})" for items, what in entries if items)
        raise CheckpointError(
            f"expected the weights of {title}, got a file with entries that do not fit: {words}. {advice}",
            found.missing,
            found.unexpected,
            misshapen,
        )


def _cast(key: str, value: Tensor, dtype: torch.dtype) -> Tensor:
    if dtype.is_floating_point and not value.is_floating_point():
        raise CheckpointError(f"expected floating point in '{key}', got {value.dtype}; save the weights unquantised")
    cast = value.detach().to(dtype).contiguous()
    # The extremes, which NaN spreads to, need one pass and no memory of their own.
    if cast.numel() and not torch.stack(cast.aminmax()).isfinite().all():
        raise CheckpointError(f"expected finite weights, got NaN or infinity in '{key}'; use an earlier checkpoint")
    return cast


def _some(items: tuple[str | Misshapen, ...]) -> str:
    return ", ".join(short(item, 200) for item in items[:SHOWN]) + (", …" if len(items) > SHOWN else "")
