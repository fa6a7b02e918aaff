"""Which axes of a feature are positions of the picture, measured rather than guessed from their sizes.

Noise on a strip of the picture moves the feature at the positions of that strip most (`strips`). For every way in which
the axes may be rows, columns, tokens or channels that is held against where the positions would be drawn, over the
whole picture; the way that agrees best is taken, or none. Where positions lie elsewhere there is no layout.
"""

import itertools
import math
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn

from explainers.baselines.strips import Moved, agreement, lie_elsewhere, moved_by_strips, together
from explainers.networks.outputs import described
from explainers.networks.signatures import signature

NOTHING_FOLLOWS = "the positions of this layer's feature do not follow those of the picture"
ELSEWHERE = f"{NOTHING_FOLLOWS}: on its way to them the network crops, pads, shifts or mirrors"
# Tokens that are no patches (class, distillation, registers), and how much more agreement each of them must bring.
MOST_EXTRA, PER_EXTRA = 8, 0.02
USUAL = (2, 3)
# A grid's sides have the ratio of the picture's, up to this factor.
LEAST_ALIKE = 1.5
# Agreement at which one noise decides, or another order than (C, H, W) is believed; by how much it must exceed all
# others; below which nothing follows.
CLEAR, AHEAD, LEAST = 0.3, 1.25, 0.2
# Of a large grid less agreement is no chance: so many times what chance gives will do.
MOST_CHANCE = 4
DRAWS = 6

# By the place, the size of picture, its type and device: the signature then, and what was found.
Known: TypeAlias = "dict[tuple[object, ...], tuple[str, Layout | str]]"
_lock = threading.Lock()
_known: "weakref.WeakKeyDictionary[nn.Module, Known]" = weakref.WeakKeyDictionary()


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
            return torch.unflatten(tokens, 2, self.grid[::-1]).transpose(2, 3)
        return torch.unflatten(tokens, 2, self.grid)

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

    x (B, C, H, W), of which the first is used, and where that says nothing, noise. Costs 33 passes up to the layer
    where that is clear, up to 386 where it is not; once for a network, a layer and a size of picture.
    """
    key, now = (place, x.shape[1:], x.dtype, x.device), signature(module)
    with _lock:
        before, layout = _known.setdefault(module, {}).get(key, ("", ""))
    if before != now:
        with torch.no_grad():
            layout = _measured(output, x[:1])
            if isinstance(layout, str):
                # At a dark picture a layer may sleep; where it lies does not depend on the picture.
                noise = torch.randn(x[:1].shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
                awake = _measured(output, noise.to(x))
                layout = layout if isinstance(awake, str) else awake
        with _lock:
            _known[module][key] = now, layout
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
    if not isinstance(feature, Tensor):
        return f"this layer gives {described(feature)}, of which it is not known what lies where"
    reason = no_positions(tuple(feature.shape[1:]))
    if reason:
        return reason
    candidates = list(_candidates(tuple(feature.shape[1:]), (x.shape[-2], x.shape[-1])))
    if not candidates:
        return NOTHING_FOLLOWS
    generator = torch.Generator().manual_seed(1)
    moved: Moved | None = None
    draws = 0
    while True:
        draws += 1
        noise = torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x)
        step = noise * x.std(correction=0).clamp_min(0.1)
        again = moved_by_strips(cast("Callable[[Tensor], Tensor]", output), x, feature, step)
        moved = again if moved is None else together(moved, again)
        layout, agrees, next_best = _best(candidates, moved, feature.shape)
        # A feature of few positions leaves much to the chance of one noise.
        expected = layout.axes == USUAL or feature.dim() == 3
        if draws == DRAWS or (expected and agrees >= CLEAR and agrees >= AHEAD * next_best):
            break
    rows, columns = _by_position(layout, moved)
    if lie_elsewhere(rows, columns):
        return ELSEWHERE
    # By chance the agreement of so many numbers is about 1/√ of their count.
    chance = ((sum(layout.grid) - 2) * (len(rows) - 1)) ** -0.5
    return layout if agrees >= min(max(MOST_CHANCE * chance, LEAST / 2), LEAST) else NOTHING_FOLLOWS


def _best(candidates: list[Layout], moved: Moved, shape: torch.Size) -> tuple[Layout, float, float]:
    """The most likely layout, how well it agrees, and how well the next best does."""
    agreements: list[float] = []
    for layout in candidates:
        extra = math.prod(shape[axis] for axis in layout.axes) - math.prod(layout.grid)
        rows, columns = _by_position(layout, moved)
        if len(layout.axes) == 2:
            rows, columns = rows.sum(2, keepdim=True), columns.sum(1, keepdim=True)
        agreements.append(agreement(rows, columns) - PER_EXTRA * extra)
    highest = agreements.index(max(agreements))
    usual = next((i for i, layout in enumerate(candidates) if layout.axes == USUAL), highest)
    likely = usual if agreements[highest] < max(CLEAR, agreements[usual] * AHEAD) else highest
    return candidates[likely], agreements.pop(likely), max(agreements, default=0)


def _by_position(layout: Layout, moved: Moved) -> tuple[Tensor, Tensor]:
    """How far positions move, squared, with strips of rows and of columns, (strips, h, w) each."""
    axes = layout.axes
    if len(axes) == 2:
        (other,) = {1, 2, 3} - set(axes)
        rows, columns = (along[other - 1] for along in moved)
        return (rows, columns) if axes[0] < axes[1] else (rows.transpose(1, 2), columns.transpose(1, 2))
    rows, columns = (along[2 - axes[0]][:, :, None] for along in moved)
    layout = replace(layout, axes=(1,))
    return layout.spread(rows)[:, 0], layout.spread(columns)[:, 0]


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
            if height * grid[1] == patches > extra and _alike(grid, size):
                yield from (Layout((axis,), grid, first, by_columns) for first in range(extra + 1))


def _alike(grid: tuple[int, int], size: tuple[int, int]) -> bool:
    ratio = (grid[0] / grid[1]) / (size[0] / size[1])
    return grid[0] <= size[0] and grid[1] <= size[1] and 1 / LEAST_ALIKE <= ratio <= LEAST_ALIKE
