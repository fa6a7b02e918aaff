"""How the points of a layer cluster, looked at directly: distances, angles, neighbours."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import KDTree
from sklearn.metrics import pairwise_distances_chunked
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from torch import Tensor

from explainers.information_flow.checks import check_count, check_labels, check_points

BINS = 50
# Distances are looked at in pieces of so many MiB.
MEMORY = 64


@dataclass(frozen=True)
class WithinBetween:
    """A mean over pairs of points of one class, and one over pairs of two classes; NaN where there is no such pair."""

    within: float
    between: float


@dataclass(frozen=True)
class DistanceHistograms:
    """How far points lie from each other: `edges` (bins + 1,), and shares (bins,) of the pairs that sum to 1.

    `within` is of pairs of one class and `between` of pairs of two, zeros where there is no such pair; `mean` are the
    mean distances.
    """

    edges: np.ndarray = field(repr=False)
    within: np.ndarray = field(repr=False)
    between: np.ndarray = field(repr=False)
    mean: WithinBetween


def distance_histograms(
    t: Tensor, labels: Tensor, bins: int = BINS, largest: float | None = None
) -> DistanceHistograms:
    """Histograms of the Euclidean distances of all pairs of points `t` (n, d), within the classes and between them.

    From 0 to `largest`, None for the largest distance there is; what lies beyond counts into the last bin, so that
    epochs can be compared on one axis. Raises ValueError for points or labels that are none, and for no bins.

    >>> import torch
    >>> found = distance_histograms(torch.tensor([[0.0], [0.1], [1.0], [1.1]]), torch.tensor([0, 0, 1, 1]), bins=2)
    >>> found.within.tolist(), found.between.tolist(), round(found.mean.within, 6)
    ([1.0, 0.0], [0.0, 1.0], 0.1)
    """
    points, groups = _checked(t, labels)
    check_count("bins", bins)
    if largest is None:
        largest = max((part.max(initial=0) for part, _ in _distances(points, groups)), default=0)
    edges = np.linspace(0, largest or 1, bins + 1)
    counts, sums = np.zeros((2, bins)), np.zeros(2)
    for distances, same in _distances(points, groups):
        for place, chosen in enumerate((distances[same], distances[~same])):
            counts[place] += np.histogram(np.minimum(chosen, edges[-1]), edges)[0]
            sums[place] += chosen.sum()
    pairs = counts.sum(1)
    within, between = counts / np.maximum(pairs, 1)[:, None]
    return DistanceHistograms(edges, within, between, _means(sums, pairs))


def cosine_similarity(t: Tensor, labels: Tensor) -> WithinBetween:
    r"""The mean cosine of the angle between two points `t` (n, d), within classes and between; 0 for a point at 0.

    .. math:: \frac{1}{\#\text{pairs}}\sum_{i<j} \frac{t_i^\top t_j}{\|t_i\|\,\|t_j\|}

    >>> import torch
    >>> cosine_similarity(torch.tensor([[1.0, 0], [2.0, 0], [0, 3.0], [0, 1.0]]), torch.tensor([0, 0, 1, 1]))
    WithinBetween(within=1.0, between=0.0)
    """
    points, groups = _checked(t, labels)
    units: np.ndarray = normalize(points)
    # The sum over all pairs of a set is that of its sum with itself, without those of each with itself.
    own = np.square(units).sum()
    of_classes = np.stack([units[groups == one].sum(0) for one in range(groups.max() + 1)])
    within = (np.square(of_classes).sum() - own) / 2
    everything = (np.square(units.sum(0)).sum() - own) / 2
    return _means(np.array([within, everything - within]), _pairs(groups))


def fraction_within(t: Tensor, labels: Tensor, radius: float) -> WithinBetween:
    """The share of the pairs of points `t` (n, d) that lie at most `radius` apart, within classes and between.

    >>> import torch
    >>> fraction_within(torch.tensor([[0.0], [0.1], [1.0], [1.1]]), torch.tensor([0, 0, 1, 1]), 0.5)
    WithinBetween(within=1.0, between=0.0)
    """
    if not radius >= 0:
        raise ValueError(f"expected a radius from 0 on, got {radius:g}; give one in units of the activations")
    points, groups = _checked(t, labels)
    within = sum(_close(points[groups == one], radius) for one in range(groups.max() + 1))
    return _means(np.array([within, _close(points, radius) - within], dtype=float), _pairs(groups))


def neighbour_purity(t: Tensor, labels: Tensor, neighbours: int = 10) -> float:
    """The mean share of the k nearest `neighbours` of a point of `t` (n, d), itself left out, that have its label.

    1 where classes are apart, about the sum of their squared shares where they are mixed. Raises ValueError for fewer
    than k + 1 points.

    >>> import torch
    >>> neighbour_purity(torch.tensor([[0.0], [0.1], [1.0], [1.1]]), torch.tensor([0, 0, 1, 1]), neighbours=1)
    1.0
    """
    check_count("neighbours", neighbours)
    points, groups = _checked(t, labels, neighbours + 1)
    nearest = NearestNeighbors(n_neighbors=neighbours).fit(points).kneighbors(return_distance=False)
    return float((groups[nearest] == groups[:, None]).mean())


def _checked(t: Tensor, labels: Tensor, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    points = check_points(t, least)
    return points.cpu().numpy(), check_labels(labels, len(points)).cpu().numpy()


def _distances(points: np.ndarray, groups: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Distances of pairs, each pair once, and whether both are of one class, in pieces."""
    start = 0
    for rows in pairwise_distances_chunked(points, working_memory=MEMORY):
        first, second = np.arange(start, start + len(rows))[:, None], np.arange(len(points))
        once = second > first
        yield rows[once], (groups[first] == groups)[once]
        start += len(rows)


def _close(points: np.ndarray, radius: float) -> int:
    tree = KDTree(points)
    return (int(tree.count_neighbors(tree, radius)) - len(points)) // 2


def _pairs(groups: np.ndarray) -> np.ndarray:
    sizes = np.bincount(groups)
    within = (sizes * (sizes - 1)).sum() / 2
    return np.array([within, len(groups) * (len(groups) - 1) / 2 - within])


def _means(sums: np.ndarray, pairs: np.ndarray) -> WithinBetween:
    return WithinBetween(
        *(float(total / count) if count else float("nan") for total, count in zip(sums, pairs, strict=True))
    )
