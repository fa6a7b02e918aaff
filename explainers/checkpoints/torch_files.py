"""Files of `torch.save` as safetensors: bounded, never unpickled, and without torch, so that a process starts fast."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from explainers.checkpoints.archives import TooManyEntries, open_archive
from explainers.checkpoints.errors import CheckpointError
from explainers.checkpoints.pickled_tensors import TYPES, Foreign, Storage, Stored, Unreadable, interpret
from explainers.nested import is_mapping

MAX_BYTES = 1 << 30
MAX_ENTRIES = 20_000
# Containers within containers; a dictionary may hold itself.
DEPTH = 6
# Modules within modules.
MODULES = 50
MAX_HEADER = 16 << 20
# Under this name what holds the tensors stands in the header.
OUTLINE = "outline"
MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
SHORT = 80
# Types that a file may hold, by their names in safetensors.
SAFE = {
    **{"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16"},
    **{"float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2"},
    **{"int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL"},
}
NEITHER = (
    "expected a .safetensors file or a state dict saved with torch.save(model.state_dict(), …), got a file that is "
    "neither or holds other Python objects, which are never loaded; save the state dict alone"
)
TOO_LONG = "expected a list of names and tensors of at most 16 MiB, got a longer one; save the state dict alone"


def as_safetensors(file: BinaryIO) -> Iterator[bytes | memoryview]:
    """What a file of `torch.save` holds as the pieces of a safetensors file: its tensors, and their `outline`.

    Raises CheckpointError, one sentence, for everything else, before the first piece or in place of one.
    """
    try:
        file.seek(0)
        zipped = file.read(4) == b"PK\x03\x04"
        yield from _zipped(file) if zipped else _plain(file)
    except (CheckpointError, MemoryError):
        raise
    # What a foreign file makes the readers raise is not a closed list (struct, index, Unicode, zip …).
    except Exception as error:
        raise CheckpointError(NEITHER) from error


def _zipped(file: BinaryIO) -> Iterator[bytes | memoryview]:
    try:
        archive = open_archive(file, MAX_ENTRIES + 8)
    except TooManyEntries:
        raise CheckpointError(
            f"expected at most {MAX_ENTRIES:,} tensors, got an archive of more files; save the state dict alone"
        ) from None
    entries = {entry.filename: entry for entry in archive.infolist()}
    if any(entry.file_size != entry.compress_size or entry.compress_type for entry in entries.values()):
        raise CheckpointError(
            "expected weights as torch.save stores them, got a compressed archive; unpack it and choose the file inside"
        )
    prefix = next(iter(entries)).partition("/")[0]
    if f"{prefix}/constants.pkl" in entries:
        raise CheckpointError("expected a state dict, got a TorchScript program; save model.state_dict() instead")
    if entries[f"{prefix}/data.pkl"].file_size > MAX_HEADER:
        raise CheckpointError(TOO_LONG)
    order = f"{prefix}/byteorder"
    if order in entries and archive.read(entries[order]) != b"little":
        raise Unreadable("the other byte order")
    found, views = outline(interpret(io.BytesIO(archive.read(f"{prefix}/data.pkl"))))
    tensors = _by_storage(views, file)
    yield header(found, tensors)
    for storage, views in tensors.items():
        yield from _contents(archive.read(entries[f"{prefix}/data/{storage.key}"]), storage, views)


def _plain(file: BinaryIO) -> Iterator[bytes | memoryview]:
    """The format before zip: five pickles, then the length and content of every storage."""
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        raise Unreadable("no file of torch.save")
    storages: dict[str, Storage] = {}
    version, system, loaded, order = (interpret(file, storages) for _ in range(4))
    if version != 1001 or system.get("little_endian") is not True:
        raise Unreadable("another version")
    found, views = outline(loaded)
    tensors = _by_storage(views, file)
    starts: dict[str, int] = {}
    start = file.tell()
    for key in order:
        file.seek(start)
        if int.from_bytes(file.read(8), "little") != storages[key].count:
            raise Unreadable("a storage of another length")
        starts[key] = start + 8
        start += 8 + storages[key].size
    if start > file.seek(0, io.SEEK_END):
        raise Unreadable("a storage that is not whole")
    yield header(found, tensors)
    for storage, views in tensors.items():
        file.seek(starts[storage.key])
        yield from _contents(file.read(storage.size), storage, views)


def outline(loaded: Any) -> tuple[Any, list[Stored]]:
    """What was loaded in terms of JSON, and its tensors, each once.

    A dictionary is a list of pairs, a tensor its place in the second list, anything else the name of its kind; so is
    a dictionary that was met before, one under a number, and one that lies deeper than weights do.

    >>> outline({"epoch": 3, "state_dict": {}})
    ([['epoch', 'int'], ['state_dict', []]], [])
    """
    places: dict[Stored, int] = {}
    seen: set[int] = set()

    def node(value: Any, depth: int, named: bool) -> Any:
        if isinstance(value, Stored) and value.dtype in SAFE:
            return places.setdefault(value, len(places))
        if isinstance(value, Stored):
            return f"a tensor of torch.{value.dtype}"
        if isinstance(value, Foreign) and (entries := module_entries(value)):
            return [[key, node(inner, depth, False)] for key, inner in entries.items()]
        if isinstance(value, Foreign):
            return f"another Python object ({short(value.maker)}), which is never loaded,"
        if not is_mapping(value) or depth == DEPTH or not named or id(value) in seen:
            return type(value).__name__
        seen.add(id(value))
        return [[key, node(inner, depth + 1, isinstance(key, str))] for key, inner in value.items()]

    return node(loaded, 0, True), list(places)


def module_entries(value: Foreign) -> dict[str, Stored]:
    """The state dict of a torch.nn.Module that was saved whole, from the names that it keeps its parts under.

    Empty for anything else. A part that is used twice stands there twice, as in a state dict.

    >>> module_entries(Foreign("argparse.Namespace", {"lr": 0.1}))
    {}
    """
    found: dict[str, Stored] = {}
    steps = 0

    def walk(part: Any, prefix: str, depth: int) -> None:
        nonlocal steps
        steps += 1
        if not isinstance(part, Foreign) or part.state is None or depth > MODULES:
            return
        # What is shared may be met without end.
        if max(steps, len(found)) > MAX_ENTRIES:
            raise CheckpointError(
                f"expected at most {MAX_ENTRIES:,} tensors, got a network of more parts; save the state dict alone"
            )
        for kind in ("_parameters", "_buffers", "_modules"):
            parts = part.state.get(kind)
            for name, inner in parts.items() if is_mapping(parts) else ():
                if isinstance(inner, Stored) and kind != "_modules":
                    found[f"{prefix}{name}"] = inner
                elif kind == "_modules":
                    walk(inner, f"{prefix}{name}.", depth + 1)

    walk(value, "", 0)
    return found


def header(found: Any, tensors: Mapping[Storage, Mapping[int, Stored]]) -> bytes:
    """The beginning of a safetensors file of these tensors, in this order, with the outline of what holds them."""
    entries: dict[str, Any] = {"__metadata__": {OUTLINE: json.dumps(found)}}
    start = 0
    for views in tensors.values():
        for place, value in views.items():
            offsets = [start, start + value.size]
            entries[str(place)] = {"dtype": SAFE[value.dtype], "shape": value.shape, "data_offsets": offsets}
            start += value.size
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def check_size(size: int) -> None:
    """Raises CheckpointError for more bytes than weights may have."""
    if size > MAX_BYTES:
        raise CheckpointError(f"expected at most 1 GiB of weights, got {size / 2**30:.1f} GiB; store them as float16")


def check_count(count: int) -> None:
    """Raises CheckpointError for more tensors than a file may have."""
    if count > MAX_ENTRIES:
        raise CheckpointError(f"expected at most {MAX_ENTRIES:,} tensors, got {count:,}; save the state dict alone")


def short(key: object, length: int = SHORT) -> str:
    """A name from a foreign file on one line, cut to `length` characters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(key)[: 2 * length]).split())
    return text if len(text) <= length else text[:length] + "…"


