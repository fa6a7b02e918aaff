"""What the noise of a map does to the picture, the feature and the answer, as a request."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from explainers.cid.noise_effect import FACTORS, SAMPLES, NoiseEffect, noise_effect
from explainers.cid.results import CIDResult
from explainers.methods.request import MAP_LANE, Workbench, weights_of
from explainers.networks.catalogue import Network
from explainers.networks.features import Feature
from explainers.networks.layers import Layer
from explainers.storage.digest import digest
from explainers.storage.versions import method_version


@dataclass(frozen=True, eq=False)
class NoiseRequest:
    """The effect of the noise that `found`, a finished map of CID or RU of one picture, is made of.

    `x` (3, H, W) in network units and `picture`, its SHA-256, are those of the map.
    """

    network: Network
    layer: Layer
    x: Tensor = field(repr=False)
    picture: str
    found: CIDResult = field(repr=False)
    lane: ClassVar[str] = MAP_LANE
    # Nothing is ever refused.
    refusal_key = ""

    @property
    def budget(self) -> float:
        """How far the feature may move: β δ_f²."""
        return self.found.settings.beta * float(self.found.delta_f2[0])

    @property
    def key(self) -> str:
        """SHA-256 of all that the effect depends on, the map's σ among it."""
        layer, sigma = (self.layer.path, str(self.layer.call)), self.found.sigma[0].contiguous().numpy().tobytes()
        asked = (repr(self.budget), str(self.found.settings.seed))
        return digest(method_version("noise"), *weights_of(self.network), *layer, self.picture, *asked, sigma)

    @property
    def cost(self) -> int:
        """About how many passes: of every draw one to the layer and one to the end."""
        return 2 * SAMPLES * len(FACTORS)

    def refusal(self) -> None:
        """None: wherever there is a map there is its noise."""
        return None

    def stream(self, bench: Workbench) -> Iterator[NoiseEffect]:
        """One more factor with every frame."""
        x, module = self.x.to(bench.device), self.network.module
        feature = Feature(module, self.layer)
        return noise_effect(feature, module, x, self.found.sigma[0], self.budget, self.found.settings.seed)
