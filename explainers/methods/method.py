"""What is known of one kind of map: how it is called, what it shows, what it depends on, and how it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from torch import Tensor, nn

from explainers.cid.results import CIDSettings
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.digest import digest

if TYPE_CHECKING:
    from explainers.methods.request import MapRequest, Workbench

Size = tuple[int, int]


class MapResult(Protocol):
    """What all results have in common; `values` and `numbers` are those of the first picture."""

    @property
    def forward_passes(self) -> float:
        """For each picture."""
        ...

    @property
    def backward_passes(self) -> float:
        """For each picture."""
        ...

    @property
    def seconds(self) -> float:
        """For all of them."""
        ...

    @property
    def map(self) -> Tensor:
        """(B, 1, H, W)."""
        ...

    @property
    def target(self) -> Tensor | None:
        """(B,): the classes that are explained; None where none is."""
        ...

    @property
    def reconstruction(self) -> Tensor | None:
        """(B, 3, H, W): what a decoder recovers; None where there is none."""
        ...

    @property
    def values(self) -> np.ndarray:
        """(rows, columns): one for each cell of the noise, or for each pixel."""
        ...

    @property
    def numbers(self) -> Mapping[str, float | int]:
        """By name, what there is to be said of the map, with its cost."""
        ...


@dataclass(frozen=True)
class MapMethod:
    """A kind of map.

    - `sentence`: what it shows; `judged`: what its importance of a pixel is, where that says more.
    - `signed`: values below zero mean something. `entropy`: values are nats, high where a pixel matters little, and
      may be compared between layers; `scale(settings)` is then the one scale for all maps.
    - `passes(size, settings)`: about how many forward and backward passes a map takes.
    - `looked_at(network, layer)`: what tells apart maps of one network, method and picture: the layer where it matters,
      and a decoder. `key(request)`: all that a map depends on beyond method and weights.
    - `refuse(network, layer)`: why there is no map, one sentence, or None; `nowhere`: what is said of a network where
      no layer has one.
    - `stream(request, bench)`: ever sharper results. `explain(network, layer, x, target, settings)`: those of pictures
      (B, C, H, W) in network units with their classes (B,), all at once. `roughly(network, layer, x, target, settings,
      decoder)`: results on the way to a map that may be held against that of another network with the same samples,
      which is the last; `decoder` takes the layer's feature, and None stands for the layer's own.
    - `settings_of(result, seed)`: what the map was made with, by name.
    """

    name: str
    title: str
    sentence: str
    unit: str
    signed: bool
    uses_layer: bool
    needs_target: bool
    reference: str
    passes: Callable[[Size, CIDSettings], int]
    looked_at: Callable[[Network, Layer], tuple[str, ...]]
    key: Callable[[MapRequest], tuple[str, ...]]
    refuse: Callable[[Network, Layer], str | None]
    stream: Callable[[MapRequest, Workbench], Iterator[MapResult]]
    explain: Callable[[Network, Layer, Tensor, Tensor | None, CIDSettings], MapResult]
    roughly: Callable[[Network, Layer, Tensor, Tensor | None, CIDSettings, nn.Module | None], Iterator[MapResult]]
    settings_of: Callable[[Any, int], dict[str, object]]
    entropy: bool = False
    needs_decoder: bool = False
    scale: Callable[[CIDSettings], tuple[float, float]] | None = None
    judged: str = field(default="")
    nowhere: str = ""

    def layers(self, network: Network) -> list[Layer]:
        """Those that it has a map of."""
        return [layer for layer in network.layers if not self.refuse(network, layer)]

    def refusal_key(self, network: Network, layer: Layer) -> str:
        """SHA-256 of what `refuse` depends on."""
        place = (layer.path, str(layer.call), *self.looked_at(network, layer))
        return digest("refusal", network.fingerprint, self.name, *place)

    def fixed_scale(self, settings: CIDSettings) -> tuple[float, float]:
        """The one scale for all maps of an entropy. Raises ValueError for a method whose maps have none in common."""
        if self.scale is None:
            raise ValueError(f"expected a method whose maps share one scale, got {self.title}; take CID or RU")
        return self.scale(settings)