def _by_storage(tensors: list[Stored], file: BinaryIO) -> dict[Storage, dict[int, Stored]]:
    """The tensors and their places by storages, no part of which is used twice; together no larger than the file."""
    position, end = file.tell(), file.seek(0, io.SEEK_END)
    file.seek(position)
    check_size(sum(value.size for value in tensors))
    found: dict[Storage, dict[int, Stored]] = {}
    for place, value in enumerate(tensors):
        found.setdefault(value.storage, {})[place] = value
    if sum(value.size for value in tensors) > end or any(
        sum(value.size for value in views.values()) > storage.size for storage, views in found.items()
    ):
        raise CheckpointError(
            "expected as many numbers as the shapes say, got fewer that are used several times; save a copy of every "
            "tensor (value.clone())"
        )
    return found


def _contents(data: bytes, storage: Storage, views: Mapping[int, Stored]) -> Iterator[bytes | memoryview]:
    """The elements of every tensor in the order of its indices."""
    if len(data) < storage.size:
        raise Unreadable("a storage that is not whole")
    for value in views.values():
        size = TYPES[value.dtype]
        if value.stride == _rows(value.shape) or value.count == 0:
            yield memoryview(data)[value.offset * size : value.offset * size + value.size]
        else:
            import numpy as np

            flat = np.frombuffer(data, f"u{size}", offset=value.offset * size)
            stride = [step * size for step in value.stride]
            yield np.lib.stride_tricks.as_strided(flat, value.shape, stride).tobytes()


def _rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a tensor whose last index runs first."""
    strides = [1]
    for side in shape[:0:-1]:
        strides.append(strides[-1] * side)
    return tuple(strides[::-1][: len(shape)]) if shape else ()
