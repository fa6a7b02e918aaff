"""Figure 8 and Appendix M: VGG nets whose last convolutions were cut to four filters."""

from collections.abc import Callable

import pandas as pd

from explainers.studies.base.effects import mean_of, values
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
    figure="Fig. 8, App. M",
    claims=(*claims(16), *claims(19)),
    axes=(Axis("CID", "mean CID (nats per input variable)"), Axis("concentration", "concentration (nats)")),
    legs=tuple(
        Leg(name, layers, pictures=8, series=series, source=LOOKALIKES) for name, (series, layers) in NETWORKS.items()
    ),
    arrange=lambda long: long.assign(x=long["depth"]),
    varied="damaged or not",
    differs="Rendered birds against scenes without one, instead of CUB-200-2011 against ImageNet.",
)
