"""The columns of the grid: each a network, a picture as it sees it, a layer and the class that is explained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from explainers import CIDSettings
from explainers.decoders.cards import find_decoder
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer


@dataclass(frozen=True)
class Column:
    """`target` None: the class that the network finds likeliest."""

    title: str
    subtitle: str
    network: Network
    network_input: NetworkInput
    layer: Layer
    target: int | None = None


def fitting(settings: CIDSettings, column: Column) -> CIDSettings:
    """The settings, with a grid only where it divides the column's picture: one network's grid may not fit another."""
    divides = settings.grid is not None and all(side % settings.grid == 0 for side in column.network_input.size)
    return settings if divides else replace(settings, grid=None)


def suggested_layers(network: Network) -> tuple[Layer, ...]:
    """First, middle and late: of the layers that have a decoder, where there are three of them, else of all.

    Raises IndexError for a network without layers.
    """
    layers = [layer for layer in network.layers if find_decoder(network, layer)]
    layers = layers if len(layers) >= 3 else list(network.layers)
    last = len(layers) - 1
    places = dict.fromkeys((0, last // 2, max(last - 1, 0)))
    return tuple(layers[place] for place in places)


def known_layers(network: Network, names: Sequence[str]) -> tuple[Layer, ...]:
    """Those of the names that the network has, in order of execution; the suggested ones if it has none of them."""
    chosen = tuple(layer for layer in network.layers if layer.name in names)
    return chosen or suggested_layers(network)


def counterpart(layer: Layer, network: Network, other: Network) -> Layer:
    """The layer of `other` of the same name, else the one at the nearest share of the way through."""
    named = {known.name: known for known in other.layers}
    if layer.name in named:
        return named[layer.name]
    share = layer.depth / max(len(network.layers) - 1, 1)
    return min(other.layers, key=lambda known: abs(known.depth / max(len(other.layers) - 1, 1) - share))
