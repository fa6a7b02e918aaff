"""The values of a map as they are shown and taken away."""

import numpy as np

from explainers import CIDResult
from explainers.cid.results import RUResult


def cells_of(result: CIDResult) -> np.ndarray:
    """The map as one value per cell (rows, columns), nats; of RU, one per pixel."""
    entropy, (rows, columns) = result.entropy[0, 0], result.sigma.shape[-2:]
    if isinstance(result, RUResult):
        return entropy.numpy()
    return entropy[:: entropy.shape[0] // rows, :: entropy.shape[1] // columns].numpy()


def values_of(found: object) -> np.ndarray:
    """The map as (rows, columns): one value per cell of the noise, or per pixel."""
    return cells_of(found) if isinstance(found, CIDResult) else found.map[0, 0].numpy()


def grid_options(height: int, width: int) -> dict[int, str]:
    """Cells per side that divide a square picture of this size, and 0 for the default.

    >>> list(grid_options(32, 32)), list(grid_options(224, 224))
    ([0, 4, 8, 16], [0, 28, 32, 56])
    """
    side = min(height, width)
    small = side <= 96
    default = f"one cell per pixel ({side}×{side})" if small else "16×16 cells"
    cells = [n for n in range(4, side) if side % n == 0 and (small or 16 < n <= 56)]
    return {0: default} | {n: f"{n}×{n} cells of {side // n}×{side // n} pixels" for n in cells}
