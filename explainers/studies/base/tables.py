"""The tables of studies on disk, and the one long table that curves and verdicts are made of.

Columns of a long table: series, training, network, layer, place, depth, method, beta, quantity, x, at, picture, value,
and row, which tells the row of the table, and its map, from the others.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from explainers.assets import ASSETS, check_shipped
from explainers.methods.entropies import CID_NAME, RU_NAME
from explainers.studies.base.kept_maps import read_kept_maps
from explainers.studies.base.scores import SCORES
from explainers.studies.base.study import Leg, Study
from explainers.sweeps.row import SCHEMA
from explainers.sweeps.table import read_sweep

FOLDER = ASSETS / "studies"
LONG = (
    "series", "training", "network", "layer", "place", "depth", "method", "beta", "quantity", "x", "at", "picture",
    "value", "row",
)  # fmt: skip
NAMES = {CID_NAME: "CID", RU_NAME: "RU"}
CONCENTRATION = "concentration"


def rows_of(study: Study, folder: Path = FOLDER, quick: bool = False) -> pd.DataFrame:
    """Its rows as they stand on disk, those of its plan alone; none where there is no table.

    Raises DamagedFile for a shipped table that is not as it was shipped, TableError for what is none.
    """
    path = folder / study.file
    if not study.computes or not (path.exists() or path.with_name(f"{path.name}.parts").exists()):
        return pd.DataFrame()
    if path.exists():
        check_shipped(path)
    rows = read_sweep(path, SCORES if study.tasks else SCHEMA)
    if study.tasks:
        return rows
    legs = [leg.quick() if quick else leg for leg in study.legs]
    kept = [_of_leg(rows, leg) for leg in legs]
    return pd.concat(kept, ignore_index=True).drop_duplicates(["row", "series"], ignore_index=True)


def _of_leg(rows: pd.DataFrame, leg: Leg) -> pd.DataFrame:
    settings = leg.settings
    grid = rows["grid"].isna() if settings.grid is None else rows["grid"] == settings.grid
    chosen = (rows["network"] == leg.network) & rows["layer"].isin(leg.layers) & rows["method"].isin(leg.methods)
    chosen &= np.isclose(rows["beta"], settings.beta, rtol=1e-9, atol=0) & (rows["refine"] == settings.refine) & grid
    return rows[chosen & (rows["seed"] == settings.seed)].assign(
        series=leg.series or leg.network, training=leg.training
    )


def long_of(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """The long table of a study's own rows."""
    if rows.empty:
        return pd.DataFrame(columns=list(LONG))
    if study.tasks:
        long = rows.assign(series=rows["method"], training=0, at=rows["layer"], beta=np.nan)
        return long[list(LONG)].reset_index(drop=True)
    place = {name: n for leg in study.legs for n, name in enumerate(leg.layers)}
    rows = rows.assign(x=rows["layer"].map(place).astype(float), at=rows["layer"])
    means = rows.assign(quantity=rows["method"].replace(NAMES), value=rows["mean"])
    # The paper's concentration is that of CID.
    gains = rows[rows["method"] == CID_NAME].assign(quantity=CONCENTRATION)
    both = pd.concat([means, gains.assign(value=gains["concentration"])], ignore_index=True)
    # Where a layer uses no pixel of a side there is nothing to compare.
    finite = both.loc[np.isfinite(both["value"].to_numpy(float)), list(LONG)]
    return finite.reset_index(drop=True)


def long_table(study: Study, studies: Mapping[str, Study], folder: Path = FOLDER, quick: bool = False) -> pd.DataFrame:
    """The long table of a study, with the rows of those that it uses."""
    sources = [(one, rows_of(one, folder, quick)) for one in (study, *(studies[name] for name in study.uses))]
    if study.derive:
        filled = [rows for _, rows in sources if len(rows)]
        maps = {name: values for one, _ in sources for name, values in maps_of(one, folder).items()}
        found = study.derive(pd.concat(filled, ignore_index=True), maps) if filled else pd.DataFrame(columns=list(LONG))
        return found[list(LONG)].reset_index(drop=True)
    parts = [long_of(one, rows) for one, rows in sources]
    filled = [part for part in parts if len(part)]
    return study.arrange(pd.concat(filled, ignore_index=True)) if filled else parts[0]


def maps_of(study: Study, folder: Path = FOLDER) -> Mapping[str, np.ndarray]:
    """The maps that ship with a study: (rows, columns), float16, by `row` of its table."""
    return read_kept_maps(folder / study.maps_file)
