"""Two networks, or one before and after compression: which layers belong together, and one map minus the other."""

import math
from dataclasses import dataclass, replace

import numpy as np

from app.columns import counterpart
from explainers import CIDResult, CIDSettings
from explainers.grid import resolve_grid
from explainers.layers import Layer
from explainers.networks import Network
from explainers.preprocessing import Preprocessing
from explainers.results import RUResult

RULES = {
    "chosen": "chosen by hand",
    "name": "the same name",
    "depth": "no layer of that name; the nearest share of the way through",
}


@dataclass(frozen=True)
class Pair:
    """A layer of each network, and the rule that brought them together: "chosen", "name" or "depth"."""

    a: Layer
    b: Layer
    rule: str


def pair(layer: Layer, network: Network, other: Network, chosen: str | None = None) -> Pair:
    """`layer` of `network` with the layer `chosen` of `other`, else the one of its name, else that of its depth."""
    for known in other.layers:
        if known.name == chosen:
            return Pair(layer, known, "chosen")
    found = counterpart(layer, network, other)
    return Pair(layer, found, "name" if found.name == layer.name else "depth")


def pairs(network: Network, other: Network) -> tuple[Pair, ...]:
    """Every layer of `network`, in order of execution, with its partner."""
    return tuple(pair(layer, network, other) for layer in network.layers)


def same_layers(network: Network, other: Network) -> bool:
    """Whether both have layers of the same names in the same order."""
    return [layer.name for layer in network.layers] == [layer.name for layer in other.layers]


# What the two see


def section(preprocessing: Preprocessing) -> float:
    """The share of the picture's shorter side that the network sees, from its middle.

    >>> section(Preprocessing(256, 224, (0.5,) * 3, (0.25,) * 3))
    0.875
    """
    return preprocessing.crop / preprocessing.resize


def common_grid(side: int, other: int) -> int:
    """Cells per side that divide both pictures, as many as the coarser of their defaults at most.

    >>> common_grid(32, 64), common_grid(64, 224), common_grid(224, 224)
    (32, 16, 16)
    """
    most = min(resolve_grid(None, side, side)[0], resolve_grid(None, other, other)[0])
    shared = math.gcd(side, other)
    return max(cells for cells in range(1, most + 1) if shared % cells == 0)


def common_settings(settings: CIDSettings, side: int, other: int) -> CIDSettings:
    """The settings with one number of cells for both: more cells alone would raise the mean.

    >>> common_settings(CIDSettings(), 32, 64).grid, common_settings(CIDSettings(grid=8), 32, 64).grid
    (32, 8)
    >>> common_settings(CIDSettings(), 32, 32).grid is None
    True
    """
    fits = settings.grid is None and side == other
    divides = settings.grid is not None and side % settings.grid == other % settings.grid == 0
    return settings if fits or divides else replace(settings, grid=common_grid(side, other))


def unit_shift(preprocessing: Preprocessing) -> float:
    r"""Nats from network units to values of the picture from 0 to 1: :math:`\tfrac13\sum_c\log s_c`, s the deviation.

    >>> round(unit_shift(Preprocessing(32, 32, (0.5,) * 3, (0.25,) * 3)), 4)
    -1.3863
    """
    return float(np.log(preprocessing.std).mean())


def same_units(one: Preprocessing, other: Preprocessing) -> bool:
    """Whether a step of one unit is the same change of the picture for both."""
    return one.std == other.std


# One map minus the other


@dataclass(frozen=True)
class Side:
    """A map to compare: `cells` (rows, columns) in nats over the middle `section` of the picture, and its mean.

    `error`: the standard error of `mean`.
    """

    cells: np.ndarray
    section: float
    mean: float
    error: float


@dataclass(frozen=True)
class Difference:
    """Two maps on common cells, and B − A, all (rows, columns) in nats.

    - `a`, `b`: +inf where the cell is unbounded; `difference`: NaN where one of them is.
    - `mean_a`, `mean_b`, `mean`: over the cells that are bounded in both, NaN without any; `error`: standard error
      of `mean`, as if those of the two were independent, and 0 for one and the same map.
    - `unbounded`: cells that are so in one of them at least. `larger`: the share of the others where B > A.
    """

    a: np.ndarray
    b: np.ndarray
    difference: np.ndarray
    mean_a: float
    mean_b: float
    mean: float
    error: float
    unbounded: int
    larger: float


