"""Appendix D: half of a layer's filters scaled by ½, which loses nothing and moves CID all the same."""

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd
import torch
from torch import Tensor

from explainers.cid.explain import CID
from explainers.cid.results import CIDResult, CIDSettings
from explainers.methods.entropies import CID_NAME
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.rescaling.filters import scale_filters
from explainers.rescaling.pairs import rescalable_pairs
from explainers.storage.versions import method_version
from explainers.streams import last
from explainers.studies.base.effects import effect, values
from explainers.studies.base.scores import Measured, Task
from explainers.studies.base.study import Axis, Claim, Study
from explainers.studies.base.verdicts import Effect
from explainers.sweeps.items import Item

LAYERS = {"alexnet-birds": ("conv1", "conv3", "conv5"), "vgg16-birds": ("conv1-2", "conv2-2", "conv3-3")}
NETWORKS = {"alexnet-birds": "AlexNet", "vgg16-birds": "VGG-16"}
SETTINGS = CIDSettings(refine=False)
CHANGE, SIZE = "change of CID", "size of the change"
# The last word changes whenever what is measured does.
ABOUT = f"halved {SETTINGS} {method_version(CID_NAME)} scaled"


def scaled(result: CIDResult) -> Tensor:
    r"""The map (B, 1, H, W) in nats of a closed form whose σ is multiplied by one factor to meet the constraint.

    .. math:: H - \tfrac12 \log E

    with E what was measured of the constraint: exact where h is linear, and elsewhere the least that is wrong.
    """
    return result.entropy - 0.5 * result.constraint.log().view(-1, 1, 1, 1)


def measure(network: Network, layer: Layer, item: Item) -> Iterator[Measured]:
    """CID of `layer` with every other filter halved minus CID as it is, and the mean size of a cell's change."""
    x = item.seen_by(network).x[None]
    pair = next(one for one in rescalable_pairs(network.module, x) if one.layer_name == layer.name)
    halved = scale_filters(network.module, pair, torch.arange(layer.shape[0]) % 2 == 0)
    before, after = (scaled(last(CID(module, layer).stream(x, SETTINGS))) for module in (network.module, halved))
    fine = before.isfinite() & after.isfinite()
    moved = (after - before)[fine].double()
    yield Measured(CID_NAME, CHANGE, float(moved.mean()))
    yield Measured(CID_NAME, SIZE, float(moved.abs().mean()))


def tasks(items: Sequence[Item], quick: bool) -> Iterable[Task]:
    """One for each network, layer and picture."""
    return [
        Task(network, layer, item, ABOUT, measure)
        for network, layers in LAYERS.items()
        for layer in (layers[:1] if quick else layers)
        for item in items
    ]


def arrange(long: pd.DataFrame) -> pd.DataFrame:
    """A curve for each network through its layers."""
    return long.assign(series=long["network"].map(NETWORKS), x=long["depth"], at=long["layer"])


def size(long: pd.DataFrame) -> Effect:
    """Of a cell's change, mean over the layers."""
    return effect(values(long, quantity=SIZE))


STUDY = Study(
    name="halved",
    title="Filters halved",
    question="Does CID change although no information is lost?",
    figure="App. D",
    claims=(
        Claim(
            "moves",
            "Halving half of the filters discards no input information, yet CID changes: a limit of the metric.",
            "Appendix D",
            "mean size of the change of a cell's CID, six layers of AlexNet and VGG-16",
            "nats",
            size,
            0.01,
        ),
    ),
    axes=(
        Axis(SIZE, "mean size of the change (nats)"),
        Axis(CHANGE, "change of mean CID (nats)"),
    ),
    tasks=tasks,
    pictures=12,
    arrange=arrange,
    differs="The paper argues and shows no number; CID by its closed form, scaled to meet the constraint.",
)
