r"""Where the positions of a feature lie in the picture, found by moving one strip of the picture at a time.

Noise on strip k of the picture's rows (or columns) moves index i of an axis of the feature by
r_ki = ‖f_i(x + m_k∘δ) − f_i(x)‖. Where that axis is of rows, r is largest where i lies in the strip's part of it.
The matrix r, without the means of its rows and columns, is held against the share of strip k that position i would
cover.
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from explainers.norms import norm

STRIPS = 16
# Positions further from where they are drawn than this many cells, or strips, lie elsewhere if that explains r better
# by the factor, and well.
MOST_CELLS, MOST_STRIPS, BETTER, WELL = 1.5, 1.5, 1.5, 0.5
FEW = 6
# A block of positions lies elsewhere where another part of the picture moves it so many times as much as its own; how
# many blocks there are in each direction, and the share of them that may.
STRONGER, BLOCKS, MOST_BLOCKS = 1.5, 8, 0.25
# The share of strips at the edges that may matter to nothing, and of positions there that nothing may matter to, beyond
# a cell or two.
MOST_IDLE = 1 / 10
# Where else positions may lie, in units of the picture's side.
BEGINS, LENGTHS, STEP = (-0.5, 0.75), (0.25, 2.0), 1 / 16

Moved = list[list[Tensor]]


def moved_by_strips(output: Callable[[Tensor], Tensor], x: Tensor, feature: Tensor, step: Tensor) -> Moved:
    """Two lists, for strips of rows and of columns, with the sums of r² over each axis of `feature` (1, …) in turn.

    `output` maps x (1, C, H, W) to `feature`; `step` is the noise of the whole picture.
    """
    unit = feature.abs().max().clamp_min(torch.finfo(feature.dtype).tiny)
    found: Moved = []
    for direction in (2, 3):
        profiles: list[list[Tensor]] = []
        for first, last in itertools.pairwise(_edges(x.shape[direction])):
            noisy = x.clone()
            noisy.narrow(direction, first, last - first).add_(step.narrow(direction, first, last - first))
            squares = ((output(noisy) - feature) / unit).square()[0]
            profiles.append([squares.sum(axis).double().cpu() for axis in range(squares.dim())])
        found.append([torch.stack(along) for along in zip(*profiles, strict=True)])
    return found


def together(moved: Moved, again: Moved) -> Moved:
    """The sum over two noises."""
    return [[a + b for a, b in zip(*axes, strict=True)] for axes in zip(moved, again, strict=True)]


def agreement(rows: Tensor, columns: Tensor) -> float:
    """Correlation of r with a grid that lies evenly over the whole picture.

    From r² of strips of rows and of columns: (strips, h, w) each, or the sums (strips, h, 1) and (strips, 1, w).
    """
    found: list[Tensor] = []
    expected: list[Tensor] = []
    for axis, squares in ((1, rows), (2, columns)):
        covered = _covered(_drawn(squares.shape[axis]), len(squares)).unsqueeze(3 - axis).expand_as(squares)
        found.append(_without_means(squares.sqrt().flatten(1)).flatten())
        expected.append(_without_means(covered.flatten(1)).flatten())
    a, b = torch.cat(found), torch.cat(expected)
    return float(a @ b / (norm(a) * norm(b)).clamp_min(1e-300))


def lie_elsewhere(rows: Tensor, columns: Tensor) -> bool:
    """Whether a grid lies elsewhere than evenly over the picture, from r² (strips, h, w) of rows and of columns."""
    if _extend_elsewhere(rows.sum(2)) or _extend_elsewhere(columns.sum(1)):
        return True
    return _blocks_elsewhere(rows) or _blocks_elsewhere(columns.transpose(1, 2))


def _blocks_elsewhere(squares: Tensor) -> bool:
    """Whether many blocks of positions lie elsewhere in the direction of the strips: r² (strips, n, m), n along it.

    Positions may be exchanged or turned in ways that leave the whole where it was. So each block is looked at by
    itself: how far strips move it, against how far they move all blocks, and it all strips.
    """
    strips, count = squares.shape[:2]
    if count < FEW:
        return False
    size = min(BLOCKS, count), min(BLOCKS, squares.shape[2])
    blocks = F.adaptive_avg_pool2d(squares[:, None], size)[:, 0]
    all_blocks, all_strips = blocks.mean((1, 2), keepdim=True), blocks.mean(0, keepdim=True)
    blocks = blocks * blocks.mean() / (all_blocks * all_strips).clamp_min(1e-300)
    drawn = _drawn(size[0])
    begins = torch.arange(strips + 1, dtype=torch.float64) / strips
    begins = begins[begins + 1 / size[0] <= 1 + 1e-9]
    windows = _covered(torch.stack([begins, begins + 1 / size[0]], 1), strips)
    by_window = torch.einsum("kw,kbm->wbm", windows / windows.sum(0), blocks)
    own = _covered(drawn, strips)
    at_home = torch.einsum("kb,kbm->bm", own / own.sum(0), blocks)
    strongest, there = by_window.max(0)
    far = (begins[there] - drawn[:, :1]).abs() > max(MOST_CELLS / count, MOST_STRIPS / strips)
    # What reaches far in leaps may move a block most from afar, but from home no less than others are.
    elsewhere = far & (strongest > STRONGER * at_home) & (at_home < 1)
    return float(elsewhere.double().mean()) > MOST_BLOCKS


def _extend_elsewhere(squares: Tensor) -> bool:
    """Whether n positions with r² (strips, n) lie elsewhere than evenly over the whole picture.

    So it is where the outer strips matter to nothing or nothing to the outer positions, or where positions that are
    shifted, spread over more or less than the picture, turned over or rolled explain r clearly better.
    """
    strips, count = squares.shape
    if _idle_margins(squares) > max(1 / count, MOST_IDLE) or _idle_margins(squares.T) > max(2 / count, MOST_IDLE):
        return True
    drawn = _drawn(count)
    rolled = [drawn.roll(shift, 0)[None] for shift in range(1, count)]
    # Of very few positions nearly every r can be explained by some extent.
    others = drawn.flip(0)[None] if count < FEW else torch.cat([_other_extents(drawn), *rolled])
    middles = others.mean(2)
    turned = (middles[:, -1:] < middles[:, :1]).expand(-1, count) & (middles.diff(dim=1) < 0).all(1, keepdim=True)
    far = ((middles - drawn.mean(1)).abs() > max(MOST_CELLS / count, MOST_STRIPS / strips)) | turned
    inside = ((middles >= 0) & (middles <= 1)).double().mean(1) >= 0.5
    others = others[far.any(1) & inside]
    if count == 1 or not len(others):
        return False
    return float(_correlations(squares, others).max()) > max(BETTER * float(_correlations(squares, drawn[None])), WELL)


def _idle_margins(squares: Tensor) -> float:
    """The share of the rows of a matrix that are zero, from the first on and up to the last, where most others are not.

    Where most are zero the layer sleeps, and that says nothing of where it lies.
    """
    used = (squares > 0).any(1).nonzero()
    span = int(used[-1] - used[0] + 1) if len(used) else 0
    return 1 - span / len(squares) if 2 * len(used) > span else 0.0


def _edges(size: int) -> list[int]:
    strips = min(STRIPS, size)
    return [round(size * k / strips) for k in range(strips + 1)]


def _drawn(count: int) -> Tensor:
    """Where positions begin and end, (n, 2), when they lie evenly over a picture whose side is 1."""
    begin = torch.arange(count, dtype=torch.float64) / count
    return torch.stack([begin, begin + 1 / count], 1)


def _other_extents(drawn: Tensor) -> Tensor:
    """(hypotheses, n, 2)."""
    begins, lengths = (torch.arange(a, b + STEP / 2, STEP, dtype=torch.float64) for a, b in (BEGINS, LENGTHS))
    begin, length = torch.cartesian_prod(begins, lengths)[:, :, None, None].unbind(1)
    straight = begin + length * drawn
    return torch.cat([straight, straight.flip(1)])


def _correlations(squares: Tensor, places: Tensor) -> Tensor:
    """Of r, from r² (strips, n), with positions that begin and end at `places` (…, n, 2)."""
    a, b = _without_means(squares.sqrt()), _without_means(_covered(places, len(squares)))
    return (a * b).sum((-2, -1)) / (norm(a) * norm(b.flatten(-2), dim=-1)).clamp_min(1e-300)


def _covered(places: Tensor, strips: int) -> Tensor:
    """The part of each strip between the two ends of each position: (…, n, 2) -> (…, strips, n)."""
    edge = torch.linspace(0, 1, strips + 1, dtype=torch.float64)[:, None]
    begin, end = places.unsqueeze(-3).unbind(-1)
    return (torch.minimum(end, edge[1:]) - torch.maximum(begin, edge[:-1])).clamp_min(0)


def _without_means(values: Tensor) -> Tensor:
    """(…, strips, n) without the means over strips and over positions."""
    values = values - values.mean(-1, keepdim=True)
    return values - values.mean(-2, keepdim=True)
