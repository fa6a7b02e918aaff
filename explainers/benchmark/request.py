"""A line of the benchmarks is a request like a map: what it depends on, what it costs, rows that come one by one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from explainers.methods.registry import find_method
from explainers.methods.request import MAP_LANE, Workbench, weights_of
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.digest import digest
from explainers.storage.versions import method_version

Row = dict[str, Any]
# Where a row belongs.
PLACE = ("network", "layer", "picture", "beta")
# What is compared where nothing else is asked for.
LAYERS = {
    "resnet20-cifar10": ("layer1.0", "layer2.2", "layer3.2", "avgpool", "fc"),
    "resnet32-cifar10": ("layer3.4", "fc"),
    "resnet44-cifar10": ("layer3.6", "fc"),
    "alexnet-birds": ("conv5", "fc6", "fc7", "fc8"),
    "vgg16-birds": ("conv4-3", "conv5-3", "fc6", "fc8"),
}


@dataclass(frozen=True, eq=False)
class ComparisonRequest:
    """All ways to the map of one picture by one method, side by side.

    `x` (1, C, H, W) in network units on the device that computes; `compare()` yields one row for each way; `said` is
    what the rows depend on beyond network, layer and picture, and `passes` about what they take.
    """

    network: Network
    layer: Layer
    x: Tensor = field(repr=False)
    method: str
    compare: Callable[[], Iterator[Row]] = field(repr=False)
    said: str
    passes: int
    lane: ClassVar[str] = MAP_LANE

    @property
    def key(self) -> str:
        """SHA-256 of all that the rows depend on."""
        place = method_version(self.method), *weights_of(self.network), self.layer.path, str(self.layer.call)
        return digest("comparison", *place, self.said, self.x.cpu().numpy().tobytes())

    @property
    def refusal_key(self) -> str:
        """What `refusal` depends on: a decoder may be trained meanwhile."""
        return ""

    @property
    def cost(self) -> int:
        """About how many forward and backward passes all ways take."""
        return self.passes

    def refusal(self) -> str | None:
        """Why there are no rows, in one sentence; None where there are."""
        return find_method(self.method).refuse(self.network, self.layer)

    def stream(self, bench: Workbench) -> Iterator[tuple[Row, ...]]:
        """The rows so far, whenever another way is through."""
        rows: tuple[Row, ...] = ()
        for row in self.compare():
            rows = (*rows, row)
            yield rows
