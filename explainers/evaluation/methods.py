"""The methods that can be judged, and one call for the importance that any of them gives to pixels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from explainers.cid.certainty import count_uncertain
from explainers.cid.results import CIDResult, CIDSettings
from explainers.methods.entropies import CID_NAME
from explainers.methods.registry import find_method, methods
from explainers.networks.catalogue import Network
from explainers.networks.copies import named_parts
from explainers.networks.layers import Layer

RANDOM = "random"
RANDOM_NOTE = "No method: pixels in an order drawn at random, which every other one must beat."
PAPER_METHODS = (CID_NAME, "grad_cam", "lrp", "saliency", "input_x_gradient", "guided_backprop", "cam", RANDOM)
# Beyond so many passes a picture is a step of its own, so that Cancel is soon heard.
MANY_PASSES = 16


@dataclass(frozen=True)
class MapSettings:
    """How maps are made.

    - `magnitude`: rank pixels of signed maps by |value|, not by the value.
    - `batch`: pictures whose maps are computed together; `seed`: of noise and of ties.
    """

    magnitude: bool = False
    batch: int = 8
    seed: int = 0
    cid: CIDSettings = field(default_factory=lambda: CIDSettings(refine=False))


class Importance(NamedTuple):
    """`values` (B, 1, H, W) on the CPU, the higher the more important; forward and backward `passes` per picture.

    `unsure`: how many of the maps do not meet their constraint.
    """

    values: Tensor
    passes: tuple[float, float]
    unsure: int = 0


def importance(
    network: Network, layer: Layer, method: str, images: Tensor, labels: Tensor, settings: MapSettings
) -> Importance:
    """What the pixels of pictures (B, C, H, W) are worth to a method.

    The importance of an entropy is the entropy with its sign turned. The class that a method explains is the picture's
    label. Raises ValueError, with the reason, where the method does not apply.
    """
    if method == RANDOM:
        noise = torch.Generator().manual_seed(settings.seed)
        return Importance(torch.rand(len(images), 1, *images.shape[-2:], generator=noise), (0, 0))
    kind = find_method(method)
    made = kind.explain(network, layer, images, labels.to(images.device), settings.cid)
    values, passes = made.map.cpu(), (made.forward_passes, made.backward_passes)
    if isinstance(made, CIDResult):
        return Importance(-values, passes, count_uncertain(made))
    return Importance(values.abs() if settings.magnitude else values, passes)


def refusal(method: str, network: Network, layer: Layer) -> str | None:
    """Why a method has no map for this network and layer; None where it has one."""
    return None if method == RANDOM else find_method(method).refuse(network, layer)


def method_notes() -> dict[str, str]:
    """Every method that can be judged with a sentence on what it shows, in the order in which to offer them."""
    return {name: method.judged for name, method in methods().items()} | {RANDOM: RANDOM_NOTE}


def title(method: str) -> str:
    """What a method is called.

    >>> title("cid"), title("grad_cam")
    ('CID', 'Grad-CAM')
    """
    return "Random order" if method == RANDOM else find_method(method).title


def uses_layer(method: str) -> bool:
    """Whether the scores depend on the layer."""
    return method != RANDOM and find_method(method).uses_layer


def dependence(method: str, network: Network, layer: Layer) -> tuple[str, ...]:
    """What tells apart maps of one network, method and settings: the layer where it matters, and RU's decoder."""
    return () if method == RANDOM else find_method(method).looked_at(network, layer)


def map_passes(method: str, network: Network, settings: MapSettings) -> int:
    """Forward and backward passes for one picture's map, to estimate how long it takes."""
    return 0 if method == RANDOM else find_method(method).passes(network.input_size, settings.cid)


def step_size(method: str, network: Network, settings: MapSettings) -> int:
    """How many pictures make one step: those of a method of many passes go one by one.

    >>> from explainers import load_network
    >>> net = load_network("resnet20-cifar10")
    >>> step_size("cid", net, MapSettings(batch=8)), step_size("saliency", net, MapSettings(batch=8))
    (1, 8)
    """
    return 1 if map_passes(method, network, settings) > MANY_PASSES else settings.batch


def late_layer(network: Network) -> Layer:
    """The last layer whose feature is a map of at least four by four positions; the first if there is none."""
    maps = [layer for layer in network.layers if len(layer.shape) == 3 and min(layer.shape[1:]) >= 4]
    return [layer for layer in maps if layer.kind != "pooling"][-1] if maps else network.layers[0]


def layer_titles(paths: Sequence[str], network: Network) -> tuple[str, ...]:
    """Readable names of modules: that of the layer, else the end of the path where it tells modules apart."""
    names = {layer.path: layer.name for layer in network.layers}
    ends = Counter(path.rpartition(".")[2] for path, _ in named_parts(network.module))
    for path in paths:
        end = path.rpartition(".")[2]
        names.setdefault(path, end if ends[end] == 1 and not end.isdigit() else path)
    return tuple(names[path] for path in paths)
