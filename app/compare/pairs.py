"""Two networks before one picture: which layers belong together, what both see, and how their maps differ."""

import math
from dataclasses import dataclass, replace

import numpy as np

from app.inputs.columns import counterpart
from explainers import CIDResult, CIDSettings
from explainers.cid.certainty import is_certain, loss_unknown, mean_uncertainty
from explainers.grid import resolve_grid
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

RULES = {
    "name": "they have the same name",
    "depth": "they lie at the nearest share of the way through their networks",
    "chosen": "they were chosen by hand",
}


@dataclass(frozen=True)
class Pair:
    """A layer of A, its partner in B, and why: a key of `RULES`."""

    layer: Layer
    partner: Layer
    rule: str

    def shares(self, a: Network, b: Network) -> tuple[float, float]:
        """How far through their networks both lie, in order of execution: 0 is the first layer, 1 the last."""
        return _share(self.layer, a), _share(self.partner, b)


def _share(layer: Layer, network: Network) -> float:
    return layer.depth / max(len(network.layers) - 1, 1)


def pair(layer: Layer, a: Network, b: Network, chosen: str | None = None) -> Pair:
    """The partner of a layer of A in B: the one called `chosen`, else that of its name, else the nearest in depth."""
    if chosen is not None:
        return Pair(layer, b.layer(chosen), "chosen")
    partner = counterpart(layer, a, b)
    return Pair(layer, partner, "name" if partner.name == layer.name else "depth")


def same_layers(a: Network, b: Network) -> bool:
    """Whether both have layers of the same names in the same order."""
    return [layer.name for layer in a.layers] == [layer.name for layer in b.layers]


def seen(network: Network) -> float:
    """The share of the picture's shorter side that the network sees, about the middle: crop / resize."""
    return network.preprocessing.crop / network.preprocessing.resize


def parts(a: Network, b: Network) -> tuple[float, float]:
    """The share of what each of them sees that both see: 1 and 1 where they see the same section."""
    common = min(seen(a), seen(b))
    return common / seen(a), common / seen(b)


def common_grid(side: int, other: int) -> int:
    """Cells per side that divide pictures of both sizes: as many as there are, at most the coarser default.

    >>> common_grid(32, 64), common_grid(64, 224), common_grid(224, 192)
    (32, 16, 16)
    """
    most = min(resolve_grid(None, one, one)[0] for one in (side, other))
    shared = math.gcd(side, other)
    return max(cells for cells in range(1, most + 1) if shared % cells == 0)


def common_settings(settings: CIDSettings, side: int, other: int) -> CIDSettings:
    """The settings with one number of cells for pictures of both sizes: finer cells alone would raise the mean.

    >>> common_settings(CIDSettings(), 32, 64).grid, common_settings(CIDSettings(grid=8), 32, 64).grid
    (32, 8)
    >>> common_settings(CIDSettings(), 32, 32).grid is None
    True
    """
    if settings.grid is None:
        return settings if side == other else replace(settings, grid=common_grid(side, other))
    divides = math.gcd(side, other) % settings.grid == 0
    return settings if divides else replace(settings, grid=common_grid(side, other))


def overlap(cells: int, part: float, count: int) -> np.ndarray:
    """(count, cells): how `count` equal intervals in the middle `part` of an axis are made of `cells` equal ones.

    >>> overlap(4, 1.0, 2)
    array([[0.5, 0.5, 0. , 0. ],
           [0. , 0. , 0.5, 0.5]])
    """
    edges = np.linspace(0, 1, cells + 1)
    wanted = np.linspace(0.5 - part / 2, 0.5 + part / 2, count + 1)[:, None]
    lengths = (np.minimum(edges[1:], wanted[1:]) - np.maximum(edges[:-1], wanted[:-1])).clip(0)
    return lengths / lengths.sum(1, keepdims=True)


def common_cells(cells: np.ndarray, part: float, count: int) -> np.ndarray:
    """A square map in nats, averaged over `count`×`count` equal cells in the middle `part` of its sides.

    A mean is over what is bounded; +inf where nothing is. With as many cells as there are and the whole, every value
    stays as it is.

    >>> common_cells(np.array([[1.0, 3.0], [np.inf, 4.0]]), 1.0, 1).round(2)
    array([[2.67]])
    """
    bounded = np.isfinite(cells)
    weights = overlap(len(cells), part, count)
    total = weights @ np.where(bounded, cells.astype(np.float64), 0) @ weights.T
    share = weights @ bounded @ weights.T
    return np.divide(total, share, out=np.full_like(total, np.inf), where=share > 1e-9)


