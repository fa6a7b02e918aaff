"""The instruments of the fairness check: one method's map of one network, and what was measured before."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explainers import CID, CIDSettings
from explainers.decoders.cards import DecoderCard, find_decoder, load_decoder
from explainers.fairness.plan import Plan
from explainers.methods.entropies import CID_NAME, ENTROPIES, RU_NAME
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.rescaling.decoder import RescaledDecoder

# The order of the page; the curves are drawn for those that look at a layer.
METHODS = (*ENTROPIES, "activation", "layer_gradient", "grad_cam", "lrp", "saliency", "input_x_gradient")
LAYERWISE = METHODS[:5]
# Entropies, whose zero means nothing: on linear axes, and divided by taking differences.
NATS = tuple(ENTROPIES)
VARIANTS = ("before", "after", "scaled")
PROBES = 32
# What a map costs, in maps of the others: for the estimate of the time that remains.
COSTS = {CID_NAME: 6, RU_NAME: 20}
NO_DECODER = "no decoder has been trained for this layer"

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
        self.target, self.question, self.recall = target, question, recall
        self.decoders = {station: find_decoder(self._network("before"), station) for station in plan.stations}

    def reason(self, method: str, layer: Layer) -> str:
        """Why a method does not apply at a layer; empty where it does."""
        if method == CID_NAME:
            return ""
        if method == RU_NAME:
            return "" if self.decoders[layer] else NO_DECODER
        from explainers.baselines.explain import applies

        return applies(method, self._network("before"), layer, self.x) or ""

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

    def _card(self, layer: Layer) -> DecoderCard:
        card = self.decoders[layer]
        assert card is not None
        return card

    def _kept(self, what: str, method: str, layer: Layer, variant: str, make: Callable[[], Step]) -> Step:
        if variant != "before":
            return (yield from make())
        settings = repr(self.question.settings) if method in NATS else str(self.target)
        decoder = self._card(layer).key if method == RU_NAME else ""
        key = (what, method, layer.path, str(layer.call), settings, decoder)
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
        if method == CID_NAME:
            return (yield from self._cid(layer, variant))
        if method == RU_NAME:
            return (yield from self._ru(layer, variant, self._card(layer)))
        from explainers.baselines.explain import attribute

        yield
        found = attribute(method, self._network(variant), layer, self.x, target=self.target)
        return found[0, 0].cpu().numpy(), np.float64(np.nan)

    def _cid(self, layer: Layer, variant: str) -> Step:
        result = None
        for result in CID(self._network(variant).module, layer).stream(self.x, self.question.settings, every=True):
            # All probes are in, and a first block of samples says how well the map meets the constraint.
            if not result.constraint.isnan().all():
                break
            yield
        assert result is not None
        return result.entropy[0, 0].numpy(), np.float64(result.constraint[0])

    def _ru(self, layer: Layer, variant: str, card: DecoderCard) -> Step:
        from explainers.ru.explain import RU

        decoder = RescaledDecoder(load_decoder(card), self._undoing(layer, variant)).to(self.x.device)
        method = RU(self._network(variant).module, layer, decoder)
        result = None
        for result in method.stream(self.x, self.question.settings, every=True):
            # A standard error takes two blocks of samples: enough to compare with the same samples after.
            if not result.mean_error.isnan().all():
                break
            yield
        assert result is not None
        return result.entropy[0, 0].numpy(), np.float64(result.constraint[0])

    def _undoing(self, layer: Layer, variant: str) -> Tensor:
        """(channels,) by what the variant's feature has to be multiplied to be what it was."""
        divided = self.plan.divided(layer, self.question.pair)
        scale = np.ones(divided.shape, np.float32)
        if variant == "after":
            scale[divided] = self.question.c
        if variant == "scaled" and layer == self.plan.stations[-1]:
            scale[:] = 1 / self.question.c
        return torch.as_tensor(scale)
