"""Stability: how much does a map change when the picture changes by less than one can see (average sensitivity)?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from explainers.evaluation.measures import Interval, bootstrap_interval
from explainers.evaluation.methods import MapSettings, step_size
from explainers.evaluation.orders import ExplainFunction
from explainers.evaluation.pictures import Pictures
from explainers.evaluation.scores import Judged
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

# The change between two orders that have nothing to do with each other, √2.
UNRELATED = 2**0.5


@dataclass(frozen=True)
class StabilitySettings(MapSettings):
    """The first `pictures`, each `samples` times with uniform noise of at most ± `radius` of full brightness."""

    pictures: int = 8
    samples: int = 5
    radius: float = 0.02


@dataclass(frozen=True, eq=False)
class Stability(Judged):
    """`changes` (count,): ‖r − r′‖ / ‖r‖ of the centred ranks r, averaged over the changed pictures.

    0 where the order of the pixels stays, √2 where it becomes another one altogether, 2 where it is reversed; without
    ties √(2 (1 − ρ)) of Spearman's ρ.
    """

    changes: Tensor = field(repr=False)

    @property
    def change(self) -> Interval:
        """The mean change with its interval."""
        return bootstrap_interval(self.changes.numpy())

    @property
    def nbytes(self) -> int:
        """Memory of what was measured."""
        return self.changes.nbytes


def stability(
    network: Network, layer: Layer, method: str, pictures: Pictures, settings: StabilitySettings
) -> Iterator[Stability]:
    """Changes of ever more pictures; frames before the first picture is done have a `count` of 0.

    The mean over the samples where Yeh et al. take the greatest, as Quantus' AvgSensitivity does. No random state but
    its own is used.

    Source: Yeh et al., "On the (in)fidelity and sensitivity of explanations", NeurIPS 2019; Hedström et al.,
    "Quantus", JMLR 2023.
    """
    images, labels = pictures.images[: settings.pictures].numpy(), pictures.labels[: settings.pictures].numpy()
    explain = ExplainFunction(network, layer, method, settings)
    step = step_size(method, network, settings)
    total = (1 + settings.samples) * len(images)
    known: list[float] = []

    def frame() -> Stability:
        return Stability(
            method=method,
            count=len(known),
            progress=explain.maps / total,
            passes=explain.passes,
            maps=explain.maps,
            seconds=explain.seconds,
            elapsed=explain.seconds,
            unsure=explain.unsure,
            changes=torch.tensor(known, dtype=torch.float64),
        )

    for start in range(0, len(images), step):
        x, y = images[start : start + step], labels[start : start + step]
        original = explain(network.module, x, y).reshape(len(x), -1)
        sums = np.zeros(len(x))
        for sample in range(settings.samples):
            yield frame()
            noise = changed(network.std, settings.radius, [settings.seed, start, sample])
            shown = noise(x.reshape(len(x), -1)).reshape(x.shape)
            sums += sensitivity(original, explain(network.module, shown, y).reshape(len(x), -1))
        known += (sums / settings.samples).tolist()
        yield frame()


def sensitivity(original: np.ndarray, perturbed: np.ndarray) -> np.ndarray:
    """‖r − r′‖ / ‖r‖ of every row (B, pixels) -> (B,).

    >>> sensitivity(np.array([[3.0, 4.0]]), np.array([[3.0, -1.0]])).tolist()
    [1.0]
    """
    return np.linalg.norm(original - perturbed, axis=1) / np.linalg.norm(original, axis=1)


def changed(std: tuple[float, ...], radius: float, seed: list[int]) -> Callable[..., np.ndarray]:
    """Pictures (B, C·H·W) in network units -> the same with uniform noise of ± `radius` of full brightness.

    >>> noise = changed((0.5, 0.25), 0.02, [0])(np.zeros((1, 6)))
    >>> noise.shape, bool((abs(noise[:, :3]) <= 0.04).all() and (abs(noise) <= 0.08).all())
    ((1, 6), True)
    """
    scale = radius / np.array(std, dtype=np.float32)
    random = np.random.default_rng(seed)

    def noise(arr: np.ndarray, **_: object) -> np.ndarray:
        drawn = random.uniform(-1, 1, (len(arr), len(scale), arr.shape[1] // len(scale)))
        return arr + (drawn * scale[:, None]).reshape(arr.shape).astype(arr.dtype)

    return noise
