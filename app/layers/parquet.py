"""A stranger's Parquet file -> the rows of a sweep, or one sentence; it is read by a process of its own."""

import math
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa

from app.layers.unpack import REFUSED, SECONDS, WHOLE, WRONG
from explainers.sweeps.row import SCHEMA

MEGABYTES = 20
MOST_POINTS = 2000
PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from app.layers.unpack import main; main()"
ROOT = str(Path(__file__).resolve().parents[2])
# Of all visitors, one table is read at a time.
_one = threading.Lock()


def read_table(data: bytes) -> Any:
    """The rows as a frame, texts made harmless. Raises ValueError, one sentence."""
    rows = _unpacked(data).to_pandas().drop_duplicates("row", ignore_index=True)
    if not len(rows):
        raise ValueError("expected a table with rows, got an empty one; choose another")
    if rows.groupby(["fingerprint", "method", "layer"], observed=True).ngroups > MOST_POINTS:
        raise ValueError(f"expected at most {MOST_POINTS:,} networks and layers, got more; choose a part of the table")
    for one in SCHEMA:
        if one.type == pa.string():
            rows[one.name] = rows[one.name].astype(object).where(rows[one.name].notna(), None)
    for name in ("mean", "concentration", "depth", "beta"):
        rows[name] = rows[name].where(rows[name].abs() < math.inf)
    return rows


def _unpacked(data: bytes) -> pa.Table:
    schema = SCHEMA.serialize().to_pybytes()
    sent = len(schema).to_bytes(8, "big") + schema + data
    # Libraries beside Arrow are not to reserve memory for every core, nor Arrow's own allocators great pieces of it,
    # which fit below the limit or not by chance.
    few = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    surroundings = os.environ | few
    try:
        with _one:
            read = subprocess.run(
                [sys.executable, "-I", "-c", PROGRAM, ROOT],
                input=sent,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=surroundings,
                timeout=SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise ValueError(WRONG) from None
    if read.returncode == REFUSED:
        raise ValueError(read.stdout.decode())
    if read.returncode != WHOLE:
        raise ValueError(WRONG)
    return pa.ipc.open_stream(read.stdout).read_all()
