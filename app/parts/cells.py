"""How many cells a map may have."""


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
