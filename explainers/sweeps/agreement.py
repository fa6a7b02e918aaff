r"""How far the maps of a point agree with Grad-CAM's on what matters: a rank correlation for each picture.

.. math:: \rho = \mathrm{corr}\big(\mathrm{rank}(-H),\ \mathrm{rank}(G)\big)

over the cells c of a map H in nats, low where the layer uses a cell, with G the mean of Grad-CAM's map over the cell.
1: both order the cells alike; 0: neither tells of the other; −1: the reverse.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch

from explainers.cid.results import CIDSettings
from explainers.evaluation.alike import rank_correlation
from explainers.grid import cell_sum
from explainers.methods.registry import find_method
from explainers.methods.request import MAP_LANE, MapRequest, Workbench
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.digest import digest
from explainers.streams import last, relay
from explainers.sweeps.items import Item
from explainers.sweeps.point import look, map_place, part_of, rising
from explainers.sweeps.row import row_key

VERSION = "1"
OTHER = "grad_cam"


@dataclass(frozen=True)
class Agreement:
    """ρ of the module's equation for each of the `pictures` that are through, NaN where a map has no order.

    `progress` 0..1 counts the picture at work, too; `seconds` were spent on it.
    """

    pictures: tuple[str, ...]
    correlation: tuple[float, ...]
    progress: float
    seconds: float

    @property
    def preliminary(self) -> bool:
        """Whether no picture is through."""
        return not self.pictures


@dataclass(frozen=True, eq=False)
class AgreementRequest:
    """CID's or RU's maps of `items` at a layer against Grad-CAM's of the likeliest class."""

    network: Network
    layer: Layer
    method: str
    items: tuple[Item, ...] = field(repr=False)
    settings: CIDSettings = field(default_factory=CIDSettings)
    lane: ClassVar[str] = MAP_LANE

    @cached_property
    def names(self) -> tuple[tuple[str, str], ...]:
        """The `row` of each picture's row by the method, and by Grad-CAM."""
        return tuple(
            (self._row(self.method, identity), self._row(OTHER, identity))
            for identity in (item.identity() for item in self.items)
        )

    def _row(self, method: str, identity: str) -> str:
        return row_key(self.network, self.layer, method, self.settings, identity)

    @property
    def key(self) -> str:
        """SHA-256 of all that the correlations depend on."""
        return digest("agreement", VERSION, *(part for pair in self.names for part in pair))

    @property
    def refusal_key(self) -> str:
        """What `refusal` depends on."""
        return digest("agreement", find_method(self.method).refusal_key(self.network, self.layer))

    @property
    def cost(self) -> int:
        """About how many passes all pictures take, where no map is there yet."""
        size = self.network.input_size
        return sum(find_method(name).passes(size, self.settings) for name in (self.method, OTHER)) * len(self.items)

    def refusal(self) -> str | None:
        """Why there is none, in one sentence; None where there is one."""
        reasons = (find_method(name).refuse(self.network, self.layer) for name in (self.method, OTHER))
        return next((reason for reason in reasons if reason), None)

    def stream(self, bench: Workbench) -> Iterator[Agreement]:
        """Ever more pictures; maps and correlations that are on the shelf are not made again."""
        found: list[float] = []
        spent = 0.0

        def now(share: float) -> Agreement:
            names = tuple(item.name for item in self.items[: len(found)])
            return Agreement(names, tuple(found), (len(found) + share) / len(self.items), spent)

        for item, pair in zip(self.items, self.names, strict=True):
            place = digest("agreement", VERSION, *pair)
            correlation: float | None = bench.shelf.get(place)
            if correlation is None:
                started = time.monotonic()
                one = look(self.network, item, bench)
                values: np.ndarray | None = bench.shelf.get(map_place(pair[0]))
                if values is None:
                    request = one.seen.request(self.network, self.layer, self.method, self.settings)
                    frames = request.stream(part_of(bench, len(found), len(self.items)))
                    values = (yield from relay(frames, rising(lambda share: now(0.9 * share)))).values
                    bench.shelf.put(map_place(pair[0]), values)
                request = one.seen.request(self.network, self.layer, OTHER, self.settings)
                correlation = agreement(values, _map(request, bench))
                bench.shelf.put(place, correlation)
                spent += time.monotonic() - started
            found.append(correlation)
            yield now(0)


def _map(request: MapRequest, bench: Workbench) -> np.ndarray:
    """Grad-CAM's map (H, W)."""
    return last(request.stream(Workbench(bench.device, shelf=bench.shelf))).map[0, 0].numpy()


def agreement(entropy: np.ndarray, other: np.ndarray) -> float:
    """ρ of the module's equation: `entropy` (rows, columns) per cell, `other` (H, W) per pixel; NaN without an order.

    >>> agreement(np.array([[0.0, 1.0]]), np.array([[5.0, 5.0, 1.0, 1.0], [4.0, 4.0, 0.0, 2.0]]))
    1.0
    """
    rows, columns = entropy.shape
    first = (-entropy).ravel()
    second = cell_sum(torch.as_tensor(other)[None, None], (rows, columns)).numpy().ravel()
    return rank_correlation(first, second) if np.isfinite(second).all() else math.nan
