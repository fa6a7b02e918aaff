"""The tables of experiments on disk: parts as they are made, and one Parquet file of all."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from explainers.information_flow.rows import SCHEMA, Row, as_rows, as_table
from explainers.storage.whole_files import write_whole

# Its own type knows not every argument.
_write_table: Callable[..., None] = cast(Any, pq).write_table
_read_table: Callable[..., pa.Table] = cast(Any, pq).read_table
SETTINGS = b"settings"


def write_rows(path: Path, rows: Sequence[Row], settings: str) -> None:
    """Puts the rows into the place of the file, with the digest of the settings that they were made with."""
    table = as_table(rows).replace_schema_metadata({SETTINGS: settings.encode()})
    buffer = pa.BufferOutputStream()
    _write_table(table, buffer, compression="zstd")
    write_whole(path, buffer.getvalue().to_pybytes())


def read_rows(path: Path, settings: str | None = None) -> list[Row]:
    """The rows of a file; none where there is no such file, or it was made with other settings than are named.

    Raises ValueError for anything but the table of an experiment.
    """
    if not path.exists():
        return []
    try:
        table = _read_table(path)
    except (OSError, pa.ArrowException):
        raise ValueError(f"expected the table of an experiment, got something else in '{path.name}'") from None
    if settings is not None and (table.schema.metadata or {}).get(SETTINGS) != settings.encode():
        return []
    if not table.schema.equals(SCHEMA):
        raise ValueError(f"expected the table of an experiment of this version, got other columns in '{path.name}'")
    return as_rows(table)