def side(result: CIDResult, cells: np.ndarray, preprocessing: Preprocessing, unit: str = "own") -> Side:
    """A result with its `cells` (rows, columns) in nats, as a side of the comparison.

    `unit`: "own" leaves CID in nats per input variable in network units; "picture" makes it nats per value of the
    picture from 0 to 1, which RU always is.
    """
    shift = unit_shift(preprocessing) if unit == "picture" and not isinstance(result, RUResult) else 0.0
    cells = cells.astype(np.float64) + shift
    return Side(cells, section(preprocessing), float(result.mean[0]) + shift, float(result.mean_error[0]))


def subtract(a: Side, b: Side) -> Difference:
    """B − A over the part of the picture that both see, on the coarser of their cells.

    >>> one = Side(np.array([[1.0, 2.0], [3.0, 4.0]]), 1.0, 2.5, 0.03)
    >>> other = Side(np.full((4, 4), 2.0), 1.0, 2.0, 0.04)
    >>> found = subtract(one, other)
    >>> found.difference.tolist(), found.mean, round(found.error, 3)
    ([[1.0, 0.0], [-1.0, -2.0]], -0.5, 0.05)
    """
    first, second = _shared(a, b)
    bounded = np.isfinite(first) & np.isfinite(second)
    # Left out rather than subtracted: infinity minus anything says nothing of how much.
    difference = np.where(bounded, np.where(bounded, second, 0) - np.where(bounded, first, 0), np.nan)

    def mean(values: np.ndarray) -> float:
        return float(values[bounded].mean()) if bounded.any() else math.nan

    same = a.mean == b.mean and a.error == b.error and np.array_equal(first, second)
    return Difference(
        first,
        second,
        difference,
        mean(first),
        mean(second),
        mean(difference),
        0.0 if same else math.hypot(a.error, b.error),
        int((~bounded).sum()),
        mean((difference > 0).astype(float)),
    )


def limits(difference: np.ndarray) -> tuple[float, float]:
    """Ends of a scale with zero in its middle; ± 0.1 nats where there is no difference.

    >>> limits(np.array([[0.5, -2.0, np.nan]])), limits(np.zeros((2, 2)))
    ((-2.0, 2.0), (-0.1, 0.1))
    """
    finite = np.abs(difference[np.isfinite(difference)])
    largest = float(finite.max(initial=0.0))
    return (-largest, largest) if largest > 0 else (-0.1, 0.1)


def span(*maps: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest value of all maps.

    >>> span(np.array([[1.0, np.inf]]), np.array([[-2.0]])), span(np.array([[np.inf]]))
    ((-2.0, 1.0), (0.0, 1.0))
    """
    values = np.concatenate([cells[np.isfinite(cells)] for cells in maps])
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _shared(a: Side, b: Side) -> tuple[np.ndarray, np.ndarray]:
    if a.section == b.section and a.cells.shape == b.cells.shape:
        return a.cells, b.cells
    seen = min(a.section, b.section)
    # As many cells as the coarser map has in the part that both see.
    count = min(max(1, round(len(one.cells) * seen / one.section)) for one in (a, b))
    return resampled(a.cells, a.section, seen, count), resampled(b.cells, b.section, seen, count)


def resampled(cells: np.ndarray, section: float, seen: float, count: int) -> np.ndarray:
    """The middle `seen` of a square map of the middle `section`, as count × count means over the area.

    Unbounded cells are left out of the means; a cell that is mostly unbounded is so itself.

    >>> resampled(np.array([[0.0, 2.0], [4.0, 6.0]]), 1.0, 1.0, 1)
    array([[3.]])
    >>> resampled(np.arange(16.0).reshape(4, 4), 1.0, 0.5, 2)
    array([[ 5.,  6.],
           [ 9., 10.]])
    """
    weights = _overlaps(len(cells), section, seen, count)
    finite = np.isfinite(cells)
    share = weights @ finite @ weights.T
    total = weights @ np.where(finite, cells, 0.0) @ weights.T
    return np.where(share > 0.5, total / np.maximum(share, 1e-9), np.inf)


def _overlaps(cells: int, section: float, seen: float, count: int) -> np.ndarray:
    """(count, cells): which share of each new cell lies in each old one."""
    old = np.linspace(-section / 2, section / 2, cells + 1)
    new = np.linspace(-seen / 2, seen / 2, count + 1)
    ends = np.minimum(new[1:, None], old[None, 1:]) - np.maximum(new[:-1, None], old[None, :-1])
    return ends.clip(0) * count / seen
