"""The instruments of the fairness check: one method's map of one network, and what was measured before."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explainers.cid.results import CIDSettings
from explainers.decoders.cards import DecoderCard, find_decoder, load_decoder
from explainers.fairness.plan import Plan
from explainers.methods.entropies import ENTROPIES, NO_DECODER
from explainers.methods.registry import find_method
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.rescaling.decoder import RescaledDecoder
from explainers.streams import relay

# The order of the page; the curves are drawn for those that look at a layer.
METHODS = (*ENTROPIES, "activation", "layer_gradient", "grad_cam", "lrp", "saliency", "input_x_gradient")
LAYERWISE = METHODS[:5]
# Entropies, whose zero means nothing: on linear axes, and divided by taking differences.
NATS = tuple(ENTROPIES)
VARIANTS = ("before", "after", "scaled")
PROBES = 32
# Passes of looking at a network before any map of it is made.
LOOK = 10

Recall = Callable[[tuple[str, ...], np.ndarray | None], np.ndarray | None]
Step = Generator[None, None, Any]


@dataclass(frozen=True)
class Question:
    """What is asked: station looked at, c, the pair by its first layer ("": all), the erratum, CID's settings.

    `decoders` are the keys of the decoders that there are: an answer is as good as they were.
    """

    layer: str
    c: float = 4.0
    pair: str = ""
    next_bias: bool = False
    beta: float = 1.5e-4
    grid: int | None = None
    seed: int = 0
    decoders: tuple[str, ...] = ()

    @property
    def settings(self) -> CIDSettings:
        """The closed form alone: rescaling moves it as it would move the refined map, at a tenth of the time."""
        return CIDSettings(beta=self.beta, grid=self.grid, refine=False, probes=PROBES, seed=self.seed)


def cost(method: str, size: tuple[int, int], question: Question) -> int:
    """About how many passes one map of the check takes, for a picture of `size` (height, width)."""
    return LOOK + find_method(method).passes(size, question.settings)


def station_decoders(network: Network, plan: Plan) -> dict[str, DecoderCard]:
    """Decoders by the name of their station; looks at the disk, reads no weights."""
    found = {station.name: find_decoder(network, station) for station in plan.stations}
    return {name: card for name, card in found.items() if card is not None}


class Bench:
    """Maps of the three networks; those of the network as it is are kept for the next question."""

    def __init__(
        self,
        networks: dict[str, Network | None],
        plan: Plan,
        x: Tensor,
        target: int,
        question: Question,
        recall: Recall,
    ) -> None:
        self.networks, self.plan, self.x = networks, plan, x
        self.target, self.question, self.recall = torch.tensor([target]), question, recall
        # Those of the beginning: one that is trained meanwhile belongs to another question.
        self.decoders = {station: find_decoder(self._network("before"), station) for station in plan.stations}

    def reason(self, method: str, layer: Layer) -> str:
        """Why a method does not apply at a layer; empty where it does."""
        kind = find_method(method)
        if kind.needs_decoder:
            return "" if self.decoders[layer] else NO_DECODER
        return kind.refuse(self._network("before"), layer) or ""

    def map(self, method: str, layer: Layer, variant: str) -> Step:
        """(H, W), and the constraint that its noise reaches, 0-d; NaN for a method without one."""
        return self._kept("map", method, layer, variant, lambda: self._map(method, layer, variant))

    def mean(self, method: str, layer: Layer, variant: str) -> Step:
        """Mean of the map where it is finite, 0-d, and the constraint as `map` gives it."""
        return self._kept("mean", method, layer, variant, lambda: self._mean(method, layer, variant))

    def _network(self, variant: str) -> Network:
        network = self.networks[variant]
        assert network is not None
        return network

    def _kept(self, what: str, method: str, layer: Layer, variant: str, make: Callable[[], Step]) -> Step:
        if variant != "before":
            return (yield from make())
        settings = repr(self.question.settings) if method in NATS else str(self.target.item())
        card = self.decoders[layer] if find_method(method).needs_decoder else None
        key = (what, method, layer.path, str(layer.call), settings, card.key if card else "")
        known, reached = self.recall(key, None), self.recall((*key, "constraint"), None)
        if known is None or reached is None:
            known, reached = yield from make()
            self.recall(key, known)
            self.recall((*key, "constraint"), reached)
        return known, reached

    def _mean(self, method: str, layer: Layer, variant: str) -> Step:
        values, reached = yield from self._map(method, layer, variant)
        finite = values[np.isfinite(values)]
        return np.float64(finite.mean(dtype=np.float64)) if finite.size else np.float64(np.inf), reached

    def _map(self, method: str, layer: Layer, variant: str) -> Step:
        yield
        kind = find_method(method)
        decoder = self._decoder(layer, variant) if kind.needs_decoder else None
        settings = self.question.settings
        steps = kind.roughly(self._network(variant), layer, self.x, self.target, settings, decoder)
        result = yield from relay(steps, lambda step: None)
        return result.map[0, 0].numpy(), np.float64(result.numbers.get("constraint", np.nan))

    def _decoder(self, layer: Layer, variant: str) -> RescaledDecoder:
        card = self.decoders[layer]
        assert card is not None
        return RescaledDecoder(load_decoder(card), self._undoing(layer, variant))

    def _undoing(self, layer: Layer, variant: str) -> Tensor:
        """(channels,) by what the variant's feature has to be multiplied to be what it was."""
        divided = self.plan.divided(layer, self.question.pair)
        scale = np.ones(divided.shape, np.float32)
        if variant == "after":
            scale[divided] = self.question.c
        if variant == "scaled" and layer == self.plan.stations[-1]:
            scale[:] = 1 / self.question.c
        return torch.as_tensor(scale)
