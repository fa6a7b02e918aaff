"""Weights files: tensors in, nothing else. No file is ever unpickled."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from explainers.checkpoint_keys import COUNTER, Alignment, Expected, State, alignments, plain_keys, weight_sets

MAX_BYTES = 1 << 30
MAX_ENTRIES = 20_000
MAX_HEADER = 16 << 20
MAX_CLASSES = 100_000
SHOWN = 3
DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
)


@dataclass(frozen=True)
class Misshapen:
    """An entry whose shape is not the network's."""

    key: str
    shape: tuple[int, ...]
    expected: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.key} is {_times(self.shape)} instead of {_times(self.expected)}"


class CheckpointError(ValueError):
    """A weights file that cannot be used, and why, in one sentence.

    Where it holds tensors that do not fit: the keys `missing` and `unexpected`, and the `misshapen` entries.
    """

    def __init__(
        self,
        message: str,
        missing: tuple[str, ...] = (),
        unexpected: tuple[str, ...] = (),
        misshapen: tuple[Misshapen, ...] = (),
    ) -> None:
        super().__init__(message)
        self.missing, self.unexpected, self.misshapen = missing, unexpected, misshapen


def read_state_dict(source: bytes | Path) -> State:
    """The tensors of a `.safetensors` file or one of torch.save, told apart by content, out of the usual containers.

    Of several sets of weights the first. Raises CheckpointError for anything that is not a dictionary of tensors.

    >>> state = read_state_dict(safetensors.torch.save({"fc.weight": torch.zeros(2, 3)}))
    >>> state["fc.weight"].shape
    torch.Size([2, 3])
    """
    return next(iter(read_weight_sets(source).values()))


def read_weight_sets(source: bytes | Path) -> dict[str, State]:
    """Every set of weights in a file (the network's, its average's …) by the name it has there, '' for the only one.

    Raises CheckpointError as `read_state_dict`.
    """
    _check_size(len(source) if isinstance(source, bytes) else source.stat().st_size)
    if isinstance(source, bytes):
        head = source[:9]
    else:
        with source.open("rb") as file:
            head = file.read(9)
    if head[8:] != b"{":
        return unwrap_sets(_torch(source, zipped=head.startswith(b"PK\x03\x04")))
    if int.from_bytes(head[:8], "little") > MAX_HEADER:
        raise CheckpointError(TOO_LONG)
    return unwrap_sets(_safetensors(source))


TOO_LONG = "expected a list of names and tensors of at most 16 MiB, got a longer one; save the state dict alone"


def _safetensors(source: bytes | Path) -> State:
    try:
        return safetensors.torch.load(source) if isinstance(source, bytes) else safetensors.torch.load_file(source)
    # MemoryError and overflow among them, where the header lies about sizes.
    except Exception as error:
        raise CheckpointError("expected a safetensors file, got one that is damaged; save or copy it again") from error


