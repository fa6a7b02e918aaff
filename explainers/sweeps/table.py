"""The table of a sweep on disk: Parquet that grows in parts, so that whatever ends the work leaves whole rows."""

import csv
import glob
import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from itertools import count
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from explainers.storage.whole_files import flush, write_whole
from explainers.sweeps.maps import (
    TableError,
    gather_maps,
    map_files,
    map_names,
    npz,
    parts_in,
    read_maps,
    remove_parts,
)
from explainers.sweeps.plan import Problem
from explainers.sweeps.row import SCHEMA, Record, as_table

__all__ = ["SweepTable", "TableError", "read_maps", "read_parts", "read_sweep"]

# Rows of a group of the file; so many small tables are held at a time.
GROUP, HELD = 4096, 128
# Its own type knows not every argument.
_write_table: Callable[..., None] = cast(Any, pq).write_table


class SweepTable:
    """The rows of `path`; while it is open nobody else writes to it.

    Every block's rows are a file of their own below `<path>.parts` until `close` puts all together; both replace what
    was there in one step. `maps` is a folder for maps, in shards of a thousand; with it, only rows that have a map are
    `done`, and a row that is made again for its map takes the place of the one that was there, since another processor
    may have made that: the mean of a map is that of its row. Of a link, the file that it leads to is meant. `schema`
    has the columns where rows are not a sweep's.

    Raises TableError where another process writes, or the file is no table of a sweep.
    """

    def __init__(self, path: Path, maps: Path | None = None, schema: pa.Schema = SCHEMA) -> None:
        self.path, self.maps, self.schema = path.resolve(), maps and maps.resolve(), schema
        self.parts = _parts_of(self.path)
        self.problems: list[Problem] = []
        self._earlier: list[Problem] = []
        self._locks: list[FileLock] = []
        try:
            self._lock(self.path)
            self._rows = {name for table in read_parts(self.path, ["row"], self.schema) for name in _names(table)}
            self.done = set(self._rows)
            self._grown = False
            if self.maps is not None:
                if self.maps == self.path:
                    raise TableError(f"expected a folder for maps, got the table '{path.name}'; choose another")
                self._lock(self.maps)
                self.maps.mkdir(exist_ok=True)
                self.done &= map_names(map_files(self.maps))
        except OSError as error:
            self._release()
            raise TableError(_refused(self.maps or self.path, error)) from None
        except TableError:
            self._release()
            raise

    def _lock(self, path: Path) -> None:
        lock = FileLock(path.with_name(f"{path.name}.lock"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            Path(lock.lock_file).touch()
            lock.acquire(timeout=0)
        except Timeout:
            raise TableError(
                f"expected to be the only sweep that writes to '{path.name}', another one does; wait, or choose another"
            ) from None
        except OSError as error:
            raise TableError(_refused(path, error)) from None
        self._locks.append(lock)

    def _release(self) -> None:
        for lock in self._locks:
            lock.release()

    def add(self, place: int, rows: Sequence[Record], maps: Mapping[str, np.ndarray] | None = None) -> int:
        """Keeps the rows of a block, and its maps before them; answers with how many rows are new.

        Raises TableError where the disk refuses.
        """
        if not rows:
            return 0
        name = f"{place:08d}-{hashlib.sha256(rows[0].row.encode()).hexdigest()[:12]}"
        where = self.path
        new = [row for row in rows if row.row not in self._rows]
        written = new
        try:
            if maps and self.maps is not None:
                written = rows
                where = self.maps
                write_whole(self.maps / "parts" / f"{name}.npz", npz(maps), lasting=True)
                where = self.path
            if written:
                buffer = pa.BufferOutputStream()
                _write_table(as_table(written, self.schema), buffer)
                write_whole(self.parts / f"{name}.parquet", buffer.getvalue().to_pybytes(), lasting=True)
        except OSError as error:
            raise TableError(_refused(where, error)) from None
        self._rows |= {row.row for row in new}
        self._grown = self._grown or bool(new)
        self.done |= {row.row for row in rows}
        return len(new)

    def problem(self, problem: Problem) -> None:
        """Keeps what could not be computed; the side table has it at the latest after `close`."""
        self.problems.append(problem)
        count = len(self.problems)
        if not count & (count - 1):  # ever more seldom, since all are written each time
            with suppress(OSError):
                self._write_problems()

    def keep_problems(self) -> None:
        """The problems that earlier work on this table has left stay, until they are settled."""
        self._earlier = self._read_problems()

    def settle(self, asked: Callable[[Problem], bool]) -> None:
        """Of earlier problems, those that were `asked` about again no longer count: they are here anew, or gone."""
        self._earlier = [one for one in self._earlier if not asked(one)]

    @property
    def earlier_problems(self) -> list[Problem]:
        """Those that are kept and that this work has not met again."""
        return [one for one in self._earlier if one not in self.problems]

    def _read_problems(self) -> list[Problem]:
        columns = [one.name for one in fields(Problem)]
        with suppress(OSError, csv.Error), self.side_table.open(newline="", encoding="utf-8", errors="replace") as file:
            return [
                Problem(*(row[name] or "" for name in columns)) for row in csv.DictReader(file) if {*columns} <= {*row}
            ]
        return []

    def _write_problems(self) -> None:
        text = io.StringIO()
        table = csv.DictWriter(text, [one.name for one in fields(Problem)])
        table.writeheader()
        table.writerows([asdict(one) for one in (*self.earlier_problems, *self.problems)])
        write_whole(self.side_table, text.getvalue().encode(errors="backslashreplace"))

    @property
    def side_table(self) -> Path:
        """Where the problems stand."""
        return self.path.with_name(f"{self.path.name.removesuffix('.parquet')}.problems.csv")

    def close(self) -> None:
        """Puts the parts into the one file, in the order of the plan.

        Raises TableError where the disk refuses, or somebody has taken rows away meanwhile.
        """
        where = self.path
        try:
            if parts_in(self.parts, ".parquet"):
                self._merge()
            remove_parts(self.parts, ".parquet")
            if self.maps is not None:
                where = self.maps
                gather_maps(self.maps)
            where = self.side_table
            for left in self.path.parent.glob(f"{glob.escape(self.side_table.name)}.*.partial"):
                left.unlink()
            if self.problems or self.earlier_problems:
                self._write_problems()
            else:
                self.side_table.unlink(missing_ok=True)
            if self._grown:
                self._check_whole()
        except OSError as error:
            raise TableError(_refused(where, error)) from None
        finally:
            self._release()

    def _check_whole(self) -> None:
        kept = {name for table in read_parts(self.path, ["row"], self.schema) for name in _names(table)}
        if lost := len(self._rows - kept):
            raise TableError(
                f"expected {len(self._rows)} rows in '{self.path.name}', {lost} of them were taken away while the "
                "sweep ran; the same command makes them again"
            )

    def _merge(self) -> None:
        partial = self.path.with_name(f"{self.path.name}.partial")
        try:
            # The last one counts: rows are made again for their maps, or were merged before the work was cut off.
            names = (name for table in read_parts(self.path, ["row"], self.schema) for name in _names(table))
            lasting = {name: place for place, name in enumerate(names)}
            places = count()
            with pq.ParquetWriter(partial, self.schema, compression="zstd") as writer:
                for table in _grouped(read_parts(self.path, None, self.schema)):
                    kept = [lasting[name] == place for name, place in zip(_names(table), places, strict=False)]
                    writer.write_table(table.filter(pa.array(kept)), row_group_size=GROUP)
            # The parts are removed next: until then a power cut finds one or the other.
            flush(partial)
            partial.replace(self.path)
            flush(self.path.parent)
        finally:
            partial.unlink(missing_ok=True)


def read_parts(path: Path, columns: list[str] | None = None, schema: pa.Schema = SCHEMA) -> Iterator[pa.Table]:
    """The rows of a table and of its parts, a group at a time; nothing where there is none.

    A part that a power cut has damaged counts for nothing. Raises TableError for what is no table of a sweep.
    """
    for one in ([path] if path.exists() else []) + parts_in(_parts_of(path), ".parquet"):
        try:
            with pq.ParquetFile(one) as file:
                if not file.schema_arrow.equals(schema):
                    raise TableError(
                        f"expected a table of a sweep of this version, got other columns in '{path.name}'; choose "
                        "another file, or begin a new one"
                    )
                for group in range(file.num_row_groups):
                    yield cast(Any, file).read_row_group(group, columns)
        except (OSError, pa.ArrowException):
            if one != path:
                continue
            raise TableError(
                f"expected a table of a sweep, got something else in '{path.name}'; choose another file"
            ) from None


def _grouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of some thousand: a table of one row takes as much memory as one of a hundred."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if len(waiting) >= HELD:
            waiting = [pa.concat_tables(waiting).combine_chunks()]
        if sum(map(len, waiting)) >= GROUP:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _parts_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.parts")


def _names(table: pa.Table) -> list[str]:
    return [str(name) for name in table["row"].to_pylist()]


def read_sweep(path: str | Path, schema: pa.Schema = SCHEMA) -> pd.DataFrame:
    """All rows of a sweep, also of one that is still being computed or was cut off.

    Raises TableError, one sentence, where there is no such file or it is none of a sweep.
    """
    path = Path(path).resolve()
    while True:
        parts = parts_in(_parts_of(path), ".parquet")
        tables = list(_grouped(read_parts(path, None, schema)))
        # Parts that went into the file meanwhile are there now.
        if all(part.exists() for part in parts):
            break
    if not tables:
        raise TableError(f"expected a table of a sweep, found no file '{path.name}'; check its path")
    frame = cast("pd.DataFrame", cast(Any, pa.concat_tables(tables)).to_pandas())
    return frame.drop_duplicates("row", keep="last", ignore_index=True)


def _refused(path: Path, error: OSError) -> str:
    # Arrow's errors have its own words beside the system's.
    why = os.strerror(error.errno) if error.errno else "the disk refuses"
    return f"'{path.name}' cannot be written: {why}; what was written is kept"
