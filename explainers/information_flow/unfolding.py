"""One hidden layer over a training, to be looked at: where its points lie after every epoch that was kept."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from explainers.information_flow.clustering import distance_histograms
from explainers.information_flow.deterministic import deterministic_information
from explainers.methods.request import MAP_LANE, Workbench
from explainers.networks.architectures.noisy import NoisyNetwork
from explainers.randomness import Randomness
from explainers.storage.digest import digest
from explainers.train.noisy_recipes import NOISY_RECIPES
from explainers.train.snapshots import SNAPSHOTS, Snapshots, read_snapshots

VERSION = 1
# Points that are looked at, bins of their distances, and the dimensions that are drawn.
POINTS, BINS, DRAWN = 400, 40, (2, 3)
SEED = 0


def snapshots_path(recipe: str, folder: Path = SNAPSHOTS) -> Path:
    """The file with the snapshots of a recipe."""
    return folder / f"{recipe}.safetensors"


@dataclass(frozen=True, eq=False)
class Unfolding:
    """T of one layer for the same inputs after each of the `epochs`; `labels` (n,) are theirs.

    - `points` (epochs, n, d) for a layer of two or three units, (epochs, n, 0) for any other.
    - `edges` (bins + 1,) of distances between points, and what share of all pairs of one class (`within`) and of two
      classes (`between`) lies in each bin, (epochs, bins).
    - `kept`: the entropy in nats of which point it is, after each epoch: log n where all are different ones.
    - `accuracy` on held-out samples after each epoch.
    """

    epochs: tuple[int, ...]
    labels: np.ndarray = field(repr=False)
    points: np.ndarray = field(repr=False)
    edges: np.ndarray = field(repr=False)
    within: np.ndarray = field(repr=False)
    between: np.ndarray = field(repr=False)
    kept: tuple[float, ...] = ()
    accuracy: tuple[float, ...] = ()

    @property
    def nbytes(self) -> int:
        """What a store counts."""
        arrays = (self.labels, self.points, self.edges, self.within, self.between)
        return sum(int(one.nbytes) for one in arrays)


@dataclass(frozen=True)
class UnfoldingRequest:
    """The unfolding of the hidden `layer` of the network that `recipe` names; `sigma` None: with its own noise."""

    recipe: str
    layer: str
    sigma: float | None = None
    n: int = POINTS
    folder: Path = field(default=SNAPSHOTS, repr=False)
    lane: ClassVar[str] = MAP_LANE

    @property
    def key(self) -> str:
        """SHA-256 of all that it depends on."""
        of = content(snapshots_path(self.recipe, self.folder))
        return digest("unfolding", str(VERSION), of, self.layer, repr(self.sigma), str(self.n))

    @property
    def refusal_key(self) -> str:
        """Nothing to be remembered under: the snapshots may come."""
        return ""

    @property
    def cost(self) -> int:
        """About how many passes: one for each epoch."""
        return len(NOISY_RECIPES[self.recipe].epochs_kept())

    def refusal(self) -> str | None:
        """Why there is none: the snapshots are not here."""
        return missing(self.recipe, self.folder)

    def stream(self, bench: Workbench) -> Iterator[Unfolding]:
        """The unfolding, at once."""
        recipe, snapshots = NOISY_RECIPES[self.recipe], read_snapshots(snapshots_path(self.recipe, self.folder))
        x, y = recipe.load().some(self.n)
        seen: list[Tensor] = []
        for place, epoch in enumerate(snapshots.epochs):
            bench.report(place / len(snapshots.epochs))
            network = with_noise(snapshots.network(recipe, epoch), self.sigma)
            # The same noise every time: what moves is the network.
            signals = network.signals(x, Randomness(SEED)("unfolding"))
            seen.append(signals[network.hidden.index(self.layer)][1])
        yield unfold(snapshots, torch.stack(seen), y)


def unfold(snapshots: Snapshots, points: Tensor, labels: Tensor) -> Unfolding:
    """What there is to see of `points` (epochs, n, d) with their `labels` (n,)."""
    largest = max(float(torch.cdist(one, one).max()) for one in points)
    found = [distance_histograms(one, labels, BINS, largest) for one in points]
    return Unfolding(
        snapshots.epochs,
        labels.numpy(),
        points.float().numpy() if points.shape[-1] in DRAWN else np.zeros((*points.shape[:2], 0), np.float32),
        found[0].edges,
        np.stack([one.within for one in found]),
        np.stack([one.between for one in found]),
        tuple(deterministic_information(one).value for one in points),
        snapshots.accuracy,
    )


def with_noise(network: NoisyNetwork, sigma: float | None) -> NoisyNetwork:
    """The network with another noise, or as it is for None."""
    return network if sigma is None else network.with_noise(sigma)


def missing(recipe: str, folder: Path) -> str | None:
    """One sentence where the snapshots of a recipe are not here."""
    if snapshots_path(recipe, folder).is_file():
        return None
    return f"Expected the snapshots of {recipe}, found none; make them with python -m explainers.information_flow run."


_digests: dict[tuple[Path, int, int], str] = {}


def content(path: Path) -> str:
    """SHA-256 of a file, read once for as long as it stays as it is; "" where there is none."""
    try:
        said = path.stat()
    except OSError:
        return ""
    known = (path, said.st_mtime_ns, said.st_size)
    if known not in _digests:
        _digests[known] = hashlib.sha256(path.read_bytes()).hexdigest()
    return _digests[known]
