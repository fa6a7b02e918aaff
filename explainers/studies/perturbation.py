"""Table 3: CID of the last layer against how small a perturbation makes a network say another class."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from explainers.evaluation.alike import rank_correlation
from explainers.evaluation.boundary import LIBRARY, STEPS, likeliest_wrong, smallest_perturbations
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.studies import adversarial, pruning
from explainers.studies.base.effects import between, effect, values
from explainers.studies.base.scores import Measured, Task
from explainers.studies.base.study import LOOKALIKES, Axis, Claim, Study
from explainers.studies.base.verdicts import Effect, Lacking
from explainers.sweeps.items import Item

LAYER = "fc8"
FAMILY = pruning.NETWORKS
NETWORKS = {name: series for series, name in (FAMILY | adversarial.NETWORKS).items()}
SMALLEST, REACHED = "smallest perturbation", "share of classes reached"
CLASSES, QUICK_CLASSES, QUICK_STEPS = 20, 3, 10
LEAST_NETWORKS = 3


def measure(network: Network, layer: Layer, item: Item, classes: int, steps: int) -> Iterator[Measured]:
    """The mean ‖ε‖₂ over the likeliest wrong classes, and for how many of them one was found."""
    x = item.seen_by(network).x
    found = smallest_perturbations(network, x, likeliest_wrong(network, x, classes), steps)
    norms = found.norms[found.reached].double()
    yield Measured("attack", SMALLEST, float(norms.mean()) if len(norms) else float("nan"))
    yield Measured("attack", REACHED, float(found.reached.double().mean()))


def tasks(items: Sequence[Item], quick: bool) -> Iterable[Task]:
    """One for each network and picture."""
    classes, steps = (QUICK_CLASSES, QUICK_STEPS) if quick else (CLASSES, STEPS)

    def of(network: Network, layer: Layer, item: Item) -> Iterator[Measured]:
        return measure(network, layer, item, classes, steps)

    about = f"perturbation {classes} {steps}"
    return [Task(network, LAYER, item, about, of) for network in NETWORKS for item in items]


def arrange(long: pd.DataFrame) -> pd.DataFrame:
    """A point for each network, side by side: of some there are perturbations and no CID yet."""
    rows = long[(long["layer"] == LAYER) & long["network"].isin(list(NETWORKS))]
    rows = rows.assign(series=rows["network"].map(NETWORKS), at=rows["network"].map(NETWORKS))
    kept = rows[rows["quantity"].isin([SMALLEST, REACHED, "CID"])]
    places = {name: float(place) for place, name in enumerate(NETWORKS)}
    return kept.assign(x=kept["network"].map(places)).sort_values("x", kind="stable", ignore_index=True)


def together(long: pd.DataFrame) -> Effect:
    """Over the networks of one family, picture by picture: the rank correlation of CID with the perturbation."""
    here = [name for name in FAMILY if {"CID", SMALLEST} <= set(long.loc[long["series"] == name, "quantity"])]
    if len(here) < LEAST_NETWORKS:
        raise Lacking(f"it takes {LEAST_NETWORKS} networks with CID and perturbations, there are {len(here)}")
    cid, norms = (
        pd.concat({name: values(long, quantity=quantity, series=name).loc[0] for name in here}, axis=1)
        for quantity in ("CID", SMALLEST)
    )
    pictures = cid.dropna().index.intersection(norms.dropna().index)
    if not len(pictures):
        raise Lacking("CID and perturbations have no picture in common")
    pairs = zip(cid.loc[pictures].to_numpy(float), norms.loc[pictures].to_numpy(float), strict=True)
    return effect(pd.DataFrame([[rank_correlation(np.asarray(one), np.asarray(other)) for one, other in pairs]]))


STUDY = Study(
    name="perturbation",
    title="The smallest perturbation",
    question="Is a network that discards more harder to fool?",
    figure="Table 3, App. F.2",
    claims=(
        Claim(
            "together",
            "A higher CID value usually indicates a higher adversarial robustness.",
            "Appendix F.2, Table 3",
            "rank correlation over the whole and the compressed VGG-16 of the last layer's CID with the smallest "
            "perturbation, picture by picture",
            "of 1",
            together,
            0.05,
            "0.8 over four networks",
        ),
        Claim(
            "compressed",
            "A compressed network, which discards less, takes a smaller perturbation.",
            "Appendix F.2, Table 3",
            "‖ε‖₂ of the whole VGG-16 minus that of the one with 8 % of the parameters",
            "of pixels in [0, 1]",
            between(SMALLEST, pruning.WHOLE, "8 % of the parameters"),
            0.005,
            "0.00276 against 0.00109",
        ),
        Claim(
            "adversarial",
            "A network trained against attacks, which discards more, takes a larger perturbation.",
            "Appendix F.2, F.4",
            "‖ε‖₂ of the adversarially trained AlexNet minus that of the normally trained one",
            "of pixels in [0, 1]",
            between(SMALLEST, adversarial.ATTACKED, adversarial.NORMAL),
            0.005,
        ),
    ),
    axes=(
        Axis(SMALLEST, "mean ‖ε‖₂ of pixels in [0, 1]", "network", named=True),
        Axis("CID", "mean CID of the last layer (nats)", "network", named=True),
        Axis(REACHED, "share of the classes that were reached", "network", named=True),
    ),
    tasks=tasks,
    pictures=8,
    source=LOOKALIKES,
    uses=("pruning", "adversarial"),
    needs=tuple(NETWORKS),
    needs_library=LIBRARY,
    arrange=arrange,
    varied="network",
    differs="Rendered birds instead of CUB-200-2011; ‖ε‖₂ over all pixels and channels, which by its size the paper's "
    "is not.",
    note="CID of the last layer is that of the studies of pruning and of adversarial training; the perturbations are "
    "found by foolbox and end at the boundary: at 0.99 of them the class is not reached. Classes that its "
    "twenty steps do not reach do not count.",
)
