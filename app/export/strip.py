"""The picture, and beside it a map of every layer on one scale, as PNG for print."""

from collections.abc import Sequence

import numpy as np
from matplotlib.patches import Rectangle

from app.export import canvas
from app.export.picture import BOTTOM, CAPTION, GAP, LEFT, RIGHT, SIDE, TOP, Line, bar, draw_map, heading
from app.export.record import Taken
from app.figures.maps import OUTLINE, Box

# Maps in a row, the picture among the first; a head of one line over each.
ACROSS, HEAD = 6, 0.2


def strip_png(title: str, subtitle: str, picture: tuple[np.ndarray, str], names: Sequence[str], line: Line) -> bytes:
    """One frame for the `picture` (H, W, 3) with what its network answers, then one for each cell of the line.

    `names` are those of the cells; a cell that is text says why there is no map. 300 dots per inch.
    """
    count = len(line.cells) + 1
    columns, rows = min(count, ACROSS), -(-count // ACROSS)
    width, step = LEFT + columns * (SIDE + GAP) + RIGHT, HEAD + SIDE + CAPTION + GAP
    made = canvas.figure(width, TOP + rows * step + BOTTOM)
    heading(made, title, subtitle, width)
    for place, cell in enumerate((picture, *line.cells)):
        left, top = LEFT + place % ACROSS * (SIDE + GAP), TOP + HEAD + place // ACROSS * step
        name = names[place - 1] if place else "the picture"
        canvas.write(made, left, top - HEAD + 0.03, canvas.shortened(name, SIDE, 9), 9, weight="bold")
        if isinstance(cell, Taken):
            draw_map(made, cell, line, 1.0, left, top, SIDE)
            continue
        axes = canvas.place(made, left, top, SIDE, SIDE)
        if isinstance(cell, str):
            canvas.frame(axes)
            words = canvas.shortened(cell, SIDE, 8, lines=8)
            canvas.write(made, left + SIDE / 2, top + SIDE / 2, words, 8, ha="center", va="center")
        else:
            image, answer = cell
            canvas.picture(axes, image)
            canvas.write(made, left, top + SIDE + 0.05, canvas.shortened(answer, SIDE, 7, lines=2), 7)
    if line.limits is not None:
        bar(made, line.scale, line.limits, line.words, width - RIGHT + 0.05, TOP + HEAD, SIDE)
    return canvas.saved(made, "png", title)


def pictures_png(
    title: str, pictures: Sequence[tuple[np.ndarray, str]], mask: np.ndarray | None = None, box: Box | None = None
) -> bytes:
    """Pictures (H, W, 3) side by side with their words; the first with the outline of its object."""
    side = 2.6
    width = LEFT + len(pictures) * (side + GAP)
    made = canvas.figure(width, TOP + side + CAPTION)
    heading(made, title, "", width)
    for place, (image, words) in enumerate(pictures):
        left = LEFT / 2 + place * (side + GAP)
        axes = canvas.place(made, left, TOP, side, side)
        canvas.picture(axes, image)
        canvas.write(made, left, TOP + side + 0.06, canvas.shortened(words, side, 8, lines=2), 8)
        if place == 0 and mask is not None:
            height, across = mask.shape
            middle = np.arange(across) + 0.5, np.arange(height) + 0.5
            axes.contour(*middle, mask.astype(float), levels=[0.5], colors=OUTLINE, linewidths=1.2)
        if place == 0 and box is not None:
            x0, y0, x1, y1 = box
            axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec=OUTLINE, lw=1.2, ls="--"))
    return canvas.saved(made, "png", title)
