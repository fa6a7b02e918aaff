"""Estimates on snapshots that ship, with another noise or another number of samples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import ClassVar

from explainers.information_flow.checks import check_sigma
from explainers.information_flow.estimates import mutual_informations
from explainers.information_flow.records import Information
from explainers.information_flow.unfolding import content, missing, snapshots_path
from explainers.methods.request import MAP_LANE, Workbench
from explainers.storage.digest import digest
from explainers.storage.versions import method_version
from explainers.train.noisy_recipes import NOISY_RECIPES
from explainers.train.snapshots import SNAPSHOTS, read_snapshots

# About so many exponentials of a mixture take two cores a second, and the seconds that an estimate takes beside them.
A_SECOND, BESIDE = 300_000_000, 0.015


@dataclass(frozen=True)
class Estimated:
    """One estimate of a layer after an epoch: `quantity` is "I(X;T)" or "I(Y;T)", the numbers are in nats.

    `error`, `low`, `high` are those of the random draws and of the inputs together, `flags` are joined by ";".
    """

    epoch: int
    layer: str
    units: int
    quantity: str
    value: float
    error: float
    low: float
    high: float
    ceiling: float
    n: int
    flags: str


@dataclass(frozen=True)
class Anew:
    """The estimates that there are so far; `progress` 0 to 1, `elapsed` in seconds."""

    estimates: tuple[Estimated, ...]
    progress: float
    elapsed: float

    @property
    def nbytes(self) -> int:
        """What a store counts."""
        return 256 * len(self.estimates)


@dataclass(frozen=True)
class AnewRequest:
    """I(X;T) and I(Y;T) of the `layers` after the `epochs` from `n` samples, in the network of `recipe` with `sigma`.

    Noise other than that of the training makes it another network with the same weights.
    """

    recipe: str
    layers: tuple[str, ...]
    epochs: tuple[int, ...]
    sigma: float
    n: int
    draws: int = 1
    repeats: int = 16
    seed: int = 0
    folder: Path = field(default=SNAPSHOTS, repr=False)
    lane: ClassVar[str] = MAP_LANE

    @property
    def key(self) -> str:
        """SHA-256 of all that the estimates depend on."""
        of = content(snapshots_path(self.recipe, self.folder))
        settings = (self.layers, self.epochs, self.sigma, self.n, self.draws, self.repeats, self.seed)
        return digest("information anew", method_version("information"), of, repr(settings))

    @property
    def refusal_key(self) -> str:
        """Nothing to be remembered under: the snapshots may come."""
        return ""

    @property
    def seconds(self) -> float:
        """About how many it takes on two cores."""
        each = (self.n * self.draws) * (self.n * self.repeats) / A_SECOND
        return len(self.layers) * len(self.epochs) * (each + BESIDE)

    @property
    def cost(self) -> int:
        """About how many milliseconds it takes: what it does counts by the samples, not by passes."""
        return max(1, round(1000 * self.seconds))

    def refusal(self) -> str | None:
        """Why there is no answer, in one sentence."""
        try:
            check_sigma(self.sigma)
        except ValueError as error:
            return f"{str(error).capitalize()}."
        return missing(self.recipe, self.folder)

    def stream(self, bench: Workbench) -> Iterator[Anew]:
        """Ever more of them: the last epoch and the first, then those between."""
        recipe, snapshots = NOISY_RECIPES[self.recipe], read_snapshots(snapshots_path(self.recipe, self.folder))
        x, y = (part.to(bench.device) for part in recipe.load().some(self.n))
        found: list[Estimated] = []
        begun = perf_counter()
        for place, epoch in enumerate(spread(self.epochs)):
            network = snapshots.network(recipe, epoch).with_noise(self.sigma).to(bench.device)
            for number, layer in enumerate(self.layers):
                of_x, of_y = mutual_informations(
                    network, layer, x, y, draws=self.draws, repeats=self.repeats, seed=self.seed
                )
                found += [_record(epoch, layer, "I(X;T)", of_x), _record(epoch, layer, "I(Y;T)", of_y)]
                done = (place + (number + 1) / len(self.layers)) / len(self.epochs)
                yield Anew(tuple(found), done, perf_counter() - begun)


def spread(epochs: Sequence[int]) -> tuple[int, ...]:
    """The last, the first, and then those between, each in the middle of the widest gap that is left.

    >>> spread([0, 1, 2, 3, 4])
    (4, 0, 2, 1, 3)
    """
    order = [len(epochs) - 1, 0][: len(epochs)]
    gaps = [(0, len(epochs) - 1)]
    while gaps:
        low, high = gaps.pop(0)
        if high - low > 1:
            middle = (low + high) // 2
            order.append(middle)
            gaps += [(low, middle), (middle, high)]
    return tuple(epochs[place] for place in dict.fromkeys(order))


def _record(epoch: int, layer: str, quantity: str, found: Information) -> Estimated:
    low, high = min(found.low, found.over_inputs[0]), max(found.high, found.over_inputs[1])
    numbers = (found.value, found.error, low, high, found.ceiling)
    return Estimated(epoch, layer, found.d, quantity, *numbers, found.n, ";".join(found.flags))
