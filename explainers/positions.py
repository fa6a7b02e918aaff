r"""Which axes of a feature are positions of the picture, measured rather than guessed from their sizes.

Noise on a part of the picture moves the feature at the positions of that part most. With masks m_k, the response
r_k(p) = ‖f_p(x + m_k∘δ) − f_p(x)‖² of each position p is held against the share of p's cell that m_k covers, for every
way in which the axes may be rows, columns, tokens or channels; the way that follows the picture best is taken, or none.
"""

import itertools
import math
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explainers.signatures import signature

NOTHING_FOLLOWS = "the positions of this layer's feature do not follow those of the picture"
# Tokens that are no patches (class, distillation, registers), and how much more agreement each of them must bring.
MOST_EXTRA, PER_EXTRA = 8, 0.02
USUAL = (2, 3)
# A grid's sides have the ratio of the picture's, up to this factor.
LEAST_ALIKE = 1.5
# Correlation of responses with coverage: at which the first look decides, or after a long one another order than
# (C, H, W) is believed; by how much it must exceed all others; below which a long look shows that nothing follows.
CLEAR, AHEAD, LEAST = 0.3, 1.25, 0.1
DRAWS = 8
FINE_BLOCKS = (8, 16)
FINE_MASKS = 6

_lock = threading.Lock()
_known: "weakref.WeakKeyDictionary[nn.Module, dict[tuple, Layout | str]]" = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Layout:
    """Where the positions are in a feature (B, …), axes counted with the batch axis.

    `axes` are rows and columns, or one axis of tokens in a grid of `grid` (h, w) after the `first` ones, row by row or,
    where `by_columns`, column by column.
    """

    axes: tuple[int, ...]
    grid: tuple[int, int]
    first: int = 0
    by_columns: bool = False

    def spread(self, feature: Tensor) -> Tensor:
        """The feature as a map (B, C, h, w).

        >>> Layout((1,), (2, 3), first=1).spread(torch.zeros(5, 7, 4)).shape
        torch.Size([5, 4, 2, 3])
        """
        if len(self.axes) == 2:
            return feature.movedim(self.axes, (2, 3))
        tokens = feature.movedim(self.axes[0], 2).narrow(2, self.first, self.grid[0] * self.grid[1])
        if self.by_columns:
            return tokens.unflatten(2, self.grid[::-1]).transpose(2, 3)
        return tokens.unflatten(2, self.grid)

    def gather(self, feature: Tensor, map: Tensor) -> Tensor:
        """The feature with the values of `map` (B, C, h, w) at its positions; tokens without one keep theirs."""
        if len(self.axes) == 2:
            return map.movedim((2, 3), self.axes)
        patches = (map.transpose(2, 3) if self.by_columns else map).flatten(2).movedim(2, self.axes[0])
        last = self.first + self.grid[0] * self.grid[1]
        axis, count = self.axes[0], feature.shape[self.axes[0]]
        before, after = feature.narrow(axis, 0, self.first), feature.narrow(axis, last, count - last)
        return torch.cat([before, patches, after], axis)


def find_layout(module: nn.Module, output: Callable[[Tensor], object], x: Tensor, place: object) -> Layout | str:
    """The layout of the feature `output(x)` of the layer at `place`, or in half a sentence why it has none.

    x (B, C, H, W), of which the first is used. Costs 5 passes up to the layer where that is clear, 17 for tokens, 129
    where it is not; once for a network, a layer and a size of picture.
    """
    key = (signature(module), place, x.shape[1:], x.dtype, x.device)
    with _lock:
        if key in (known := _known.setdefault(module, {})):
            return known[key]
    with torch.no_grad():
        layout = _measured(output, x[:1])
    with _lock:
        known[key] = layout
    return layout


def no_positions(shape: tuple[int, ...] | None) -> str | None:
    """Why a feature of this shape (without the batch axis) has no positions for sure; None where it may have some.

    >>> no_positions((64, 8, 8)), no_positions((197, 768))
    (None, None)
    >>> no_positions((512,))
    'this layer has no positions: its feature is a vector of 512 numbers'
    """
    if shape is not None and len(shape) in (2, 3) and sum(size > 1 for size in shape) >= len(shape) - 1:
        return None
    if shape is not None and len(shape) == 3:
        return "this layer has one position only: a map of it would be one colour"
    count = torch.Size(shape or ()).numel()
    if shape is not None and len(shape) > 3:
        return f"this layer's feature has {len(shape)} axes, of which it is not known which are positions"
    return f"this layer has no positions: its feature is a vector of {count} numbers"


