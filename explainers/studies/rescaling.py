"""Figure 1 (a2) and Appendix I: the same network with other weights, pair by pair."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pandas as pd

from explainers.cid.results import CIDSettings
from explainers.methods.entropies import CID_NAME
from explainers.methods.registry import find_method
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.rescaling.pairs import rescalable_pairs
from explainers.rescaling.rescale import factor, logit_change, rescale
from explainers.storage.versions import method_version
from explainers.studies.base.effects import effect, values
from explainers.studies.base.scores import Measured, Task
from explainers.studies.base.study import Axis, Claim, Study
from explainers.studies.base.verdicts import Effect
from explainers.sweeps.items import Item

# Every layer that begins a pair, beside which the pair is named.
LAYERS = {
    "alexnet-birds": ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"),
    "vgg16-birds": (
        "conv1-1", "conv1-2", "conv2-1", "conv2-2", "conv3-1", "conv3-2", "conv3-3", "conv4-1", "conv4-2", "conv4-3",
        "conv5-1", "conv5-2", "conv5-3", "fc6", "fc7",
    ),
}  # fmt: skip
NETWORKS = {"alexnet-birds": "AlexNet", "vgg16-birds": "VGG-16"}
METHODS = {CID_NAME: "CID", "layer_gradient": "Layer gradient", "grad_cam": "Grad-CAM", "saliency": "Input gradient"}
C = 4.0
# Enough to compare with the same probes after.
SETTINGS = CIDSettings(refine=False, probes=32)
NATS, DOUBLINGS, LOGITS = "change in nats", "change in doublings", "change of a logit"
ABOUT = f"rescaling {C} {SETTINGS} " + " ".join(map(method_version, METHODS))


def measure(network: Network, layer: Layer, item: Item) -> Iterator[Measured]:
    """What becomes of each method's map of `layer` when that is divided by c and the next one multiplied by it."""
    x = item.seen_by(network).x[None]
    pair = next(one for one in rescalable_pairs(network.module, x) if one.layer_name == layer.name)
    other = replace(network, module=rescale(network.module, (pair,), C))
    yield Measured("logits", LOGITS, logit_change(network.module, other.module, x))
    target = network.module(x).argmax(1)
    for method in METHODS:
        kind = find_method(method)
        if kind.refuse(network, layer):
            continue
        before, after = (kind.explain(one, layer, x, target, SETTINGS).map for one in (network, other))
        if kind.entropy:
            fine = before.isfinite() & after.isfinite()
            yield Measured(method, NATS, float((after - before)[fine].double().mean()))
        elif (k := factor(before, after)) > 0:
            yield Measured(method, DOUBLINGS, math.log2(k))


def tasks(items: Sequence[Item], quick: bool) -> Iterable[Task]:
    """One for each picture, network and pair; of a quick look the first pairs alone."""
    return [
        Task(network, layer, item, ABOUT, measure)
        for network, layers in LAYERS.items()
        for item in items
        for layer in (layers[:3] if quick else layers)
    ]


def arrange(long: pd.DataFrame) -> pd.DataFrame:
    """A curve for each network and method through the pairs."""
    known = {"logits": "logits"} | METHODS
    names = long["network"].map(NETWORKS) + ", " + long["method"].map(known)
    return long.assign(series=names, x=long["depth"], at=long["layer"])


def changed(quantity: str, method: str, words: str, says: str, unit: str, same: bool) -> Claim:
    """A claim on what rescaling does to a method, mean over the pairs of both networks."""

    def of(long: pd.DataFrame) -> Effect:
        return effect(values(long, quantity=quantity, method=method))

    where = "Section 3.4, Fig. 1 (a2), App. I"
    return Claim(f"rescaled-{method}", says, where, words, unit, of, 0.01, "× 1" if same else "", same)


STUDY = Study(
    name="rescaling",
    title="Rescaling, over pictures and pairs",
    question="Whose maps change when the weights do and the network's function does not?",
    figure="Fig. 1 (a2), App. I",
    claims=(
        changed(
            NATS,
            CID_NAME,
            "change of mean CID at the layer that is divided by 4",
            "CID is not affected by the magnitude of parameters.",
            "nats",
            True,
        ),
        changed(
            DOUBLINGS,
            "layer_gradient",
            "doublings of the layer gradient at the layer that is divided by 4",
            "The gradient with respect to a layer's feature is sensitive to the magnitude of parameters.",
            "doublings",
            False,
        ),
        changed(
            DOUBLINGS,
            "grad_cam",
            "doublings of Grad-CAM at the layer that is divided by 4",
            "Grad-CAM is sensitive to the magnitude of parameters.",
            "doublings",
            False,
        ),
    ),
    axes=(
        Axis(NATS, "change of the map's mean (nats)", "depth of the pair"),
        Axis(DOUBLINGS, "change of the map's magnitude (doublings)", "depth of the pair"),
    ),
    tasks=tasks,
    pictures=8,
    arrange=arrange,
    varied="pair of layers",
    differs="Rendered birds; pairs one by one instead of all together; the next bias is left as it is, as in the first "
    "version of the paper, because the printed rule changes the network's function.",
    note="Grad-CAM is a product of feature and gradient, and what the one loses the other gains.",
)
