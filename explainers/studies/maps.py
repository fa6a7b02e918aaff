"""Figure 4 and Appendices G and H: maps of every network, and how coarse their patterns are."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from explainers.methods.entropies import CID_NAME
from explainers.studies.base.effects import mean_of, values
from explainers.studies.base.study import Axis, Claim, Study
from explainers.studies.base.verdicts import Effect
from explainers.studies.layers import NETWORKS

COARSE = "share of coarse patterns"
# A pattern is coarse that is left in the means over an eighth of the side.
PARTS = 8


def coarse_share(values: np.ndarray) -> float:
    """Of the variance of a map (rows, columns), the share that is left in the means of 8×8 parts of it.

    NaN for a map without variance or with cells that are not used.

    >>> coarse_share(np.kron(np.arange(64.0).reshape(8, 8), np.ones((2, 2))))
    1.0
    >>> round(coarse_share(np.indices((16, 16)).sum(0) % 2.0), 6)
    0.0
    """
    values = np.asarray(values, float)
    if not np.isfinite(values).all() or values.var() == 0 or any(side % PARTS for side in values.shape):
        return float("nan")
    rows, columns = (side // PARTS for side in values.shape)
    return float(values.reshape(PARTS, rows, PARTS, columns).mean((1, 3)).var() / values.var())


def derive(rows: pd.DataFrame, maps: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """The share for every row of CID whose map ships."""
    here = rows[(rows["method"] == CID_NAME) & rows["row"].isin(list(maps))]
    shares = here["row"].map({name: coarse_share(maps[name]) for name in here["row"]})
    return here.assign(quantity=COARSE, value=shares.astype(float), x=here["depth"], at=here["layer"])


def coarser(long: pd.DataFrame) -> Effect:
    """Last convolution minus first layer, mean over five networks."""
    parts: list[pd.DataFrame] = []
    for title, layers in NETWORKS.values():
        convolutions = [layer for layer in layers if not layer.startswith("fc")]
        last, first = (values(long, series=title, at=layer) for layer in (convolutions[-1], convolutions[0]))
        parts.append(last - first)
    return mean_of(parts)


STUDY = Study(
    name="maps",
    title="Maps of every network",
    question="Do low layers look at details and high layers at large patterns?",
    figure="Fig. 4, App. G, H",
    claims=(
        Claim(
            "coarser",
            "Low layers mainly focus on local patterns, high layers mainly on large-scale patterns.",
            "Fig. 4",
            "share of a CID map's variance that is left in the means of 8×8 parts, last convolution minus first layer, "
            "mean over five networks",
            "of the variance",
            coarser,
            0.01,
        ),
    ),
    axes=(Axis(COARSE, "share of the map's variance in coarse patterns"),),
    uses=("layers",),
    derive=derive,
    differs="Rendered birds; the U-Net's maps are in Explore and are not counted here.",
)
