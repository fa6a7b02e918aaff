"""What studies measure that is no map's mean: one row for each quantity of one picture, network, layer and method."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.digest import digest
from explainers.sweeps.items import Item
from explainers.sweeps.row import schema_of


@dataclass(frozen=True)
class Score:
    """`x` is the number that is varied, None where none is; `quantity` says what `value` is, and of what.

    `row`: SHA-256 of what the task depends on, and the place among its rows.
    """

    row: str
    network: str
    fingerprint: str
    layer: str
    place: int
    depth: float
    method: str
    picture: str
    x: float | None
    quantity: str
    value: float


SCORES = schema_of(Score)


@dataclass(frozen=True)
class Measured:
    """One value of a task."""

    method: str
    quantity: str
    value: float
    x: float | None = None


Measure = Callable[[Network, Layer, Item], Iterable[Measured]]


@dataclass(frozen=True)
class Task:
    """What is measured at once: `measure` of one picture at one layer; `about` names all else that it depends on."""

    network: str
    layer: str
    item: Item = field(repr=False)
    about: str
    measure: Measure = field(repr=False)

    def key(self, network: Network) -> str:
        """SHA-256 of all that its rows depend on."""
        return digest("score", self.about, network.fingerprint, self.layer, self.item.identity())

    def rows(self, network: Network) -> tuple[Score, ...]:
        """All rows."""
        layer, key = network.layer(self.layer), self.key(network)
        place = network.layers.index(layer)
        about = (network.name, network.fingerprint, layer.name, place, place / max(len(network.layers) - 1, 1))
        found = self.measure(network, layer, self.item)
        return tuple(
            Score(f"{key}:{n}", *about, one.method, self.item.name, one.x, one.quantity, float(one.value))
            for n, one in enumerate(found)
        )
