"""The other process that reads a stranger's Parquet file, within bounds; it knows neither torch nor the page.

Its standard input is the schema that is expected and the file; its output is what it has read, as Arrow's stream.
"""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# Rows, and bytes of what the file says of itself; megabytes and seconds of this process beyond what it begins with.
MOST_ROWS, UNPACKED, MEBIBYTES, SECONDS = 200_000, 128 << 20, 384, 30
LONGEST = 300
STATM = Path("/proc/self/statm")
# How it ends.
WHOLE, REFUSED = 0, 3
WRONG = "expected a table of a sweep (Parquet), got something else; choose the file that --out has named"
OLD = "expected a table of a sweep of this version, got other columns; compute it again, or choose another"
LARGE = f"expected at most {MOST_ROWS:,} rows, got more; choose a part of the table"
# Signs that charts and their labels take for markup.
PLAIN = {"<": "‹", ">": "›", "&": "＆", "`": "ʼ", "$": "＄"}


def main() -> None:
    """Reads, answers, and ends with WHOLE, or with REFUSED and a sentence."""
    size = int.from_bytes(sys.stdin.buffer.read(8), "big")
    schema = pa.ipc.read_schema(pa.py_buffer(sys.stdin.buffer.read(size)))
    data = sys.stdin.buffer.read()
    pa.set_cpu_count(1)
    _limit()
    try:
        table = _read(data, schema)
    except _Refused as error:
        sys.stdout.buffer.write(str(error).encode())
        sys.stdout.flush()
        sys.exit(REFUSED)
    with pa.ipc.new_stream(cast(Any, sys.stdout.buffer), table.schema) as stream:
        stream.write_table(table)


class _Refused(Exception):
    pass


def _read(data: bytes, schema: pa.Schema) -> pa.Table:
    texts = [one.name for one in schema if one.type == pa.string()]
    try:
        if not pq.read_schema(pa.BufferReader(data)).equals(schema):
            raise _Refused(OLD)
        # As dictionaries, a text that is repeated a million times is held once.
        with pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts) as file:
            said = file.metadata
            if said.num_rows > MOST_ROWS:
                raise _Refused(LARGE)
            if sum(said.row_group(group).total_byte_size for group in range(said.num_row_groups)) > UNPACKED:
                raise _Refused(WRONG)
            table = file.read(use_threads=False)
        table.validate(full=True)
    except (pa.ArrowException, OSError, MemoryError, OverflowError, ValueError) as error:
        raise _Refused(WRONG) from error
    for place, one in enumerate(table.schema):
        if one.name in texts:
            made: Any = [_plain(chunk) for chunk in table[one.name].chunks]
            kind: Any = pa.dictionary(pa.int32(), pa.string())
            table = table.set_column(place, one.name, pa.chunked_array(made, kind).unify_dictionaries())
    return table


def _plain(chunk: Any) -> Any:
    """A column's texts, cut, and without signs that mean something to a chart."""
    # By Arrow's functions: to make an array of Python's texts it would load pandas, half of the memory.
    texts: Any = pc.utf8_slice_codeunits(chunk.dictionary, 0, LONGEST)
    for sign, plain in PLAIN.items():
        texts = pc.replace_substring(texts, sign, plain)
    return pa.DictionaryArray.from_arrays(chunk.indices, texts)


def _limit() -> None:
    # Windows has no such limits.
    with suppress(ImportError):
        import resource

        if STATM.exists():
            memory = int(STATM.read_text().split()[0]) * resource.getpagesize() + (MEBIBYTES << 20)
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
