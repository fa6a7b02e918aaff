"""Descriptive accuracy and localisation of one method over many pictures."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from explainers.datasets.boxes import Box
from explainers.evaluation.measures import (
    FRACTIONS,
    DescriptiveAccuracy,
    Interval,
    bootstrap_interval,
    box_share,
    descriptive_accuracy,
    localisation,
)
from explainers.evaluation.methods import MapSettings, importance, step_size
from explainers.evaluation.pictures import Pictures
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

# Pictures whose box covers more say little: almost any map hits it.
LARGEST_BOX = 1 / 3


@dataclass(frozen=True)
class EvaluationSettings(MapSettings):
    """How maps are judged: `replacement` "mean", "blur" or "noise" for removed pixels, `fractions` of them."""

    replacement: str = "mean"
    fractions: tuple[float, ...] = FRACTIONS


@dataclass(frozen=True, eq=False)
class Judged:
    """What is known of one method so far, over `count` pictures.

    `progress` 0..1; `passes` are forward and backward passes for one map; `maps` were made in `seconds`, and
    judged too within `elapsed`. `unsure` of them do not meet their constraint: closed forms where a layer is curved.
    """

    method: str
    count: int
    progress: float
    passes: tuple[float, float]
    maps: int
    seconds: float
    elapsed: float
    unsure: int = field(default=0, kw_only=True)

    @property
    def spent(self) -> float:
        """Passes of one picture through the network, all in all."""
        return self.maps * sum(self.passes)


@dataclass(frozen=True, eq=False)
class Scores(Judged):
    """Descriptive accuracy and localisation.

    `areas` (count,) under the curve of each picture alone; `correct` (count, fractions), bool; `shares` the
    localisation of each picture whose box covers at most a third.
    """

    fractions: tuple[float, ...]
    areas: Tensor = field(repr=False)
    correct: Tensor = field(repr=False)
    shares: tuple[float, ...] = field(repr=False)
    true_labels: bool

    @property
    def accuracy(self) -> tuple[float, ...]:
        """Share of pictures still answered as labelled, for each fraction."""
        return tuple(self.correct.double().mean(0).numpy().tolist())

    @property
    def area(self) -> Interval:
        """Descriptive accuracy: the mean accuracy over all fractions, 0 to 1."""
        return bootstrap_interval(self.areas.numpy())

    @property
    def localisation(self) -> Interval | None:
        """0 to 1; None without a picture whose box is small enough."""
        return bootstrap_interval(self.shares) if self.shares else None

    @property
    def spent(self) -> float:
        """Passes of one picture through the network, those of the removal included."""
        return super().spent + self.count * len(self.fractions)

    @property
    def nbytes(self) -> int:
        """Memory of what was measured."""
        return self.areas.nbytes + self.correct.nbytes + 8 * len(self.shares)


def evaluate(
    network: Network, layer: Layer, method: str, pictures: Pictures, settings: EvaluationSettings
) -> Iterator[Scores]:
    """Scores over ever more of the pictures; the last are those of all.

    The class that a method explains is the picture's label. Raises ValueError, with the reason, where the method does
    not apply.
    """
    device = next(network.module.parameters()).device
    judged: list[DescriptiveAccuracy] = []
    shares: list[float] = []
    seconds = elapsed = 0.0
    unsure = 0
    step = step_size(method, network, settings)
    for start in range(0, len(pictures), step):
        part = slice(start, start + step)
        images, labels = pictures.images[part].to(device), pictures.labels[part]
        began = time.perf_counter()
        drawn = replace(settings, seed=settings.seed + start)
        maps, passes, off = importance(network, layer, method, images, labels, drawn)
        unsure += off
        seconds += time.perf_counter() - began
        judged.append(
            descriptive_accuracy(
                network.module, images, labels, maps, settings.fractions, settings.replacement, seed=settings.seed
            )
        )
        boxes = zip(maps, pictures.boxes[part], strict=True)
        shares += [localisation(map, box) for map, box in boxes if box is not None and small(box, *map.shape[-2:])]
        elapsed += time.perf_counter() - began
        count = start + len(images)
        yield Scores(
            method=method,
            count=count,
            progress=count / len(pictures),
            passes=passes,
            maps=count,
            seconds=seconds,
            elapsed=elapsed,
            unsure=unsure,
            fractions=settings.fractions,
            areas=torch.cat([one.areas for one in judged]),
            correct=torch.cat([one.correct for one in judged]),
            shares=tuple(shares),
            true_labels=pictures.true_labels,
        )


def small(box: Box | None, height: int, width: int) -> bool:
    """Whether there is a box, and it covers at most a third of the picture."""
    return box is not None and box_share(box, width, height) <= LARGEST_BOX
