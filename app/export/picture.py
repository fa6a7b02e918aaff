"""Maps as PNG for print: titles, colour bars with units, the colours and limits of the screen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from app.export import canvas
from app.export.record import Taken
from app.figures.ends import Ends, beyond_words, scale_words
from app.figures.grid import Cell, Row, row_limits
from app.figures.means import mean_words
from app.figures.raster import grey
from app.words import decimal, duration, number, scientific
from explainers.cid.certainty import is_certain
from explainers.methods.entropies import ENTROPIES

SIDE, LARGE = 1.9, 3.1
LEFT, RIGHT, TOP, BOTTOM, CAPTION, GAP = 0.34, 0.95, 0.68, 0.12, 0.36, 0.12
HEADS = 0.4
UNBOUNDED = "hatched: not used by the layer"


@dataclass(frozen=True)
class Line:
    """One row: a method, its cells or, where there is none, why; `limits` None: every map on its own scale.

    `scale` names the colours; `ends` say what little and much of it mean, where that has a word.
    """

    title: str
    unit: str
    signed: bool
    scale: str
    limits: tuple[float, float] | None
    cells: tuple[Taken | str, ...]
    ends: Ends | None = None

    @property
    def words(self) -> str:
        """The title of its colours."""
        return scale_words(self.ends, self.unit)


@dataclass(frozen=True)
class Sheet:
    """Lines below the heads of columns, (title, subtitle) each; `opacity` 0..1 of the maps over the picture.

    `pictures`: of each column the picture (H, W, 3) uint8 with what its network answers, in a row of their own above
    the lines; where all columns share one it stands there once.
    """

    title: str
    subtitle: str
    heads: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    opacity: float = 1.0
    pictures: tuple[tuple[np.ndarray, str], ...] = ()


def cell_png(cell: Taken, line: Line, opacity: float = 1.0) -> bytes:
    """The picture, of RU what was recovered of it, and the map, side by side; 300 dots per inch."""
    return canvas.saved(cell_figure(cell, line, opacity), "png", cell_title(cell))


def cell_figure(cell: Taken, line: Line, opacity: float = 1.0) -> Figure:
    """The same before it is a file."""
    pictures = [("as the network sees it", cell.image)]
    if cell.reconstruction is not None:
        pictures.append(("recovered by the decoder", cell.reconstruction))
    width = LEFT / 2 + (len(pictures) + 1) * LARGE + len(pictures) * GAP + RIGHT
    made = canvas.figure(width, TOP + LARGE + CAPTION + BOTTOM)
    title, subtitle = cell_title(cell), cell_subtitle(cell)
    heading(made, title, subtitle, width)
    left = LEFT / 2
    for words, image in pictures:
        canvas.picture(canvas.place(made, left, TOP, LARGE, LARGE), image)
        canvas.write(made, left, TOP + LARGE + 0.06, words, 8)
        left += LARGE + GAP
    draw_map(made, cell, line, opacity, left, TOP, LARGE)
    limits = line.limits or own_limits(line, cell)
    bar(made, line.scale, limits, line.words, left + LARGE + 0.1, TOP, LARGE)
    return made


def sheet_png(sheet: Sheet) -> bytes:
    """All lines and columns; frames that stay empty say why."""
    columns = len(sheet.heads)
    width = LEFT + columns * SIDE + (columns - 1) * GAP + RIGHT
    rows = len(sheet.lines) + bool(sheet.pictures)
    made = canvas.figure(width, TOP + HEADS + rows * (SIDE + CAPTION + GAP) + BOTTOM)
    heading(made, sheet.title, sheet.subtitle, width)
    shown = _different(sheet.pictures)
    # One that all columns share stands above their heads.
    above = SIDE + CAPTION + GAP if len(shown) < len(sheet.pictures) else 0.0
    for column, (title, subtitle) in enumerate(sheet.heads):
        middle = LEFT + column * (SIDE + GAP) + SIDE / 2
        title, subtitle = canvas.shortened(title, SIDE, 9), canvas.shortened(subtitle, SIDE, 7.5)
        canvas.write(made, middle, TOP + above + 0.02, title, 9, ha="center", weight="bold")
        canvas.write(made, middle, TOP + above + 0.19, subtitle, 7.5, ha="center")
    for column, (image, answer) in enumerate(shown):
        left, top = LEFT + column * (SIDE + GAP), TOP if above else TOP + HEADS
        canvas.picture(canvas.place(made, left, top, SIDE, SIDE), image)
        words = canvas.shortened(answer, SIDE, 7, lines=2)
        canvas.write(made, left, top + SIDE + 0.05, words, 7, linespacing=1.25)
    for place, line in enumerate(sheet.lines, start=rows - len(sheet.lines)):
        top = TOP + HEADS + place * (SIDE + CAPTION + GAP)
        canvas.write(
            made, LEFT - 0.08, top + SIDE / 2, line.title, 9, rotation=90, ha="right", va="center", weight="bold"
        )
        for column, cell in enumerate(line.cells):
            left = LEFT + column * (SIDE + GAP)
            if isinstance(cell, str):
                canvas.frame(canvas.place(made, left, top, SIDE, SIDE))
                words = canvas.shortened(cell, SIDE, 8, lines=8)
                canvas.write(made, left + SIDE / 2, top + SIDE / 2, words, 8, ha="center", va="center")
            else:
                draw_map(made, cell, line, sheet.opacity, left, top, SIDE)
        own = (-1.0, 1.0) if line.signed else (0.0, 1.0)
        words = line.words if line.limits else "share of its own range"
        bar(made, line.scale, line.limits or own, words, width - RIGHT + 0.1, top, SIDE)
    return canvas.saved(made, "png", sheet.title)


def _different(pictures: Sequence[tuple[np.ndarray, str]]) -> Sequence[tuple[np.ndarray, str]]:
    """All of them, or the first where they are the same."""
    same = all(np.array_equal(image, pictures[0][0]) and said == pictures[0][1] for image, said in pictures)
    return pictures[:1] if same else pictures


def own_limits(line: Line, cell: Taken) -> tuple[float, float]:
    """The ends of a map's own range, symmetric where signs count."""
    return row_limits(Row("", "", "", line.signed, (Cell(cell.values),)))