def _measured(output: Callable[[Tensor], object], x: Tensor) -> Layout | str:
    feature = output(x)
    reason = no_positions(tuple(feature.shape[1:]) if isinstance(feature, Tensor) else None)
    if reason:
        return reason
    candidates = list(_candidates(tuple(feature.shape[1:]), tuple(x.shape[-2:])))
    generator = torch.Generator().manual_seed(1)
    if not candidates:
        return NOTHING_FOLLOWS

    def look(fine: bool, draws: int) -> tuple[Layout, float, float]:
        masks = _masks(*x.shape[-2:], fine).to(x)
        responses = torch.zeros(len(masks), *feature.shape[1:]).to(feature)
        for _ in range(draws):
            noise = torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x)
            step = noise * x.std(correction=0).clamp_min(0.1)
            responses += torch.cat([(output(x + mask * step) - feature).square() for mask in masks[:, None, None]])
        extra = [math.prod(feature.shape[a] for a in c.axes) - math.prod(c.grid) for c in candidates]
        agreements = [
            _agreement(layout, responses, masks) - PER_EXTRA * tokens
            for layout, tokens in zip(candidates, extra, strict=True)
        ]
        highest = max(agreements)
        usual = next((i for i, layout in enumerate(candidates) if layout.axes == USUAL), None)
        likely = usual if usual is not None and highest < CLEAR else agreements.index(highest)
        return candidates[likely], agreements.pop(likely), max(agreements, default=0)

    layout, agreement, next_best = look(fine=feature.dim() == 3, draws=1)
    # A feature of few positions leaves much to the chance of one noise.
    expected = layout.axes == USUAL or feature.dim() == 3
    if expected and agreement >= CLEAR and agreement >= AHEAD * next_best:
        return layout
    layout, agreement, _ = look(fine=True, draws=DRAWS)
    return layout if agreement >= LEAST else NOTHING_FOLLOWS


def _candidates(shape: tuple[int, ...], size: tuple[int, int]) -> Iterator[Layout]:
    """Every way to read the axes: (C, H, W), and those whose grid has about the shape of the picture."""
    if len(shape) == 3:
        for axes in itertools.permutations((1, 2, 3), 2):
            grid = (shape[axes[0] - 1], shape[axes[1] - 1])
            if axes == USUAL or (grid[0] * grid[1] > 1 and _alike(grid, size)):
                yield Layout(axes, grid)
        return
    for axis, extra, by_columns in itertools.product((1, 2), range(MOST_EXTRA + 1), (False, True)):
        patches = shape[axis - 1] - extra
        for height in range(1, min(patches, size[0]) + 1):
            grid = (height, patches // height)
            if height * grid[1] == patches > 1 and _alike(grid, size):
                yield from (Layout((axis,), grid, first, by_columns) for first in range(extra + 1))


def _alike(grid: tuple[int, int], size: tuple[int, int]) -> bool:
    ratio = (grid[0] / grid[1]) / (size[0] / size[1])
    return grid[0] <= size[0] and grid[1] <= size[1] and 1 / LEAST_ALIKE <= ratio <= LEAST_ALIKE


def _masks(height: int, width: int, fine: bool) -> Tensor:
    """(K, H, W) of 0 and 1: halves and stripes of both directions, then, where `fine`, random blocks."""
    rows, columns = torch.arange(height)[:, None] / height, torch.arange(width)[None] / width
    masks = [(place * parts).floor() % 2 + 0 * (rows + columns) for place in (rows, columns) for parts in (2, 4)]
    generator = torch.Generator().manual_seed(0)
    for blocks in FINE_BLOCKS if fine else ():
        drawn = torch.rand(FINE_MASKS, 1, blocks, blocks, generator=generator).round()
        masks.extend(F.interpolate(drawn, (height, width), mode="nearest")[:, 0])
    return torch.stack(masks)


def _agreement(layout: Layout, responses: Tensor, masks: Tensor) -> float:
    """Correlation of how far positions move with how much of them is covered, without the means of both."""
    found = layout.spread(responses).double().sum(1).sqrt()
    covered = F.adaptive_avg_pool2d(masks[:, None].double(), layout.grid)[:, 0]
    found, covered = (v - v.mean((1, 2), keepdim=True) for v in (found, covered))
    found, covered = (v - v.mean(0) for v in (found, covered))
    return float((found * covered).sum() / (found.norm() * covered.norm()).clamp_min(1e-300))