def _torch(source: bytes | Path, zipped: bool) -> object:
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        if zipped:
            _check_archive(file)
        if isinstance(file, io.BytesIO):
            file.seek(0)
        return torch.load(file, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    # What a foreign file makes the reader raise is not a closed list (struct, pickle, zip, KeyError …).
    except Exception as error:
        raise CheckpointError(
            "expected a .safetensors file or a state dict saved with torch.save(model.state_dict(), …), got a file "
            "that is neither or holds other Python objects, which are never loaded; save the state dict alone"
        ) from error


def _check_archive(file: io.BytesIO | Path) -> None:
    """Refuses archives that unfold to more than they are: torch.save stores its entries as they are."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
    _check_size(sum(entry.file_size for entry in entries))
    _check_count(len(entries))
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size for entry in entries):
        raise CheckpointError(
            "expected weights as torch.save stores them, got a compressed archive; unpack it and choose the file inside"
        )
    # Refused below in any case, but not with a sentence that helps.
    if any(entry.filename.endswith("constants.pkl") for entry in entries):
        raise CheckpointError("expected a state dict, got a TorchScript program; save model.state_dict() instead")
    if any(entry.file_size > MAX_HEADER for entry in entries if entry.filename.endswith(".pkl")):
        raise CheckpointError(TOO_LONG)


def unwrap_sets(loaded: object) -> dict[str, State]:
    """The sets of weights inside the usual containers, their names without the segments of wrappers.

    Raises CheckpointError where something else than plain tensors is left.

    >>> list(unwrap_sets({"epoch": 3, "state_dict": {"module.fc.bias": torch.zeros(2)}})["state_dict"])
    ['fc.bias']
    """
    if not isinstance(loaded, Mapping) or not loaded:
        raise CheckpointError(
            f"expected a dictionary of named tensors, got {type(loaded).__name__}; save model.state_dict()"
        )
    sets = weight_sets(loaded)
    _check_count(sum(map(len, sets.values())))
    for key, value in ((key, value) for entries in sets.values() for key, value in entries.items()):
        if not isinstance(key, str) or not _plain(value):
            raise CheckpointError(
                f"expected plain tensors under names, got {_kind(value)} under '{_short(key)}'; "
                f"save model.state_dict() alone, not quantised"
            )
    # A tensor's strides can make a few stored bytes look like any number of them.
    _check_size(sum(value.numel() * value.element_size() for entries in sets.values() for value in entries.values()))
    return {name: plain_keys(dict(entries)) for name, entries in sets.items()}


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise CheckpointError(f"expected at most 1 GiB of weights, got {size / 2**30:.1f} GiB; store them as float16")


def _check_count(count: int) -> None:
    if count > MAX_ENTRIES:
        raise CheckpointError(f"expected at most {MAX_ENTRIES:,} tensors, got {count:,}; save the state dict alone")


def _plain(value: object) -> bool:
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and value.dtype in DTYPES
    )


def _kind(value: object) -> str:
    return f"a tensor of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__


def fit(
    build: Callable[[int], nn.Module],
    classes: int,
    state: State,
    title: str,
    rename: Callable[[str], str | None] = str,
) -> nn.Module:
    """A network with the weights of `state` in float32, with as many classes as its head has rows.

    `classes` is the number where the head does not tell, `rename` maps names of older files. Raises CheckpointError
    where names or shapes do not fit, weights are not finite, or there are more than 100,000 classes.
    """
    found = alignments(expected_shapes(build), state, rename)[0]
    classes = _classes(expected_shapes(build), found.state, classes)
    with torch.device("meta"):
        net = build(classes)
    expected = net.state_dict()
    _compare(expected, found, title)
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
        two, three = (build(n).state_dict() for n in (2, 3))
    return {
        key: tuple(a if a == b else None for a, b in zip(value.shape, three[key].shape, strict=True))
        for key, value in two.items()
    }


def _classes(expected: Expected, state: State, default: int) -> int:
    """The number of rows of those weights whose shape depends on the number of classes."""
    heads = [(key, shape.index(None)) for key, shape in expected.items() if None in shape and key in state]
    head = next(((key, axis) for key, axis in heads if state[key].dim() == len(expected[key])), None)
    classes = state[head[0]].shape[head[1]] if head else default
    if not 1 <= classes <= MAX_CLASSES:
        raise CheckpointError(f"expected 1 to {MAX_CLASSES:,} classes, got {classes:,}; check the file's last layer")
    return classes


def _compare(expected: State, found: Alignment, title: str) -> None:
    misshapen = tuple(
        Misshapen(key, tuple(found.state[key].shape), tuple(value.shape))
        for key, value in expected.items()
        if key in found.state and found.state[key].shape != value.shape
    )
    missing, unexpected = found.missing, found.unexpected
    entries = [
        f"{len(items)} {what} ({_some(items)})"
        for items, what in ((missing, "missing"), (unexpected, "unexpected"), (misshapen, "of another shape"))
        if items
    ]
    if entries:
        raise CheckpointError(
            f"expected the weights of {title}, got a file with entries that do not fit: {'; '.join(entries)}. "
            f"Choose the architecture that the file was made for.",
            missing,
            unexpected,
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
    return ", ".join(_short(item, 200) for item in items[:SHOWN]) + (", …" if len(items) > SHOWN else "")


def _short(key: object, length: int = 80) -> str:
    """A name from a foreign file on one line, cut to `length` characters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(key)[: 2 * length]).split())
    return text if len(text) <= length else text[:length] + "…"


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a single number"
