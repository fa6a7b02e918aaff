"""Figure 9: CID of ResNet-32's blocks while it learns."""

from collections.abc import Callable

import pandas as pd

from explainers.networks.specs import SNAPSHOTS, snapshot
from explainers.studies.base.effects import difference, values
from explainers.studies.base.study import Axis, Claim, Leg, Study
from explainers.studies.base.verdicts import Effect

NETWORK = "resnet32-cifar10"
BLOCKS = {"layer1.4": "block 5", "layer2.4": "block 10", "layer3.4": "block 15"}
NETWORKS = {snapshot(NETWORK, epoch): epoch for epoch in SNAPSHOTS}
FIRST, *_, LAST = SNAPSHOTS
# The epochs in which the network learns to answer at all; after them it is said to forget.
EARLY = 4
LOW, HIGH = "block 5", "block 15"


def arrange(long: pd.DataFrame) -> pd.DataFrame:
    """A curve for each block, over the epochs."""
    rows = long[long["network"].isin(list(NETWORKS)) & (long["quantity"] == "CID")]
    epochs = rows["network"].map(NETWORKS)
    return rows.assign(series=rows["layer"].map(BLOCKS), x=epochs.astype(float), at=epochs.map("{:.0f}".format))


def rise(block: str, first: int, last: int) -> Callable[[pd.DataFrame], Effect]:
    """CID of a block after epoch `last` minus that after epoch `first`."""

    def of(long: pd.DataFrame) -> Effect:
        after, before = (values(long, series=block, at=f"{epoch}") for epoch in (last, first))
        return difference(after, before)

    return of


def steeper(long: pd.DataFrame) -> Effect:
    """How much more the highest block rises after the early epochs than the lowest, where that rises at all."""
    high, low = (
        values(long, series=block, at=f"{LAST}") - values(long, series=block, at=f"{EARLY}") for block in (HIGH, LOW)
    )
    return difference(high, low.clip(lower=0.0))


STUDY = Study(
    name="epochs",
    title="Epochs of learning",
    question="Does a network first take in and then forget what it sees?",
    figure="Fig. 9, App. F.3",
    claims=(
        Claim(
            "compresses",
            "Information discarding in high layers satisfies the information-bottleneck theory: late in learning it "
            "grows.",
            "Appendix F.3, Fig. 9",
            f"CID of ResNet-32's block 15 after epoch {LAST} minus that after epoch {EARLY}",
            "nats",
            rise(HIGH, EARLY, LAST),
            0.01,
        ),
        Claim(
            "fits",
            "Information discarding in high layers satisfies the information-bottleneck theory: early in learning it "
            "falls.",
            "Appendix F.3, Fig. 9",
            f"CID of ResNet-32's block 15 after epoch {FIRST} minus that after epoch {EARLY}",
            "nats",
            rise(HIGH, EARLY, FIRST),
            0.01,
        ),
        Claim(
            "high-layers",
            "It is the high layers in which discarding grows late in learning.",
            "Appendix F.3, Fig. 9",
            f"rise of CID from epoch {EARLY} to epoch {LAST} of block 15 minus that of block 5 where it rises",
            "nats",
            steeper,
            0.01,
        ),
    ),
    axes=(Axis("CID", "mean CID (nats per input variable)", "epochs of learning", logarithmic=True),),
    legs=tuple(Leg(name, tuple(BLOCKS), series=f"after epoch {epoch}", pictures=6) for name, epoch in NETWORKS.items()),
    arrange=arrange,
    varied="epoch",
    differs="Rendered birds instead of CIFAR-10's pictures, on which it was trained; sixteen epochs, of which the "
    "first four saw pictures of 20 pixels a side, the next five of 24, and the others of 32.",
)
