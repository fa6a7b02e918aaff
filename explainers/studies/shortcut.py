"""Beyond the paper: a network that learned to read a planted mark, and which maps point at it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
import torch

from explainers.datasets.birds.render import Bird, render_bird
from explainers.datasets.birds.shortcut import Shortcut
from explainers.datasets.birds.source import SHOWN
from explainers.evaluation.measures import localisation
from explainers.evaluation.methods import MapSettings, importance, refusal, title, uses_layer
from explainers.methods.entropies import CID_NAME, RU_NAME
from explainers.methods.network_input import NetworkInput, network_input
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.versions import method_version
from explainers.studies.base.effects import difference, values
from explainers.studies.base.scores import Measured, Task
from explainers.studies.base.study import LOOKALIKES, Axis, Claim, Study
from explainers.studies.base.verdicts import Effect
from explainers.sweeps.items import BirdItem, Item

NETWORK, LAYERS = "resnet18-lookalikes-shortcut", ("conv1", "layer1.1", "layer2.1", "layer3.1", "layer4.1", "fc")
LAST, LAST_MAP = "fc", "layer4.1"
# Of a layer, and of the network whatever the layer.
OF_LAYER = (CID_NAME, RU_NAME, "grad_cam", "layer_gradient", "activation", "guided_grad_cam")
OF_NETWORK = (
    "saliency", "input_x_gradient", "guided_backprop", "lrp", "deep_lift", "integrated_gradients", "occlusion", "lime",
)  # fmt: skip
QUICK_METHODS = (CID_NAME, "grad_cam", "saliency", "lrp")
FOUND, CHANCE = "share of the mark found", "chance"
ABOUT = f"shortcut 1 {MapSettings()} " + " ".join(map(method_version, (*OF_LAYER, *OF_NETWORK)))


@dataclass(frozen=True)
class MarkedItem:
    """A bird of those that are shown with the mark of another class planted beside it."""

    plain: BirdItem

    @property
    def name(self) -> str:
        """That of the bird without the mark."""
        return self.plain.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The bird's."""
        return self.plain.labels

    def identity(self) -> str:
        """That of the bird, and that it is marked."""
        return f"{self.plain.identity()} marked as another"

    def bird(self, side: int) -> Bird:
        """With the mask of the mark."""
        return marked_bird(self.plain, side)

    def seen_by(self, network: Network) -> NetworkInput:
        """Drawn at the size that the network sees."""
        bird = self.bird(network.input_size[0])
        return network_input(network, bird.image, bird.mask, bird.box, bird.species, self.name)

    def packed(self) -> "MarkedItem":
        """It is drawn anywhere."""
        return self


@lru_cache(maxsize=64)
def marked_bird(item: BirdItem, side: int) -> Bird:
    """The bird with a mark that says another class."""
    shortcut = Shortcut(share=1.0, true=False)
    return render_bird(item.index, side, SHOWN, edition=item.edition, shortcut=shortcut)


def measure(network: Network, layer: Layer, item: Item, methods: Sequence[str]) -> Iterator[Measured]:
    """Of the mark's n pixels, the share that is among the n most important ones of each method's map.

    Only where the answer is another without the mark, which is then its cause; one NaN where it is not.
    """
    assert isinstance(item, MarkedItem)
    x = item.seen_by(network).x[None]
    mark = item.bird(network.input_size[0]).mark
    assert mark is not None
    with torch.no_grad():
        labels = network.module(x).argmax(1)
        caused = labels != network.module(item.plain.seen_by(network).x[None]).argmax(1)
    if not caused.item():
        yield Measured(CID_NAME, FOUND, float("nan"))
        return
    yield Measured(CHANCE, FOUND, float(np.mean(mark)))
    for method in methods:
        # Maps that do not depend on the layer stand at the last one.
        if (uses_layer(method) or layer.name == LAST) and refusal(method, network, layer) is None:
            maps = importance(network, layer, method, x, labels, MapSettings()).values
            yield Measured(method, FOUND, localisation(maps[0], mask=mark))


def tasks(items: Sequence[Item], quick: bool) -> Iterable[Task]:
    """One for each layer and picture. Raises ValueError for pictures that nothing can be planted on."""
    others = [item for item in items if not isinstance(item, BirdItem)]
    if others:
        raise ValueError(f"expected rendered birds to plant marks on, got '{others[0].name}'; leave --data out")
    methods = QUICK_METHODS if quick else (*OF_LAYER, *OF_NETWORK)

    def of(network: Network, layer: Layer, item: Item) -> Iterator[Measured]:
        return measure(network, layer, item, methods)

    layers = (LAYERS[0], LAST_MAP, LAST) if quick else LAYERS
    marked = [MarkedItem(item) for item in items if isinstance(item, BirdItem)]
    about = f"{ABOUT} {methods}"
    return [Task(NETWORK, layer, item, about, of) for layer in layers for item in marked]


def arrange(long: pd.DataFrame) -> pd.DataFrame:
    """A curve for each method through the layers; a method without layers is a point at the last."""
    names = long["method"].map({name: title(name) for name in (*OF_LAYER, *OF_NETWORK)} | {CHANCE: CHANCE})
    return long.assign(series=names, x=long["depth"], at=long["layer"])


def ahead(other: str) -> Claim:
    """The claim that CID points at the mark better than another method, at the last layer for which both have a map."""
    at = LAST_MAP if other in OF_LAYER and other != RU_NAME else LAST
    return replace(
        POINTS,
        name=f"ahead-of-{other}",
        says=f"CID points at a planted cause better than {title(other)}.",
        measured=f"share of the mark among CID's most important pixels minus that of {title(other)}, ResNet-18's {at}",
        effect=minus(other, at, at),
        margin=0.02,
    )


def minus(other: str, at: str, other_at: str) -> Callable[[pd.DataFrame], Effect]:
    """CID at one layer minus another method, or CID itself, at another."""

    def of(long: pd.DataFrame) -> Effect:
        ours = values(long, quantity=FOUND, method=CID_NAME, layer=at)
        return difference(ours, values(long, quantity=FOUND, method=other, layer=other_at))

    return of


POINTS = Claim(
    "points",
    "CID points at a planted cause.",
    "beyond the paper",
    "share of the mark among the most important pixels of CID of ResNet-18's fc minus the share by chance",
    "of 1",
    minus(CHANCE, LAST, LAST),
    0.02,
)

STUDY = Study(
    name="shortcut",
    title="A planted cause",
    question="Which map points at the mark that decides what the network says?",
    figure="beyond the paper",
    claims=(
        POINTS,
        replace(
            POINTS,
            name="deeper",
            says="The deeper the layer, the more CID points at a planted cause.",
            measured="share of the mark among CID's most important pixels at ResNet-18's fc minus that at conv1",
            effect=minus(CID_NAME, LAST, LAYERS[0]),
        ),
        *(ahead(method) for method in (*OF_LAYER[1:], *OF_NETWORK)),
    ),
    axes=(Axis(FOUND, "share of the mark's pixels found"),),
    tasks=tasks,
    pictures=24,
    source=LOOKALIKES,
    needs=(NETWORK,),
    arrange=arrange,
    varied="method",
    note="The network learned from pictures on half of which a mark decided the class, whatever the bird. Asked are "
    "birds with the mark of another class, of which those count whose answer is another without it: the mark is its "
    "cause. Maps of a layer are compared at the last one that all of them have; the activation and Grad-CAM find "
    "more of the mark at earlier ones, as the curves show. CID by its closed form.",
)
