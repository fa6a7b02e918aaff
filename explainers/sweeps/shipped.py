"""Rows of the sweeps that ship with the project, found by what they depend on."""

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from explainers.assets import ASSETS, DamagedFile, check_shipped
from explainers.cid.results import CIDSettings
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.sweeps.items import Item
from explainers.sweeps.row import Row, row_key
from explainers.sweeps.table import TableError, read_parts

log = logging.getLogger(__name__)

FOLDER = ASSETS / "sweeps"
# Where shipped rows may have been computed: a table serves machines with and without a GPU.
DEVICES = ("cpu", "cuda")


@lru_cache(maxsize=4)
def shipped_rows(folder: Path = FOLDER) -> Mapping[str, Row]:
    """All of them by their `row`; a table that is not as it was shipped counts for nothing."""
    found: dict[str, Row] = {}
    for path in sorted(folder.glob("*.parquet")):
        try:
            check_shipped(path)
            rows: list[dict[str, Any]] = [row for table in read_parts(path) for row in table.to_pylist()]
        except (DamagedFile, TableError) as error:
            log.warning("%s", error)
            continue
        found |= {str(row["row"]): Row(**row) for row in rows}
    return found


def shipped(
    network: Network,
    layer: Layer,
    method: str,
    items: Sequence[Item],
    settings: CIDSettings,
    rows: Mapping[str, Row] | None = None,
) -> tuple[tuple[Row, ...], tuple[Item, ...]]:
    """The rows that there are of these pictures, and the pictures without one."""
    rows = shipped_rows() if rows is None else rows
    if not rows:
        return (), tuple(items)
    found: list[Row] = []
    lacking: list[Item] = []
    for item in items:
        names = (row_key(network, layer, method, settings, item.identity(), device) for device in DEVICES)
        row = next((rows[name] for name in names if name in rows), None)
        if row is None:
            lacking.append(item)
        else:
            found.append(row)
    return tuple(found), tuple(lacking)