@dataclass(frozen=True, eq=False)
class Difference:
    """Two maps on one grid of cells of the section that both networks see, in nats.

    `a`, `b` (n, n): +inf where the layer does not use the cell; `values` = b − a, infinite or NaN there. `mean_a`,
    `mean_b` and `mean` are over the cells that both layers use, NaN where there is none. `error` is what `mean` may be
    off by as if the two maps' errors were independent; maps that are drawn alike are nearer than that. `unsure` names
    the maps, "A" and "B", whose noise does not meet the constraint: their difference is none of the two layers. `more`
    names those that may be off by more, since what they lose is not known.
    """

    a: np.ndarray
    b: np.ndarray
    values: np.ndarray
    mean_a: float
    mean_b: float
    mean: float
    error: float
    unsure: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether the difference is one of the layers."""
        return not self.unsure

    @property
    def span(self) -> tuple[float, float]:
        """The smallest and the largest value of both maps."""
        finite = np.concatenate([cells[np.isfinite(cells)] for cells in (self.a, self.b)])
        if not finite.size:
            return 0.0, 1.0
        low, high = float(finite.min()), float(finite.max())
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    @property
    def limit(self) -> float:
        """The larger end of a scale that is symmetric about zero."""
        finite = np.abs(self.values[np.isfinite(self.values)])
        return float(finite.max()) if finite.size and finite.max() > 0 else 1.0


def difference(a: CIDResult, b: CIDResult, parts: tuple[float, float] = (1.0, 1.0)) -> Difference:
    r"""B − A, cell by cell, on the coarser of the two grids.

    .. math:: \Delta_c = \bar H^B_c - \bar H^A_c

    with :math:`\bar H_c` the mean entropy of the input variables in a cell, nats. `parts` are the shares of both maps'
    sides that both networks see.
    """
    maps = [result.values for result in (a, b)]
    count = max(1, min(math.floor(len(cells) * part + 1e-6) for cells, part in zip(maps, parts, strict=True)))
    first, second = (common_cells(cells, part, count) for cells, part in zip(maps, parts, strict=True))
    with np.errstate(invalid="ignore"):
        values = second - first
    both = np.isfinite(values)
    mean_a, mean_b, mean = (float(cells[both].mean()) if both.any() else math.nan for cells in (first, second, values))
    # The same map twice carries the same error twice.
    if np.array_equal(first, second):
        return Difference(first, second, values, mean_a, mean_b, mean, 0.0)
    error = math.hypot(mean_uncertainty(a.numbers), mean_uncertainty(b.numbers))
    unsure = tuple(letter for letter, result in (("A", a), ("B", b)) if not is_certain(result.numbers))
    more = tuple(letter for letter, result in (("A", a), ("B", b)) if loss_unknown(result.numbers))
    return Difference(first, second, values, mean_a, mean_b, mean, error, unsure, more)


def own_cells(result: CIDResult, part: float = 1.0) -> np.ndarray:
    """The middle `part` of a map at its own resolution, nats; the map itself where that is all of it."""
    cells = result.values
    return cells if part == 1 else common_cells(cells, part, max(1, math.floor(len(cells) * part + 1e-6)))


def section_mean(result: CIDResult, part: float = 1.0) -> float:
    """Mean of a map's bounded cells over the middle `part` of its sides, nats; +inf where none is bounded."""
    return float(common_cells(result.values, part, 1)[0, 0])


def scale_gap(a: Network, b: Network) -> float:
    """What reading σ in pixel values instead of network units would add to B − A of CID, in nats.

    The mean over the channels of log std_B − log std_A.
    """
    return float(np.mean(np.log(b.std)) - np.mean(np.log(a.std)))


def section(network_input: NetworkInput, part: float) -> NetworkInput:
    """The middle `part` of a picture's sides, with mask and box cut along."""
    height, width = network_input.size
    rows, columns = round(height * part), round(width * part)
    top, left = (height - rows) // 2, (width - columns) // 2
    inside = slice(top, top + rows), slice(left, left + columns)
    box = network_input.box and _cut(network_input.box, left, top, columns, rows)
    return NetworkInput(
        title=network_input.title,
        x=network_input.x[:, inside[0], inside[1]],
        picture=network_input.picture[inside],
        mask=None if network_input.mask is None else network_input.mask[inside],
        box=box,
        digest=network_input.digest,
    )


def _cut(
    box: tuple[int, int, int, int], left: int, top: int, width: int, height: int
) -> tuple[int, int, int, int] | None:
    """A half-open box in the pixels of a part; None where nothing of it is left."""
    x0, x1 = (min(max(end - left, 0), width) for end in box[::2])
    y0, y1 = (min(max(end - top, 0), height) for end in box[1::2])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