def cell_title(cell: Taken) -> str:
    return " · ".join(part for part in (cell.method_title, cell.layer, cell.network_title) if part)


def cell_subtitle(cell: Taken) -> str:
    """The picture, the class that is explained and the settings that matter, in one line."""
    return " · ".join([cell.picture_title, *asked([cell])])


def asked(cells: Sequence[Taken]) -> list[str]:
    """The class or channel that is explained, β and the seed, each where all cells that have one agree."""
    ours = [cell for cell in cells if cell.method in ENTROPIES]
    goals = {(cell.explains, cell.class_name) for cell in cells if cell.class_name}
    settings = {(cell.settings["beta"], cell.settings["seed"]) for cell in ours}
    said = [f"{kind} explained: {name}" for kind, name in goals if len(goals) == 1]
    return said + [f"β = {scientific(beta)}, seed {seed}" for beta, seed in settings if len(settings) == 1]


def caption(cell: Taken) -> str:
    """Two lines: what the map comes to, and how long it took."""
    known = cell.numbers
    cost = duration(known["seconds"])
    if "mean" not in known:
        largest = np.abs(cell.values).max()
        return (f"largest {number(largest)}" if largest else "zero everywhere") + f"\n{cost}"
    sure = is_certain(known)
    first = f"mean {mean_words(known)} nats" + ("" if sure else ", uncertain")
    if "error" in known:
        first += f", error {decimal(known['error'])} of 1"
    return f"{first}\n{cost}"


def heading(made: Figure, title: str, subtitle: str, width: float) -> None:
    """Two lines at the top of a sheet of that width, in inches."""
    room = width - LEFT
    canvas.write(made, LEFT / 2, 0.14, canvas.shortened(title, room, 11.5), 11.5, weight="bold")
    canvas.write(made, LEFT / 2, 0.38, canvas.shortened(subtitle, room, 8.5), 8.5)


def draw_map(made: Figure, cell: Taken, line: Line, opacity: float, left: float, top: float, side: float) -> None:
    """A map in the colours of its line, with two lines of numbers under it, at (left, top) inches."""
    axes = canvas.place(made, left, top, side, side)
    if opacity < 1:
        canvas.picture(axes, grey(cell.image))
    limits = line.limits or own_limits(line, cell)
    canvas.field(axes, cell.values, cell.image.shape[:2], limits, line.scale, opacity)
    words = caption(cell)
    if np.isposinf(cell.values).any():
        words = words.replace("\n", f"; {UNBOUNDED}\n" if side == LARGE else "; hatched: unused\n")
    if off := beyond_words([cell.values], limits):
        words = words.replace("\n", f"; {off if side == LARGE else off.removesuffix(' the scale')}\n")
    canvas.write(made, left, top + side + 0.05, words, 7, linespacing=1.25)


def bar(
    made: Figure, scale: str, limits: tuple[float, float], words: str, left: float, top: float, height: float
) -> None:
    """A colour bar with its title beside a map of that height, at (left, top) inches."""
    axes = canvas.place(made, left, top + height * 0.03, 0.1, height * 0.94)
    drawn = made.colorbar(ScalarMappable(Normalize(*limits), canvas.colours(scale)), cax=axes)
    drawn.outline.set_visible(False)
    drawn.ax.tick_params(labelsize=7, width=0.5, length=2)
    drawn.locator = canvas.ticks()
    drawn.set_label(canvas.shortened(words, height, 8, lines=2), size=8, parse_math=False)


def row_of(cells: Sequence[Taken | str]) -> tuple[Cell, ...]:
    """The cells as the page's own figure takes them, for its limits."""
    return tuple(Cell(None if isinstance(cell, str) else cell.values) for cell in cells)
