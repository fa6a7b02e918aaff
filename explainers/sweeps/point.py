"""One point of a layer-wise curve as a request: a row of a sweep for each of some pictures."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, TypeVar

from explainers.cid.results import CIDSettings
from explainers.methods.method import MapMethod, MapResult
from explainers.methods.network_input import NetworkInput
from explainers.methods.registry import find_method
from explainers.methods.request import MAP_LANE, Workbench
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.digest import digest
from explainers.streams import relay
from explainers.sweeps.items import Item
from explainers.sweeps.row import Answer, Row, answer_of, row_key, row_of, sight

Shown = TypeVar("Shown")


@dataclass(frozen=True)
class Point:
    """The rows of those pictures that are through, in their order; `progress` 0..1 counts the picture at work, too."""

    rows: tuple[Row, ...]
    progress: float

    @property
    def preliminary(self) -> bool:
        """Whether no picture is through."""
        return not self.rows

    @property
    def seconds(self) -> float:
        """What the maps have taken."""
        return sum(row.seconds for row in self.rows)


@dataclass(frozen=True)
class Seen:
    """A picture as the network sees it, and what the network says of it."""

    seen: NetworkInput
    said: Answer


@dataclass(frozen=True, eq=False)
class PointRequest:
    """The maps of `items` at a layer, by a method; `settings` are those of CID and RU.

    Numbers are those of `MapRequest` with the same settings, and rows are those that a sweep of this process writes.
    """

    network: Network
    layer: Layer
    method: str
    items: tuple[Item, ...] = field(repr=False)
    settings: CIDSettings = field(default_factory=CIDSettings)
    lane: ClassVar[str] = MAP_LANE

    @property
    def kind(self) -> MapMethod:
        """What is known of the method."""
        return find_method(self.method)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The `row` of each picture's row."""
        return tuple(
            row_key(self.network, self.layer, self.method, self.settings, item.identity()) for item in self.items
        )

    @property
    def key(self) -> str:
        """SHA-256 of all that the rows depend on."""
        return digest("point", *self.names)

    @property
    def refusal_key(self) -> str:
        """What `refusal` depends on."""
        return self.kind.refusal_key(self.network, self.layer)

    @property
    def cost(self) -> int:
        """About how many forward and backward passes all pictures take."""
        return self.kind.passes(self.network.input_size, self.settings) * len(self.items)

    def refusal(self) -> str | None:
        """Why there is none, in one sentence; None where there is one."""
        return self.kind.refuse(self.network, self.layer)

    def stream(self, bench: Workbench) -> Iterator[Point]:
        """Ever more rows, as often as a map has become sharper; rows and pictures on the shelf are not made again."""
        rows: tuple[Row, ...] = ()
        for item, name in zip(self.items, self.names, strict=True):
            row: Row | None = bench.shelf.get(name)
            if row is None:
                row = yield from self._row(item, name, rows, bench)
            rows = (*rows, row)
            yield Point(rows, len(rows) / len(self.items))

    def _row(self, item: Item, name: str, rows: tuple[Row, ...], bench: Workbench) -> Generator[Point, None, Row]:
        """The row of an item after those that there are; it and its map lie on the shelf then."""
        count, whole = len(rows), len(self.items)
        one = look(self.network, item, bench)
        request = one.seen.request(self.network, self.layer, self.method, self.settings)
        shown = rising(lambda share: Point(rows, (count + share) / whole))
        result = yield from relay(request.stream(part_of(bench, count, whole)), shown)
        row = row_of(request, result, one.seen, one.said, name)
        bench.shelf.put(name, row)
        bench.shelf.put(map_place(name), result.values)
        return row


def look(network: Network, item: Item, bench: Workbench) -> Seen:
    """A picture as the network sees it; what is on the shelf is not made again. Raises PictureError."""
    place = digest("seen", network.fingerprint, *sight(network), item.identity())
    one: Seen | None = bench.shelf.get(place)
    if one is None:
        seen = replace(item.seen_by(network), key=item.name)
        one = Seen(seen, answer_of(network, seen.x, item.labels))
        bench.shelf.put(place, one)
    return one


def rising(show: Callable[[float], Shown]) -> Callable[[MapResult], Shown]:
    """What is shown of a part's frames: how much of it is through, which never falls."""
    share = 0.0

    def shown(result: MapResult) -> Shown:
        nonlocal share
        share = max(share, float(getattr(result, "progress", 0.0)))
        return show(share)

    return shown


def map_place(row: str) -> str:
    """Where the map of a row (rows, columns) is put on the shelf."""
    return digest("map of a row", row)


def part_of(bench: Workbench, place: int, count: int) -> Workbench:
    """A bench whose reports are those of one of `count` pictures."""

    def report(progress: float, note: str = "") -> None:
        bench.report((place + progress) / count, note)

    return replace(bench, report=report)
