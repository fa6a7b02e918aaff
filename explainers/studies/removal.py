"""Figure 6: what AlexNet still recognises while the pixels that matter least are taken away."""

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd
import torch

from explainers.evaluation.measures import descriptive_accuracy
from explainers.evaluation.methods import MapSettings, importance, title
from explainers.methods.entropies import CID_NAME
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.versions import method_version
from explainers.studies.base.effects import difference, values
from explainers.studies.base.scores import Measured, Task
from explainers.studies.base.study import Axis, Claim, Study
from explainers.studies.base.verdicts import Effect
from explainers.sweeps.items import Item

NETWORK, LAYER = "alexnet-birds", "conv5"
METHODS = (CID_NAME, "saliency", "input_x_gradient", "guided_backprop", "lrp", "random")
FRACTIONS = tuple(n / 10 for n in range(10))
ACCURACY, AREA = "accuracy", "descriptive accuracy"
ABOUT = f"removal {FRACTIONS} {MapSettings()} " + " ".join(map(method_version, METHODS))


def measure(network: Network, layer: Layer, item: Item) -> Iterator[Measured]:
    """Whether the class is still recognised at each fraction, and the mean over them, for every method."""
    seen = item.seen_by(network)
    label = next((network.classes.index(one) for one in item.labels if one in network.classes), None)
    images = seen.x[None]
    with torch.no_grad():
        answer = int(network.module(images).argmax()) if label is None else label
    labels = torch.tensor([answer])
    for method in METHODS:
        maps = importance(network, layer, method, images, labels, MapSettings()).values
        found = descriptive_accuracy(network.module, images, labels, maps, FRACTIONS)
        yield Measured(method, AREA, found.area)
        for fraction, right in zip(FRACTIONS, found.accuracy, strict=True):
            yield Measured(method, ACCURACY, right, fraction)


def tasks(items: Sequence[Item], quick: bool) -> Iterable[Task]:
    """One for each picture."""
    return [Task(NETWORK, LAYER, item, ABOUT, measure) for item in items]


def arrange(long: pd.DataFrame) -> pd.DataFrame:
    """A curve for each method over the fraction that is removed."""
    return long.assign(series=long["method"].map(title), at=long["x"].map("{:.0%}".format))


def ahead(other: str) -> Claim:
    """The claim that CID is better than another method."""

    def of(long: pd.DataFrame) -> Effect:
        return difference(values(long, quantity=AREA, method=CID_NAME), values(long, quantity=AREA, method=other))

    return Claim(
        f"ahead-of-{other}",
        f"Accuracy falls more slowly by CID's order of pixels than by that of {title(other)}.",
        "Section 4, Fig. 6",
        f"descriptive accuracy of CID minus that of {title(other)}, AlexNet's conv5",
        "of 1",
        of,
        0.01,
    )


STUDY = Study(
    name="removal",
    title="Taking pixels away",
    question="Does CID know best which pixels a network can do without?",
    figure="Fig. 6",
    claims=tuple(ahead(method) for method in METHODS[1:-1]),
    axes=(Axis(ACCURACY, "share still recognised", "share of the pixels that is removed, least important first"),),
    tasks=tasks,
    pictures=60,
    arrange=arrange,
    varied="share removed",
    differs="Rendered birds instead of CUB-200-2011; CID by its closed form.",
)
