"""Figure 8 and Appendix M: VGG nets whose last convolutions were cut to four filters.

With them Figure 4 (a) of the first version of the paper: residual networks with a narrow block between two stages.
"""

from collections.abc import Callable

import pandas as pd

from explainers.studies.base.effects import against, mean_of, values
from explainers.studies.base.study import LOOKALIKES, Axis, Claim, Leg, Study
from explainers.studies.base.verdicts import Effect

LAYERS = {
    16: ("conv4-3", "conv5-1", "conv5-2", "conv5-3", "fc6", "fc8"),
    19: ("conv4-4", "conv5-2", "conv5-3", "conv5-4", "fc6", "fc8"),
}
CUT = {16: ("5-2", "5-3"), 19: ("5-3", "5-4")}
WHOLE = {16: "VGG-16", 19: "VGG-19"}
NETWORKS = {f"vgg{depth}-bird-or-not": (title, LAYERS[depth]) for depth, title in WHOLE.items()} | {
    f"vgg{depth}-bird-or-not-damaged-{layer}": (f"{WHOLE[depth]}, conv{layer} cut", LAYERS[depth])
    for depth, layers in CUT.items()
    for layer in layers
}

# The stage's end before the inserted block, by the number of the stage; the block's own end is its `widen`.
RESIDUAL, BEFORE = "ResNet-20", {1: "layer1.2", 2: "layer2.2"}
STAGES, BLOCK = ("conv1", "layer1.2", "layer2.2", "layer3.2", "fc"), "widen"
INSERTED = {stage: f"{RESIDUAL}, a narrow block after stage {stage}" for stage in BEFORE}
RESIDUAL_NETWORKS = {"resnet20-cifar10": (RESIDUAL, STAGES)} | {
    f"resnet20-cifar10-damaged-{stage}": (series, (*STAGES[: 1 + stage], BLOCK, *STAGES[1 + stage :]))
    for stage, series in INSERTED.items()
}


def at_the_cut(quantity: str, depth: int) -> Callable[[pd.DataFrame], Effect]:
    """Damaged minus whole at the layer that was cut, mean over the two damages of a depth."""

    def of(long: pd.DataFrame) -> Effect:
        parts: list[pd.DataFrame] = []
        for layer in CUT[depth]:
            at = f"conv{layer}"
            hurt = values(long, quantity=quantity, series=f"{WHOLE[depth]}, {at} cut", at=at)
            parts.append(hurt - values(long, quantity=quantity, series=WHOLE[depth], at=at))
        return mean_of(parts)

    return of


def behind_the_block(long: pd.DataFrame) -> Effect:
    """CID behind the inserted block minus that of the whole network where it would be, mean over its places."""
    parts = [
        values(long, quantity="CID", series=INSERTED[stage], at=BLOCK)
        - values(long, quantity="CID", series=RESIDUAL, at=before)
        for stage, before in BEFORE.items()
    ]
    return mean_of(parts)


def claims(depth: int) -> tuple[Claim, ...]:
    """What the paper says of the damages of a network."""
    where, layers = "Appendix F.1, Fig. 8", " and ".join(f"conv{layer}" for layer in CUT[depth])
    about = f"of {WHOLE[depth]} with a damaged layer minus that of the whole one at that layer, mean over {layers}"
    return (
        Claim(
            f"cid-{depth}",
            f"The damage significantly boosts the information discarding at the revised layer ({WHOLE[depth]}).",
            where,
            f"CID {about}",
            "nats",
            at_the_cut("CID", depth),
            0.01,
        ),
        Claim(
            f"concentration-{depth}",
            f"The damage slightly increases the concentration ({WHOLE[depth]}).",
            where,
            f"concentration {about}",
            "nats",
            at_the_cut("concentration", depth),
            0.01,
        ),
    )


STUDY = Study(
    name="damage",
    title="A damaged layer",
    question="Does CID show where an architecture was damaged?",
    figure="Fig. 8, App. M; v1, Fig. 4 (a)",
    claims=(
        *claims(16),
        *claims(19),
        Claim(
            "inserted",
            "The inserted block significantly boosts the information discarding.",
            "v1, Fig. 4 (a)",
            f"CID behind the inserted block minus that of the whole {RESIDUAL} at the end of the stage before it, mean "
            "over the places after stage 1 and stage 2",
            "nats",
            behind_the_block,
            0.01,
        ),
        Claim(
            "more",
            "Damaged networks usually discard more input information than original ones.",
            "v1, Fig. 4 (a)",
            f"CID of {RESIDUAL} with an inserted block minus that of the whole one, mean over its layers and both "
            "places",
            "nats",
            against("CID", list(INSERTED.values()), RESIDUAL),
            0.01,
        ),
    ),
    axes=(Axis("CID", "mean CID (nats per input variable)"), Axis("concentration", "concentration (nats)")),
    legs=(
        *(
            Leg(name, layers, pictures=8, series=series, source=LOOKALIKES)
            for name, (series, layers) in NETWORKS.items()
        ),
        *(Leg(name, layers, pictures=6, series=series) for name, (series, layers) in RESIDUAL_NETWORKS.items()),
    ),
    arrange=lambda long: long.assign(x=long["depth"]),
    varied="damaged or not",
    differs="Rendered birds against scenes without one, instead of CUB-200-2011 against ImageNet; the residual "
    "networks were trained on CIFAR-10 and see rendered birds.",
)
