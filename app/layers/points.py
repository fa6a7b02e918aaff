"""What curves are made of: for every network, layer and strength the rows that there are, and requests for others."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from app.jobs.backend import Backend, View
from app.jobs.costs import guess
from app.layers.choice import COUNTS
from app.parts.watch import Asked
from explainers import CIDSettings
from explainers.methods.registry import find_method
from explainers.networks.catalogue import Network
from explainers.sweeps.items import Item
from explainers.sweeps.point import PointRequest
from explainers.sweeps.row import Row
from explainers.sweeps.shipped import shipped

MILLISECONDS = 1000


@dataclass(frozen=True)
class Part:
    """Some of the pictures of a point, as they are asked for: at a cost in milliseconds, to a factor of three."""

    request: PointRequest
    asked: Asked


@dataclass(frozen=True)
class Wanted:
    """All that a chart is made of: `rows` that ship, and `parts` that have to be computed; `lacking` have no layer."""

    rows: tuple[Row, ...] = ()
    parts: tuple[Part, ...] = field(default=(), repr=False)
    lacking: tuple[Network, ...] = ()

    @property
    def count(self) -> int:
        """How many maps there will be."""
        return len(self.rows) + sum(len(part.request.items) for part in self.parts)

    def found(self, backend: Backend, views: Sequence[View]) -> list[Row]:
        """The rows that there are by now, also those of work that was cut short."""
        rows = list(self.rows)
        for part, view in zip(self.parts, views, strict=True):
            point = view.value if view.value is not None else backend.preview(part.request.key)
            rows += point.rows if point is not None else ()
        return rows


def wanted(
    backend: Backend, networks: Sequence[Network], method: str, items: Sequence[Item], settings: Sequence[CIDSettings]
) -> Wanted:
    """For these pictures: all layers with the first of them come first, the cheap ones first among them."""
    rows: list[Row] = []
    parts: list[Part] = []
    lacking: list[Network] = []
    for network in networks:
        layers = find_method(method).layers(network)
        if not layers:
            lacking.append(network)
        for one in settings:
            for layer in layers:
                for step, some in enumerate(steps(items)):
                    there, open_ones = shipped(network, layer, method, some, one)
                    rows += there
                    if open_ones:
                        request = PointRequest(network, layer, method, open_ones, one)
                        cost = max(1, round((guess(backend, request) or 0) * MILLISECONDS))
                        parts.append(Part(request, Asked(request, (2 + step, cost), cost=cost)))
    return Wanted(tuple(rows), tuple(parts), tuple(lacking))


def steps(items: Sequence[Item]) -> list[tuple[Item, ...]]:
    """The pictures in the steps in which they are asked for, however many there will be.

    >>> from explainers.sweeps.items import BirdItem
    >>> [[bird.index for bird in step] for step in steps([BirdItem(index) for index in range(4)])]
    [[0], [1, 2, 3]]
    >>> [len(step) for step in steps([BirdItem(index) for index in range(30)])]
    [1, 3, 8, 12, 6]
    """
    last = COUNTS[-1]
    ends = [0, *COUNTS, *range(2 * last, len(items) + last, last)]
    return [tuple(items[start:end]) for start, end in pairwise(ends) if start < len(items)]
