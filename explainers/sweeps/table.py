"""The table of a sweep on disk: Parquet that grows in parts, so that whatever ends the work leaves whole rows."""

import csv
import io
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from explainers.storage.whole_files import write_whole
from explainers.sweeps.plan import Problem
from explainers.sweeps.row import SCHEMA, Row, as_table

# Rows of a group of the file, maps of a shard.
GROUP, SHARD = 4096, 1000
# Their own types know not every argument.
_savez: Callable[..., None] = np.savez
_write_table: Callable[..., None] = cast(Any, pq).write_table


class TableError(ValueError):
    """The table cannot be read or written; the message is one sentence."""


class SweepTable:
    """The rows of `path`; while it is open nobody else writes to it.

    Every block's rows are a file of their own below `<path>.parts` until `close` puts all together; both replace what
    was there in one step. `maps` is a folder for maps, in shards of a thousand.

    Raises TableError where another process writes, or the file is no table of a sweep.
    """

    def __init__(self, path: Path, maps: Path | None = None) -> None:
        self.path, self.maps = path, maps
        self.parts = path.with_name(f"{path.name}.parts")
        self._lock = FileLock(path.with_name(f"{path.name}.lock"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise TableError(
                f"expected to be the only sweep that writes to '{path.name}', another one does; wait, or choose another"
            ) from None
        except OSError as error:
            raise TableError(_refused(path, error)) from None
        try:
            self.done = {name for table in read_parts(path, ["row"]) for name in _names(table)}
        except TableError:
            self._lock.release()
            raise
        self.problems: list[Problem] = []

    def add(self, place: int, rows: Sequence[Row], maps: Mapping[str, np.ndarray] | None = None) -> None:
        """Keeps the rows of a block, and its maps before them. Raises TableError where the disk refuses."""
        if not rows:
            return
        name = f"{place:08d}-{rows[0].row[:12]}"
        try:
            if maps and self.maps is not None:
                write_whole(self.maps / "parts" / f"{name}.npz", _npz(maps))
            buffer = pa.BufferOutputStream()
            _write_table(as_table(rows), buffer)
            write_whole(self.parts / f"{name}.parquet", buffer.getvalue().to_pybytes())
        except OSError as error:
            raise TableError(_refused(self.path, error)) from None
        self.done |= {row.row for row in rows}

    def problem(self, problem: Problem) -> None:
        """Keeps what could not be computed in the side table."""
        self.problems.append(problem)
        text = io.StringIO()
        table = csv.DictWriter(text, [one.name for one in fields(Problem)])
        table.writeheader()
        table.writerows([asdict(one) for one in self.problems])
        with suppress(OSError):  # they are listed at the end as well
            write_whole(self.side_table, text.getvalue().encode())

    @property
    def side_table(self) -> Path:
        """Where the problems stand."""
        return self.path.with_name(f"{self.path.stem}.problems.csv")

    def close(self) -> None:
        """Puts the parts into the one file, in the order of the plan. Raises TableError where the disk refuses."""
        try:
            if not self.problems:
                self.side_table.unlink(missing_ok=True)
            if any(self.parts.glob("*.parquet")):
                self._merge()
            shutil.rmtree(self.parts, ignore_errors=True)
            if self.maps is not None:
                _gather_maps(self.maps)
        except OSError as error:
            raise TableError(_refused(self.path, error)) from None
        finally:
            self._lock.release()

    def _merge(self) -> None:
        partial = self.path.with_name(f"{self.path.name}.partial")
        seen: set[str] = set()
        try:
            with pq.ParquetWriter(partial, SCHEMA) as writer:
                waiting: list[pa.Table] = []
                for table in read_parts(self.path):
                    # A part that was merged before the work was cut off is still there.
                    names = _names(table)
                    fresh = [name not in seen for name in names]
                    seen |= set(names)
                    waiting.append(table.filter(pa.array(fresh)))
                    if sum(len(one) for one in waiting) >= GROUP:
                        writer.write_table(pa.concat_tables(waiting), row_group_size=GROUP)
                        waiting = []
                if waiting:
                    writer.write_table(pa.concat_tables(waiting), row_group_size=GROUP)
            partial.replace(self.path)
        finally:
            partial.unlink(missing_ok=True)


def read_parts(path: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The rows of a table and of its parts, a group at a time; nothing where there is none.

    Raises TableError for what is no table of a sweep.
    """
    parts = sorted(path.with_name(f"{path.name}.parts").glob("*.parquet"))
    for one in ([path] if path.exists() else []) + parts:
        try:
            with pq.ParquetFile(one) as file:
                if not file.schema_arrow.equals(SCHEMA):
                    raise TableError(
                        f"expected a table of a sweep of this version, got other columns in '{path.name}'; choose "
                        "another file, or begin a new one"
                    )
                for group in range(file.num_row_groups):
                    yield cast(Any, file).read_row_group(group, columns)
        except (OSError, pa.ArrowException):
            raise TableError(
                f"expected a table of a sweep, got something else in '{path.name}'; choose another file"
            ) from None


def _names(table: pa.Table) -> list[str]:
    return [str(name) for name in table["row"].to_pylist()]


def read_sweep(path: str | Path) -> pd.DataFrame:
    """All rows of a sweep, also of one that is still being computed or was cut off.

    Raises TableError, one sentence, where there is no such file or it is none of a sweep.
    """
    path = Path(path)
    tables = list(read_parts(path))
    if not tables:
        raise TableError(f"expected a table of a sweep, found no file '{path.name}'; check its path")
    frame = cast("pd.DataFrame", cast(Any, pa.concat_tables(tables)).to_pandas())
    return frame.drop_duplicates("row", ignore_index=True)


def read_maps(folder: str | Path) -> dict[str, np.ndarray]:
    """All maps (rows, columns), float16, that `--keep-maps` has written, by `row` of the table."""
    return {
        name: values
        for path in sorted(Path(folder).rglob("*.npz"))
        for name, values in np.load(path, allow_pickle=False).items()
    }


def _gather_maps(folder: Path) -> None:
    """Parts become shards of a thousand maps; the last shard is filled up first."""
    parts = sorted((folder / "parts").glob("*.npz"))
    if not parts:
        return
    shards = sorted(folder.glob("shard-*.npz"))
    number, maps = len(shards), dict[str, np.ndarray]()
    if shards:
        last = dict(np.load(shards[-1], allow_pickle=False).items())
        if len(last) < SHARD:
            number, maps = number - 1, last
    for path in parts:
        maps |= dict(np.load(path, allow_pickle=False).items())
        while len(maps) > SHARD:
            names = list(maps)
            write_whole(folder / f"shard-{number:05d}.npz", _npz({name: maps.pop(name) for name in names[:SHARD]}))
            number += 1
    write_whole(folder / f"shard-{number:05d}.npz", _npz(maps))
    shutil.rmtree(folder / "parts", ignore_errors=True)


def _npz(maps: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    _savez(buffer, **maps)
    return buffer.getvalue()


def _refused(path: Path, error: OSError) -> str:
    return f"'{path.name}' cannot be written: {error.strerror or 'the disk refuses'}; what was written is kept"
