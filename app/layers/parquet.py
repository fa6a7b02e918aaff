"""A stranger's Parquet file -> the rows of a sweep, or one sentence; nothing in it grows past its bounds."""

import math
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from explainers.sweeps.row import SCHEMA

MEGABYTES = 20
# Of the file as it says of itself, and of what may come of it.
MOST_ROWS, MOST_POINTS, UNPACKED, LONGEST = 200_000, 2000, 128 << 20, 300
TEXTS = [one.name for one in SCHEMA if one.type == pa.string()]
WRONG = "expected a table of a sweep (Parquet), got something else; choose the file that --out has named"
OLD = "expected a table of a sweep of this version, got other columns; compute it again, or choose another"
LARGE = f"expected at most {MOST_ROWS:,} rows, got more; choose a part of the table"
# Signs that charts and their labels take for markup.
PLAIN = str.maketrans({"<": "‹", ">": "›", "&": "＆", "`": "ʼ", "$": "＄"})


def read_table(data: bytes) -> Any:
    """The rows, texts made harmless. Raises ValueError, one sentence."""
    try:
        table = _read(data)
    except (pa.ArrowException, OSError, MemoryError, OverflowError) as error:
        raise ValueError(WRONG) from error
    rows = table.to_pandas().drop_duplicates("row", ignore_index=True)
    if not len(rows):
        raise ValueError("expected a table with rows, got an empty one; choose another")
    if rows.groupby(["fingerprint", "method", "layer"], observed=True).ngroups > MOST_POINTS:
        raise ValueError(f"expected at most {MOST_POINTS:,} networks and layers, got more; choose a part of the table")
    for name in TEXTS:
        rows[name] = rows[name].astype(object).where(rows[name].notna(), None)
    for name in ("mean", "concentration", "depth", "beta"):
        rows[name] = rows[name].where(rows[name].abs() < math.inf)
    return rows


def _read(data: bytes) -> pa.Table:
    if not pq.read_schema(pa.BufferReader(data)).equals(SCHEMA):
        raise ValueError(OLD)
    # As dictionaries, a text that is repeated a million times is held once.
    with pq.ParquetFile(pa.BufferReader(data), read_dictionary=TEXTS) as file:
        said = file.metadata
        if said.num_rows > MOST_ROWS:
            raise ValueError(LARGE)
        if sum(said.row_group(group).total_byte_size for group in range(said.num_row_groups)) > UNPACKED:
            raise ValueError(WRONG)
        table = file.read()
    for name in TEXTS:
        values: Any = table[name].unify_dictionaries()
        chunk = values.chunk(0).dictionary if values.num_chunks else pa.array([], pa.string())
        plain = [None if text is None else text[:LONGEST].translate(PLAIN) for text in chunk.to_pylist()]
        codes = [one.indices for one in values.chunks]
        made: Any = [pa.DictionaryArray.from_arrays(one, pa.array(plain, pa.string())) for one in codes]
        table = table.set_column(
            table.schema.get_field_index(name),
            name,
            pa.chunked_array(made, cast(Any, pa.dictionary(pa.int32(), pa.string()))),
        )
    return table
