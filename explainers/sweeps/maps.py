"""The maps of a sweep on disk, float16, in shards of a thousand."""

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from explainers.storage.whole_files import write_whole

# Maps of a shard.
SHARD = 1000
# What is not put together yet: the place of a block, and the beginning of a digest.
PART = re.compile(r"\d{8,}-[0-9a-f]{12}\.")
WHOLE = re.compile(r"shard-\d{5,}\.npz")
# Its own type knows not every argument.
_savez: Callable[..., None] = np.savez


class TableError(ValueError):
    """The table cannot be read or written; the message is one sentence."""


def read_maps(folder: str | Path) -> dict[str, np.ndarray]:
    """All maps (rows, columns), float16, that `--keep-maps` has written, by `row` of the table."""
    return {name: values for path in map_files(Path(folder)) for name, values in _load(path).items()}


def map_files(folder: Path) -> list[Path]:
    """Shards, then what is not in one yet."""
    return [*_shards(folder), *parts_in(folder / "parts", ".npz")]


def _shards(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("shard-*.npz") if WHOLE.fullmatch(path.name))


def parts_in(folder: Path, ending: str) -> list[Path]:
    """The files of a sweep in a folder in which others may lie, too."""
    return sorted(path for path in folder.glob(f"*{ending}") if PART.match(path.name))


def remove_parts(folder: Path, ending: str) -> None:
    """Takes them away, and what was left of such files half written; the folder too, where nothing else is in it."""
    for path in (*parts_in(folder, ending), *parts_in(folder, ".partial")):
        # What somebody reads at this moment stays (Windows), and is passed over.
        with suppress(OSError):
            path.unlink()
    with suppress(OSError):
        folder.rmdir()


def map_names(paths: Sequence[Path]) -> set[str]:
    """Of the maps that are there; files that a power cut has damaged are removed."""
    found: set[str] = set()
    for path in paths:
        try:
            with zipfile.ZipFile(path) as file:
                found |= {name.removesuffix(".npy") for name in file.namelist()}
        except zipfile.BadZipFile:
            path.unlink()
    return found


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file.items())
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        raise TableError(
            f"expected maps of a sweep, got a damaged file '{path.name}'; the same sweep makes them again"
        ) from None


def gather_maps(folder: Path) -> None:
    """Parts become shards of a thousand maps; the last shard is filled up first."""
    parts = parts_in(folder / "parts", ".npz")
    if not parts:
        return
    shards = _shards(folder)
    numbers = [int(path.stem.removeprefix("shard-")) for path in shards]
    number, maps = max(numbers, default=-1) + 1, dict[str, np.ndarray]()
    if shards:
        last = _load(shards[-1])
        if len(last) < SHARD:
            number, maps = number - 1, last
    # Those that went into a shard before the work was cut off are still there.
    gathered = map_names(shards)
    for path in parts:
        maps |= {name: values for name, values in _load(path).items() if name not in gathered}
        while len(maps) > SHARD:
            names = list(maps)
            full = npz({name: maps.pop(name) for name in names[:SHARD]})
            write_whole(folder / f"shard-{number:05d}.npz", full, lasting=True)
            number += 1
    if maps:
        write_whole(folder / f"shard-{number:05d}.npz", npz(maps), lasting=True)
    for left in folder.glob("shard-*.partial"):
        if WHOLE.match(left.name):
            left.unlink()
    remove_parts(folder / "parts", ".npz")


def npz(maps: Mapping[str, np.ndarray]) -> bytes:
    """The maps as a file."""
    buffer = io.BytesIO()
    _savez(buffer, **maps)
    return buffer.getvalue()
