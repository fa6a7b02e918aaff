"""Two networks' maps and their difference, as on the Compare page: PNG for print, NPZ with all three."""

from dataclasses import dataclass

import numpy as np

from app.compare.pairs import Difference
from app.compare.words import gap_with_error
from app.export import canvas
from app.export.arrays import cells_npz
from app.export.picture import BOTTOM, CAPTION, GAP, LEFT, RIGHT, SIDE, TOP, asked, bar, caption
from app.export.record import Taken
from app.figures.compare import DIFFERENCE_SCALE
from app.figures.ends import ENDS, scale_words
from app.figures.style import NATS_SCALE
from explainers.methods.network_input import NetworkInput

BAR = RIGHT - 0.1


@dataclass(frozen=True, eq=False)
class Compared:
    """Map A, map B and B − A of the section `shown` that both networks see; `limits` of both maps, nats."""

    a: Taken
    b: Taken
    difference: Difference
    shown: NetworkInput
    limits: tuple[float, float]


def compared_png(what: Compared) -> bytes:
    """The picture, both maps on one scale, and their difference about zero; 300 dots per inch."""
    width = LEFT / 2 + 4 * SIDE + 2 * GAP + 2 * BAR
    made = canvas.figure(width, TOP + SIDE + CAPTION + BOTTOM)
    title = f"{what.a.method_title} · A {_name(what.a)} · B {_name(what.b)}"
    canvas.write(made, LEFT / 2, 0.14, canvas.shortened(title, width - LEFT, 11.5), 11.5, weight="bold")
    canvas.write(made, LEFT / 2, 0.38, " · ".join([what.shown.title, *asked([what.a, what.b])]), 8.5)
    left, size = LEFT / 2, what.shown.size
    canvas.picture(canvas.place(made, left, TOP, SIDE, SIDE), what.shown.picture)
    canvas.write(made, left, TOP + SIDE + 0.05, "what both networks see", 7)
    left += SIDE + GAP
    for letter, cells, taken in (("A", what.difference.a, what.a), ("B", what.difference.b, what.b)):
        axes = canvas.place(made, left, TOP, SIDE, SIDE)
        canvas.field(axes, cells, size, what.limits, NATS_SCALE, 1.0)
        canvas.write(made, left, TOP + SIDE + 0.05, f"{letter}: {caption(taken)}", 7, linespacing=1.25)
        left += SIDE + GAP
    words = scale_words(ENDS.get(what.a.method), what.a.unit)
    bar(made, NATS_SCALE, what.limits, words, left, TOP, SIDE)
    left += BAR
    values, limit = what.difference.values, what.difference.limit
    unused = np.where(np.isfinite(values), values, np.inf)
    canvas.field(canvas.place(made, left, TOP, SIDE, SIDE), unused, size, (-limit, limit), DIFFERENCE_SCALE, 1.0)
    said = f"mean {gap_with_error(what.difference)} nats" if what.difference.certain else "no difference can be told"
    canvas.write(made, left, TOP + SIDE + 0.05, f"B − A: {said}", 7)
    bar(made, DIFFERENCE_SCALE, (-limit, limit), "difference B − A (nats)", left + SIDE + GAP, TOP, SIDE)
    return canvas.saved(made, "png", title)


def compared_npz(what: Compared) -> bytes:
    """Both maps with every setting, as `cells_npz` writes them, and `difference` (rows, columns) in nats."""
    return cells_npz([what.a, what.b], difference=what.difference.values.astype(np.float32))


def _name(cell: Taken) -> str:
    return f"{cell.layer}, {cell.network_title}"
