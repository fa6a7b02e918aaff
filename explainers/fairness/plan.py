"""Where a network can be rescaled and looked at, and which features shrink with which pairs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from explainers.networks.call_trace import Call, trace
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.rescaling.rescale import Pair, rescalable_pairs


@dataclass(frozen=True, eq=False)
class Plan:
    """The pairs of a network, and its stations: the layers a reader knows and the features of the pairs, in order."""

    pairs: tuple[Pair, ...]
    stations: tuple[Layer, ...]

    @property
    def allowed(self) -> tuple[Pair, ...]:
        """The pairs that may be rescaled."""
        return tuple(pair for pair in self.pairs if pair.rescalable)

    def chosen(self, pair: str) -> tuple[Pair, ...]:
        """The pair that begins at the layer called `pair`; every rescalable one for ""."""
        return tuple(known for known in self.allowed if pair in ("", known.layer_name))

    def divided(self, station: Layer, pair: str) -> np.ndarray:
        """(channels,) True where the choice divides what the station gives out by c.

        Another part may stay as it is where features were joined.
        """
        channels = np.zeros(station.shape[0] if station.shape else 1, bool)
        for known in self.chosen(pair):
            for part in known.shrunk:
                if (part.path, part.call) == (station.path, station.call):
                    channels[part.start : part.stop] = True
        return channels

    def shrunk_by(self, pair: str) -> frozenset[str]:
        """Names of the stations that the choice divides by c, all their channels."""
        return frozenset(station.name for station in self.stations if self.divided(station, pair).all())

    def partly_by(self, pair: str) -> frozenset[str]:
        """Names of the stations of which the choice divides some channels."""
        partly = frozenset(station.name for station in self.stations if self.divided(station, pair).any())
        return partly - self.shrunk_by(pair)


def plan(network: Network) -> Plan:
    """The pairs and stations of a network, from one forward pass."""
    weight = next(network.module.parameters())
    example = torch.zeros(1, 3, *network.input_size, device=weight.device, dtype=weight.dtype)
    pairs = rescalable_pairs(network.module, example)
    order = {place: n for n, place in enumerate(_finished(trace(network.module, example)))}
    known = {(layer.path, layer.call): layer for layer in network.layers}
    for pair in pairs:
        if pair.feature is not None:
            known.setdefault((pair.feature.path, pair.feature.call), pair.feature)
    places = sorted((p for p in known if p in order), key=order.__getitem__)
    return Plan(pairs, tuple(replace(known[place], depth=depth) for depth, place in enumerate(places)))


def _finished(call: Call) -> Iterator[tuple[str, int]]:
    """(path, call) of every execution in the order in which they end."""
    for child in call.children:
        yield from _finished(child)
    yield call.path, call.call
