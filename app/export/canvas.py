"""Drawing for print: matplotlib without its global state, the app's colours on white paper."""

import io
import textwrap
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D

from app.figures.ends import ON_HIGH, ON_LOW, beyond
from app.figures.raster import palette
from app.figures.style import LIGHT, UNBOUNDED_FILL

DPI = 300
# The same file each time: no date.
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
# Fonts and their caches are shared by all figures and are not made for threads.
_ONE_AT_A_TIME = Lock()


def figure(width: float, height: float) -> Figure:
    """White paper of width × height inches at print resolution."""
    made = Figure((width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(made)
    return made


def saved(made: Figure, kind: str, title: str) -> bytes:
    """The figure as "png" at 300 dots per inch, "svg" or "pdf", with its title in the file's own record."""
    buffer = io.BytesIO()
    with _ONE_AT_A_TIME:
        made.savefig(buffer, format=kind, dpi=DPI, metadata=UNDATED[kind] | {"Title": title})
    return buffer.getvalue()


def pixels(made: Figure, dpi: int) -> np.ndarray:
    """The figure (H, W, 3) uint8 as it looks on a screen of so many dots per inch."""
    with _ONE_AT_A_TIME:
        made.set_dpi(dpi)
        drawn = FigureCanvasAgg(made)
        drawn.draw()
        return np.asarray(drawn.buffer_rgba())[..., :3].copy()


def place(made: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at (left, top) inches from the upper left corner."""
    paper = made.get_size_inches()
    return made.add_axes(
        (left / paper[0], 1 - (top + height) / paper[1], width / paper[0], height / paper[1])
    )  # fmt: skip


def write(made: Figure, x: float, y: float, text: str, size: float = 8, **how: Any) -> None:
    """Text at (x, y) inches from the upper left corner, taken as it is: a dollar sign is a dollar sign."""
    paper = made.get_size_inches()
    how = {"color": LIGHT.text, "va": "top"} | how
    made.text(x / paper[0], 1 - y / paper[1], text, fontsize=size, parse_math=False, **how)


def shortened(text: str, inches: float, size: float = 8, lines: int = 1) -> str:
    """Text broken into at most so many lines of that width, cut with an ellipsis.

    >>> shortened("a title that is long", 0.9), shortened("a title that is long", 0.9, lines=2)
    ('a title that is…', 'a title that is\\nlong')
    """
    broken = textwrap.wrap(text, max(8, int(inches * 72 / (size * 0.53)))) or [""]
    return "\n".join(broken[:lines]) + ("…" if len(broken) > lines else "")


@lru_cache(maxsize=8)
def colours(scale: str) -> ListedColormap:
    """The colours of the page's scale of that name."""
    return ListedColormap(palette(scale) / 255)


def ticks() -> MaxNLocator:
    """About five round numbers."""
    return MaxNLocator(5)


def frame(axes: Axes) -> None:
    """A thin line around, no ticks."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color="#b9beb8", linewidth=0.5)


def picture(axes: Axes, image: np.ndarray, opacity: float = 1.0) -> None:
    """A picture (H, W, 3) uint8, its own pixels."""
    height, width = image.shape[:2]
    axes.imshow(image, extent=(0, width, height, 0), interpolation="nearest", alpha=opacity)
    frame(axes)


def field(
    axes: Axes, values: np.ndarray, size: tuple[int, int], limits: tuple[float, float], scale: str, opacity: float
) -> None:
    """A map (rows, columns) over a picture of `size` (height, width); what is unbounded is hatched grey.

    Cells beyond `limits` carry a triangle.
    """
    height, width = size
    axes.imshow(
        np.ma.masked_invalid(values),
        extent=(0, width, height, 0),
        interpolation="nearest",
        cmap=colours(scale),
        norm=Normalize(*limits),
        alpha=opacity,
    )
    for chosen, mark, ink in zip(beyond(values, limits), "v^", (ON_LOW, ON_HIGH), strict=True):
        rows, columns = np.nonzero(chosen)
        across, down = width / values.shape[1], height / values.shape[0]
        axes.plot((columns + 0.5) * across, (rows + 0.5) * down, mark, ms=1.6, mec="none", mfc=ink, alpha=0.75)
    _hatch(axes, np.isposinf(values), size)
    axes.set(xlim=(0, width), ylim=(height, 0))
    frame(axes)


def _hatch(axes: Axes, cells: np.ndarray, size: tuple[int, int]) -> None:
    rows, columns = np.nonzero(cells)
    if not len(rows):
        return
    down, across = size[0] / cells.shape[0], size[1] / cells.shape[1]
    squares = [
        Path.unit_rectangle().transformed(_scaled(column * across, row * down, across, down))
        for row, column in zip(rows, columns, strict=True)
    ]
    axes.add_patch(
        PathPatch(
            Path.make_compound_path(*squares),
            facecolor="#dfe2dd",
            edgecolor="none",
            hatch="/" * 6,
            hatchcolor=UNBOUNDED_FILL,
            hatch_linewidth=0.4,
            linewidth=0,
        )
    )


def _scaled(x: float, y: float, width: float, height: float) -> Affine2D:
    return Affine2D().scale(width, height).translate(x, y)
