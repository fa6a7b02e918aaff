"""The fairness check of one picture as a request."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from torch import Tensor

from explainers.fairness.check import Check, check
from explainers.fairness.maps import LAYERWISE, METHODS, Question, cost
from explainers.fairness.plan import Plan
from explainers.methods.request import MAP_LANE, Workbench, weights_of
from explainers.networks.catalogue import Network
from explainers.storage.digest import digest
from explainers.storage.versions import method_version


@dataclass(frozen=True, eq=False)
class FairnessRequest:
    """`plan` is that of the network; `x` (3, H, W) in network units, and `picture`, its SHA-256."""

    network: Network
    plan: Plan
    x: Tensor = field(repr=False)
    picture: str
    question: Question

    @property
    def key(self) -> str:
        """SHA-256 of all that the check depends on."""
        versions = (method_version(method) for method in ("fairness", *METHODS))
        return digest(*versions, *weights_of(self.network), self.picture, repr(self.question))

    refusal_key = ""
    lane: ClassVar[str] = MAP_LANE

    @property
    def cost(self) -> int:
        """About how many passes: all maps of three networks, then some of two at every station."""
        costs = {method: cost(method, (self.x.shape[-2], self.x.shape[-1]), self.question) for method in METHODS}
        per_station = 2 * sum(costs[method] for method in LAYERWISE)
        return 3 * sum(costs.values()) + len(self.plan.stations) * per_station

    def refusal(self) -> None:
        """None: what cannot be measured of a method is said with the check."""
        return None

    def stream(self, bench: Workbench) -> Iterator[Check]:
        """Ever more of the check; what was measured on the network as it is lies on the shelf for the next question."""

        def recall(key: tuple[str, ...], array: np.ndarray | None) -> np.ndarray | None:
            place = digest("part", self.network.fingerprint, self.picture, *key)
            if array is not None:
                bench.shelf.put(place, array)
            return bench.shelf.get(place)

        return check(self.network, self.plan, self.x.to(bench.device), self.question, recall)
