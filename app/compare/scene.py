"""What the Compare page is about at one moment."""

from dataclasses import dataclass

from app.compare.pairs import Pair, parts
from explainers import CIDSettings
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network


@dataclass(frozen=True)
class Side:
    """One of the two: a network, what it is called, the picture as it sees it, and its settings."""

    letter: str
    title: str
    network: Network
    network_input: NetworkInput
    settings: CIDSettings


@dataclass(frozen=True)
class Scene:
    """Both sides, the pair of layers, the metric, and what the scale of both maps is fitted to: `SCALES`."""

    a: Side
    b: Side
    pair: Pair
    metric: str
    scale: str = "pair"

    @property
    def parts(self) -> tuple[float, float]:
        return parts(self.a.network, self.b.network)
