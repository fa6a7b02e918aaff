"""Model parameter randomisation (MPRT): does a map change when the network's weights do?"""

from collections.abc import Generator, Iterator
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from explainers.evaluation.measures import Interval, bootstrap_interval
from explainers.evaluation.methods import MapSettings, step_size
from explainers.evaluation.orders import ExplainFunction
from explainers.evaluation.pictures import Pictures
from explainers.evaluation.scores import Judged
from explainers.networks.catalogue import Network
from explainers.networks.copies import named_parts
from explainers.networks.layers import Layer
from explainers.randomness import drawn_apart


@dataclass(frozen=True)
class RandomisationSettings(MapSettings):
    """Over the first `pictures`, looking at no more than `stages` of the cascade, from first to last."""

    pictures: int = 8
    stages: int = 8


@dataclass(frozen=True, eq=False)
class Randomisation(Judged):
    """How much maps resemble those of the trained network.

    `layers`: paths of the layers down to which weights are random, from the network's end on; `similarity`
    (count, layers): Spearman's ρ between the orders of the pixels, 1 the same, 0 unrelated.
    """

    layers: tuple[str, ...]
    similarity: Tensor = field(repr=False)

    @property
    def curve(self) -> tuple[Interval, ...]:
        """Mean similarity at each of `layers`."""
        return tuple(bootstrap_interval(column) for column in self.similarity.T.numpy())

    @property
    def final(self) -> Interval | None:
        """What is left of the map where all weights are random; None until it is known."""
        return bootstrap_interval(self.similarity[:, -1].numpy()) if self.progress == 1 else None

    @property
    def nbytes(self) -> int:
        """Memory of what was measured."""
        return self.similarity.nbytes


def randomise(
    network: Network, layer: Layer, method: str, pictures: Pictures, settings: RandomisationSettings
) -> Iterator[Randomisation]:
    """Similarities for ever more layers, from the last layer of the network down to its first.

    The values are those of Quantus' MPRT with `ExplainFunction`. The network itself and torch's random state stay as
    they were.

    Source: Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018; Hedström et al., "Quantus", JMLR 2023.
    """
    images, labels = pictures.images[: settings.pictures].numpy(), pictures.labels[: settings.pictures].numpy()
    explain = ExplainFunction(network, layer, method, settings)
    step = step_size(method, network, settings)
    total = (1 + len(shown_stages(network.module, settings.stages))) * len(images)
    columns: list[np.ndarray] = []
    layers: list[str] = []

    def frame() -> Randomisation:
        return Randomisation(
            method=method,
            count=len(images),
            progress=explain.maps / total,
            passes=explain.passes,
            maps=explain.maps,
            seconds=explain.seconds,
            elapsed=explain.seconds,
            unsure=explain.unsure,
            layers=tuple(layers),
            similarity=torch.tensor(np.array(columns).T.reshape(len(images), -1)),
        )

    def orders(module: nn.Module) -> Generator[Randomisation, None, np.ndarray]:
        """Frames on the way; returns the ranks (pictures, pixels)."""
        made: list[np.ndarray] = []
        for start in range(0, len(images), step):
            made.append(explain(module, images[start : start + step], labels[start : start + step]))
            if start + step < len(images):
                yield frame()
        return np.concatenate(made).reshape(len(images), -1)

    original = yield from orders(network.module)
    yield frame()
    for path, module in randomised(network.module, settings.stages, settings.seed):
        changed = yield from orders(module)
        columns.append(similar(original, changed))
        layers.append(path)
        yield frame()


def similar(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each row of a with that of b, (B, pixels) both -> (B,).

    >>> similar(np.array([[1, 2, 3], [1, 2, 3]]), np.array([[1, 2, 9], [3, 2, 1]])).round(6).tolist()
    [1.0, -1.0]
    """
    return np.array([spearmanr(one, other)[0] for one, other in zip(a, b, strict=True)])


def randomised(module: nn.Module, stages: int | None = None, seed: int = 0) -> Iterator[tuple[str, nn.Module]]:
    """(path, copy), top-down: a copy whose weights are random from its end down to `path`, drawn anew by the layers'
    own initialisation, each from the same seed.

    With `stages`, at most so many, evenly spaced from the first to the last. Torch's random state is as it was
    whenever this yields.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    >>> [path for path, copy in randomised(net)]
    ['3', '0']
    """
    device = next(module.parameters()).device
    cascade = deepcopy(module).cpu()
    parts = [(path, part) for path, part in named_parts(cascade) if hasattr(part, "reset_parameters")]
    shown = shown_stages(module, stages)
    for number, (path, part) in enumerate(reversed(parts)):
        # Layers draw from the random state of torch, which belongs to everybody. One more than the seed: as Quantus.
        with drawn_apart():
            torch.default_generator.manual_seed(seed + 1)
            getattr(part, "reset_parameters")()  # noqa: B009
        if number in shown:
            yield path, deepcopy(cascade).to(device)


def shown_stages(module: nn.Module, stages: int | None) -> set[int]:
    """Which steps of the cascade are looked at, of as many as the module has parts that can draw weights anew.

    >>> net = nn.Sequential(*(nn.Linear(2, 2) for _ in range(10)))
    >>> sorted(shown_stages(net, 4)), len(shown_stages(net, None))
    ([0, 3, 6, 9], 10)
    """
    count = sum(hasattr(part, "reset_parameters") for part in module.modules())
    kept = count if stages is None else min(stages, count)
    return {count - 1} | {round(step * (count - 1) / (kept - 1)) for step in range(kept - 1)}
