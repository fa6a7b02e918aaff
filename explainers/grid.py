"""Cells: one noise level is shared by the pixels and the colour channels of a cell."""

from math import gcd

from torch import Tensor

PIXEL_GRID_LIMIT = 96
DEFAULT_CELLS = 16


def resolve_grid(grid: int | None, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of cells for a picture of `height` × `width` pixels.

    `grid` counts cells along the shorter side. None means one cell per pixel for pictures of up to 96×96
    pixels, above that the number of cells nearest to 16 that divides the side.

    Raises ValueError where cells would not be equal squares.

    >>> resolve_grid(None, 32, 32), resolve_grid(None, 224, 224), resolve_grid(56, 224, 448)
    ((32, 32), (16, 16), (56, 112))
    """
    common = gcd(height, width)
    options = [n for n in range(1, common + 1) if common % n == 0]
    cells = [n * min(height, width) // common for n in options]
    if grid is None:
        grid = (
            max(cells) if max(height, width) <= PIXEL_GRID_LIMIT else min(cells, key=lambda n: abs(n - DEFAULT_CELLS))
        )
    if grid not in cells:
        raise ValueError(
            f"expected a number of cells that divides a picture of {height}×{width} pixels into equal squares "
            f"({', '.join(map(str, cells))}), got {grid}"
        )
    size = min(height, width) // grid
    return height // size, width // size


def cell_sum(values: Tensor, shape: tuple[int, int]) -> Tensor:
    """Sum over channels and over the pixels of each cell: (..., C, H, W) -> (..., 1, rows, columns).

    >>> cell_sum(torch.ones(1, 3, 4, 4), (2, 2)).flatten()
    tensor([12., 12., 12., 12.])
    """
    *batch, channels, height, width = values.shape
    rows, columns = shape
    blocks = values.reshape(*batch, channels, rows, height // rows, columns, width // columns)
    return blocks.sum(dim=(-5, -3, -1)).unsqueeze(-3)


def cell_spread(values: Tensor, height: int, width: int) -> Tensor:
    """Each cell's value at each of its pixels: (..., rows, columns) -> (..., height, width)."""
    rows, columns = values.shape[-2:]
    return values.repeat_interleave(height // rows, -2).repeat_interleave(width // columns, -1)
