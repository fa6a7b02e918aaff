"""Do single pictures and the data set lose together? Mean CID beside I(X;T), layer by layer, over the epochs."""

from functools import lru_cache

import numpy as np

from app.flow import known
from app.flow.known import Variant
from app.flow.tables import INPUT, Rows, rows_of
from app.words import decimal
from explainers.information_flow.bridge import RankCorrelation, rank_correlation
from explainers.information_flow.unfolding import content


def correlations(rows: Rows) -> dict[str, RankCorrelation]:
    """By layer the rank correlation of mean CID and I(X;T) over the epochs of all trainings; only where both move."""
    return _correlations(rows.variant, content(known.FOLDER / f"{rows.variant.experiment}.parquet"))


@lru_cache(maxsize=16)
def _correlations(variant: Variant, of: str) -> dict[str, RankCorrelation]:
    rows = rows_of(variant)
    return {} if rows is None else layer_correlations(rows)


def layer_correlations(rows: Rows) -> dict[str, RankCorrelation]:
    """The same, without looking whether it is known."""
    found: dict[str, RankCorrelation] = {}
    for layer in rows.layers("CID"):
        both = rows.of("CID", layer).merge(rows.of(INPUT, layer), on=["seed", "epoch"])
        both = both[np.isfinite(both["value_x"]) & np.isfinite(both["value_y"])]
        if len(both) > 2 and both["seed"].nunique() > 1:
            columns = both["value_x"].tolist(), both["value_y"].tolist()
            found[layer] = rank_correlation(*columns, groups=both["seed"].tolist())
    return found


def words(found: dict[str, RankCorrelation]) -> str:
    """What they say, in a sentence or two; empty where there are none."""
    if not found:
        return ""
    parts = [
        f"layer {layer}: **{decimal(one.value, 2)}** ({decimal(one.low, 2)} to {decimal(one.high, 2)})"
        for layer, one in found.items()
    ]
    return (
        "Spearman's rank correlation of mean CID and I(X;T) over the epochs, with intervals of 95 % over trainings: "
        f"{'; '.join(parts)}. Below 0, layers lose of single pictures what they lose of the data set; above 0, the two "
        "part. Where I(X;T) is at its ceiling this says little."
    )
