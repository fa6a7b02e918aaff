"""Figure 3 (b): CID of ResNet-32's blocks while β, how far the feature may move, runs over five decades."""

import numpy as np
import pandas as pd

from explainers.cid.results import CIDSettings
from explainers.studies.base.effects import effect, slope, values
from explainers.studies.base.study import Axis, Claim, Leg, Study
from explainers.studies.base.verdicts import Effect, Lacking

NETWORK = "resnet32-cifar10"
BLOCKS = {"layer1.4": "block 5", "layer2.4": "block 10", "layer3.4": "block 15"}
PAPER = CIDSettings.beta
BETAS = (1e-6, 1e-5, 1e-3, 1e-2, 1e-1)


def arrange(long: pd.DataFrame) -> pd.DataFrame:
    """A curve for each block, over β."""
    rows = long[(long["network"] == NETWORK) & long["layer"].isin(BLOCKS) & (long["quantity"] == "CID")]
    return rows.assign(series=rows["layer"].map(BLOCKS), x=rows["beta"], at=rows["beta"].map("{:g}".format))


def per_decade(long: pd.DataFrame) -> Effect:
    """The slope of CID over log₁₀ β, mean over the blocks."""
    means = long.groupby(["training", "picture", "beta"], as_index=False)["value"].mean()
    return slope(means.assign(x=np.log10(means["beta"])))


def weakest_order(long: pd.DataFrame) -> Effect:
    """The rise of CID from block 5 to block 15 at the β where it is least."""
    first, *_, last = BLOCKS.values()
    steps = [
        values(rows, series=last) - values(rows, series=first)
        for _, rows in long.groupby("beta")
        if {first, last} <= set(rows["series"])
    ]
    if not steps:
        raise Lacking("there is no row of the blocks")
    return effect(min(steps, key=lambda step: float(np.nanmean(step.to_numpy()))))


STUDY = Study(
    name="beta",
    title="CID over β",
    question="Does the strength β, which the reader sets, change the order of the layers?",
    figure="Fig. 3 (b)",
    claims=(
        Claim(
            "low-beta",
            "A low value of β leads to a low value of CID.",
            "Section 4, Fig. 3 (b)",
            "rise of CID per decade of β, mean over three blocks of ResNet-32",
            "nats per decade",
            per_decade,
            0.01,
        ),
        Claim(
            "order",
            "For a specific β, CID stably increases along with the number of blocks.",
            "Section 4, Fig. 3 (b)",
            "CID of block 15 minus that of block 5, at the β of six at which it is least",
            "nats",
            weakest_order,
            0.01,
        ),
    ),
    axes=(Axis("CID", "mean CID (nats per input variable)", "strength β of the constraint", logarithmic=True),),
    legs=tuple(
        Leg(NETWORK, tuple(BLOCKS), settings=CIDSettings(beta=beta), series=f"β = {beta:g}", pictures=6)
        for beta in BETAS
    ),
    uses=("layers",),
    arrange=arrange,
    varied="β",
    differs="Rendered birds instead of CIFAR-10's pictures; five decades, from 10⁻⁶ to 10⁻¹.",
    note="In a linear network the slope is ½ log 10 = 1.151 nats per decade exactly; the rows of β = 0.00015 are those "
    "of the study layer by layer.",
)
