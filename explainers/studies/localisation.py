"""Table 2: how many of the pixels that matter most lie in the box around the object."""

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd
import torch

from explainers.evaluation.measures import localisation
from explainers.evaluation.methods import MapSettings, importance, refusal, title
from explainers.evaluation.scores import small
from explainers.methods.entropies import CID_NAME
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.versions import method_version
from explainers.studies.base.effects import difference, values
from explainers.studies.base.scores import Measured, Task
from explainers.studies.base.study import Axis, Claim, Study
from explainers.studies.base.verdicts import Effect
from explainers.sweeps.items import Item

NETWORKS = {"vgg16-birds": ("VGG-16", "conv5-3"), "resnet20-cifar10": ("ResNet-20", "layer3.2")}
METHODS = (CID_NAME, "grad_cam", "lrp", "cam")
LOCALISATION = "localisation"
ABOUT = f"localisation {MapSettings()} " + " ".join(map(method_version, METHODS))


def measure(network: Network, layer: Layer, item: Item) -> Iterator[Measured]:
    """The score of every method; NaN alone where the box covers more than a third, or there is none."""
    seen = item.seen_by(network)
    if seen.box is None or not small(seen.box, *seen.size):
        yield Measured(CID_NAME, LOCALISATION, float("nan"))
        return
    images = seen.x[None]
    with torch.no_grad():
        labels = network.module(images).argmax(1)
    known = [network.classes.index(one) for one in item.labels if one in network.classes]
    labels = torch.tensor(known[:1]) if known else labels
    for method in METHODS:
        if refusal(method, network, layer) is None:
            maps = importance(network, layer, method, images, labels, MapSettings()).values
            yield Measured(method, LOCALISATION, localisation(maps[0], seen.box))


def tasks(items: Sequence[Item], quick: bool) -> Iterable[Task]:
    """One for each network and picture."""
    return [Task(network, layer, item, ABOUT, measure) for network, (_, layer) in NETWORKS.items() for item in items]


def arrange(long: pd.DataFrame) -> pd.DataFrame:
    """A point for each network and method."""
    titles = {name: heading for name, (heading, _) in NETWORKS.items()}
    place = {method: float(n) for n, method in enumerate(METHODS)}
    methods = long["method"]
    return long.assign(series=long["network"].map(titles), at=methods.map(title), x=methods.map(place))


def ahead(network: str, other: str, printed: str) -> Claim:
    """The claim that CID localises better than another method."""
    heading, layer = NETWORKS[network]

    def of(long: pd.DataFrame) -> Effect:
        ours, theirs = (values(long, network=network, method=method) for method in (CID_NAME, other))
        return difference(ours, theirs)

    return Claim(
        f"{network.partition('-')[0]}-{other}",
        f"CID localises better than {title(other)}.",
        "Section 4, Table 2",
        f"localisation of CID minus that of {title(other)}, {heading}'s {layer}",
        "of 1",
        of,
        0.01,
        printed,
    )


STUDY = Study(
    name="localisation",
    title="Localisation",
    question="Do the pixels that a layer keeps lie on the object?",
    figure="Table 2",
    claims=(
        ahead("vgg16-birds", "grad_cam", ".578 against .507"),
        ahead("vgg16-birds", "lrp", ".578 against .489"),
        ahead("resnet20-cifar10", "grad_cam", ".493 against .355 (ResNet-50)"),
        ahead("resnet20-cifar10", "cam", ".493 against .367 (ResNet-50)"),
    ),
    axes=(Axis(LOCALISATION, "share of the top pixels inside the box", "method", named=True),),
    tasks=tasks,
    pictures=240,
    arrange=arrange,
    varied="method",
    differs="Rendered birds instead of CUB-200-2011, ResNet-20 in the place of ResNet-50; CID by its closed form.",
    note="Counted are pictures whose box covers at most a third, as in the paper; the others have no value.",
)
