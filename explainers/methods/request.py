"""What somebody wants computed, as one record: what it is kept under, why it cannot be, what it costs, its answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from explainers.cid.results import CIDSettings
from explainers.methods.method import MapMethod, MapResult
from explainers.methods.registry import find_method
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.digest import digest
from explainers.storage.versions import method_version
from explainers.streams import last

CPU = torch.device("cpu")


class Shelf(Protocol):
    """Where requests find again what several of them need: `get` gives None for what is not (or no longer) there."""

    def get(self, key: str) -> Any:
        """The value, or None."""
        ...

    def put(self, key: str, value: Any) -> None:
        """Keeps it, perhaps not for long."""
        ...


class _Empty:
    def get(self, key: str) -> None:
        return None

    def put(self, key: str, value: Any) -> None:
        pass


def _silent(progress: float, note: str = "") -> None:
    pass


@dataclass(frozen=True)
class Workbench:
    """With what a request is answered.

    `report(share, note)` is told how far work has come that cannot give an answer yet, and raises where nobody wants it
    any more.
    """

    device: torch.device = CPU
    report: Callable[..., None] = _silent
    shelf: Shelf = field(default_factory=_Empty)


# The queues of a server: decoders are trained beside the maps.
MAP_LANE, DECODER_LANE = "maps", "decoders"


class Request(Protocol):
    """`key` is what the answer depends on, and nothing else; equal keys mean equal answers. `lane` is its queue."""

    lane: ClassVar[str]

    @property
    def key(self) -> str:
        """What the answer is kept under."""
        ...

    @property
    def refusal_key(self) -> str:
        """What `refusal` depends on; "" where it may change from one moment to the next."""
        ...

    @property
    def cost(self) -> int:
        """About how many passes through the network it takes."""
        ...

    def refusal(self) -> str | None:
        """Why there is no answer, in one sentence; None where there is one."""
        ...

    def stream(self, bench: Workbench) -> Iterator[Any]:
        """Ever better answers, of which the last is the one to keep; whoever stops iterating stops the work."""
        ...


@dataclass(frozen=True, eq=False)
class MapRequest:
    """The map of one picture.

    `x` (3, H, W) in network units and `picture`, which stands for it in keys: its SHA-256. `target` is the class that
    is explained, None for the likeliest; `settings` are those of CID and RU, of which the others use the seed.
    """

    network: Network
    layer: Layer
    x: Tensor = field(repr=False)
    picture: str
    method: str
    settings: CIDSettings = field(default_factory=CIDSettings)
    target: int | None = None
    lane: ClassVar[str] = MAP_LANE

    @property
    def kind(self) -> MapMethod:
        """What is known of the method."""
        return find_method(self.method)

    @property
    def key(self) -> str:
        """SHA-256 of all that the map depends on; of the layer only where the method looks at it."""
        return digest(method_version(self.method), *weights_of(self.network), *self.kind.key(self))

    @property
    def refusal_key(self) -> str:
        """What `refusal` depends on."""
        return self.kind.refusal_key(self.network, self.layer)

    def refusal(self) -> str | None:
        """Why there is none, in one sentence; None where there is one."""
        return self.kind.refuse(self.network, self.layer)

    @property
    def cost(self) -> int:
        """About how many forward and backward passes the map takes."""
        return self.kind.passes((self.x.shape[-2], self.x.shape[-1]), self.settings)

    def stream(self, bench: Workbench) -> Iterator[MapResult]:
        """Ever sharper maps; ValueError where the method does not apply."""
        return self.kind.stream(self, bench)


def answer(request: Request, bench: Workbench | None = None) -> Any:
    """The last, and best, answer to a request. Raises ValueError, with the reason, where it is refused.

    >>> from explainers import load_network
    >>> net = load_network("resnet20-cifar10")
    >>> x = torch.zeros(3, 32, 32)
    >>> answer(MapRequest(net, net.layer("conv1"), x, "grey", "saliency")).map.shape
    torch.Size([1, 1, 32, 32])
    """
    if reason := request.refusal():
        raise ValueError(reason)
    return last(request.stream(bench or Workbench()))


def weights_of(network: Network) -> tuple[str, str]:
    """For keys: the weights, and the kind of device that they are on, since another one rounds differently."""
    return network.fingerprint, next(network.module.parameters()).device.type
