"""The methods that can be judged, and one call for the importance that any of them gives to pixels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from explainers.cid.explain import CID
from explainers.cid.results import CIDSettings
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

if TYPE_CHECKING:
    from explainers.baselines.explain import Method
    from explainers.ru.explain import RU

CID_NAME, RU_NAME, RANDOM = "cid", "ru", "random"
OWN = {CID_NAME: "CID", RU_NAME: "RU", RANDOM: "Random order"}
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


def importance(
    network: Network, layer: Layer, method: str, images: Tensor, labels: Tensor, settings: MapSettings
) -> tuple[Tensor, tuple[float, float]]:
    """(B, 1, H, W) on the CPU, the higher the more important, and the forward and backward passes per picture.

    The importance of CID is −CID, that of RU −RU. The class that a method explains is the picture's label. Raises
    ValueError, with the reason, where the method does not apply.
    """
    if method == RANDOM:
        noise = torch.Generator().manual_seed(settings.seed)
        return torch.rand(len(images), 1, *images.shape[-2:], generator=noise), (0, 0)
    if method == CID_NAME:
        result = CID(network.module, layer).explain(images, settings.cid)
        return -result.entropy.cpu(), (result.forward_passes, result.backward_passes)
    if method == RU_NAME:
        result = _ru(network, layer, images.device).explain(images, settings.cid)
        return -result.entropy.cpu(), (result.forward_passes, result.backward_passes)
    from explainers.baselines.explain import explain

    made = explain(method, network, layer, images, labels.to(images.device))
    values = made.map.cpu()
    return values.abs() if settings.magnitude else values, (made.forward_passes, made.backward_passes)


def _ru(network: Network, layer: Layer, device: torch.device) -> "RU":
    from explainers.decoders.cards import find_decoder, load_decoder
    from explainers.ru.explain import RU

    return RU(network.module, layer, load_decoder(find_decoder(network, layer)).to(device))


def refusal(method: str, network: Network, layer: Layer) -> str | None:
    """Why a method has no map for this network and layer; None where it has one."""
    if method == RU_NAME:
        from explainers.decoders.cards import find_decoder

        missing = "RU needs a decoder that was trained for this layer of this network, and there is none"
        return missing if find_decoder(network, layer) is None else None
    if method in OWN:
        return None
    from explainers.baselines.explain import applies

    return applies(method, network, layer)


def method_notes() -> dict[str, str]:
    """Every method that can be judged with a sentence on what it shows, in the order in which to offer them."""
    own = {
        CID_NAME: "How much of each pixel the layer keeps: a pixel matters where little noise fits in (the map in "
        "nats with its sign turned).",
        RU_NAME: "How well a decoder trained for the layer recovers each pixel from its feature (the map in nats "
        "with its sign turned).",
        RANDOM: "No method: pixels in an order drawn at random, which every other one must beat.",
    }
    others = {name: method.sentence for name, method in _baselines().items()}
    return {name: own[name] for name in (CID_NAME, RU_NAME)} | others | {RANDOM: own[RANDOM]}


def _baselines() -> dict[str, "Method"]:
    # They bring Captum and scikit-learn: whoever does not judge maps need not wait for these.
    from explainers.baselines.explain import METHODS

    return METHODS


def title(method: str) -> str:
    """What a method is called.

    >>> title("cid"), title("grad_cam")
    ('CID', 'Grad-CAM')
    """
    return OWN[method] if method in OWN else _baselines()[method].title


def uses_layer(method: str) -> bool:
    """Whether the scores depend on the layer."""
    return method in (CID_NAME, RU_NAME) or (method != RANDOM and _baselines()[method].needs_layer)


def dependence(method: str, network: Network, layer: Layer) -> tuple[str, ...]:
    """What tells apart maps of one network, method and settings: the layer where it matters, and RU's decoder."""
    if not uses_layer(method):
        return ()
    place = (layer.path, str(layer.call))
    if method != RU_NAME:
        return place
    from explainers.decoders.cards import find_decoder

    card = find_decoder(network, layer)
    return (*place, card.key if card else "")


def map_passes(method: str, network: Network, settings: MapSettings) -> int:
    """Forward and backward passes for one picture's map, to estimate how long it takes."""
    # RU's are many more, and each goes through the decoder too.
    own = {CID_NAME: 2000, RU_NAME: 10000} if settings.cid.refine else {CID_NAME: 600, RU_NAME: 1500}
    own[RANDOM] = 0
    return own[method] if method in own else sum(_baselines()[method].passes(*network.input_size))


def step_size(method: str, network: Network, settings: MapSettings) -> int:
    """How many pictures make one step: those of a method of many passes go one by one.

    >>> step_size("cid", None, MapSettings(batch=8)), step_size("random", None, MapSettings(batch=8))
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
    ends = Counter(path.rpartition(".")[2] for path, _ in network.module.named_modules())
    for path in paths:
        end = path.rpartition(".")[2]
        names.setdefault(path, end if ends[end] == 1 and not end.isdigit() else path)
    return tuple(names[path] for path in paths)
