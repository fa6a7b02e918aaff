"""The maps of a study in the one file that ships beside its table: `NAME.maps.parquet`."""

import io
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from explainers.assets import check_shipped
from explainers.storage.whole_files import write_whole

# Its own type knows not every argument.
_write_table: Callable[..., None] = cast(Any, pq).write_table


def write_kept_maps(path: Path, maps: Mapping[str, np.ndarray]) -> None:
    """Maps (rows, columns), float16, by `row` of the table; nothing is lost. Raises OSError where the disk refuses.

    High and low bytes are apart, since only the high ones repeat.
    """
    table = pa.table(
        {
            "row": pa.array(maps, pa.string()),
            "columns": pa.array([cells.shape[1] for cells in maps.values()], pa.int32()),
            "values": pa.array([cells.ravel() for cells in maps.values()], pa.list_(pa.float16())),
        }
    )
    buffer = io.BytesIO()
    apart = {"use_dictionary": False, "use_byte_stream_split": ["values.list.element"]}
    _write_table(table, buffer, compression="zstd", compression_level=19, **apart)
    write_whole(path, buffer.getvalue())


def read_kept_maps(path: Path) -> Mapping[str, np.ndarray]:
    """What `write_kept_maps` has written; none where no file is. Raises DamagedFile where it is not as it shipped."""
    return _read(path, path.stat().st_mtime_ns) if path.is_file() else {}


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Mapping[str, np.ndarray]:
    check_shipped(path)
    found = pd.read_parquet(path)
    columns = zip(found["row"], found["columns"], found["values"], strict=True)
    return {str(row): cells.reshape(-1, width) for row, width, cells in columns}
