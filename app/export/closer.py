"""Two maps with their difference, and the values of one, as PNG for print."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from app.export import canvas
from app.export.picture import BOTTOM, GAP, LEFT, RIGHT, TOP, bar, heading
from app.figures.compare import DIFFERENCE_SCALE
from app.figures.ends import Ends, scale_words
from app.figures.style import LIGHT
from app.inputs.columns import Column

MAP, HEAD, BARS = 2.3, 0.24, 2.4


class Named(Protocol):
    """A map by its title and its column."""

    @property
    def title(self) -> str: ...

    @property
    def column(self) -> Column: ...


class Compared(Protocol):
    """Two maps (rows, columns) on one scale, and their difference."""

    @property
    def first(self) -> np.ndarray: ...

    @property
    def second(self) -> np.ndarray: ...

    @property
    def gap(self) -> np.ndarray: ...

    @property
    def unit(self) -> str: ...

    @property
    def limits(self) -> tuple[float, float]: ...

    @property
    def unsure(self) -> tuple[str, ...]: ...


def maps_png(title: str, a: Named, b: Named, what: Compared, scale: str, ends: Ends | None) -> bytes:
    """A and B on one scale with its `ends`, and B − A about zero where it can be told; 300 dots per inch."""
    size = a.column.network_input.size
    finite = np.abs(what.gap[np.isfinite(what.gap)])
    widest = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    words = scale_words(ends, what.unit)
    panes = [
        (f"{letter} · {one.title}", values, what.limits, scale, words)
        for letter, one, values in (("A", a, what.first), ("B", b, what.second))
    ]
    if not what.unsure:
        panes.append(("B − A", what.gap, (-widest, widest), DIFFERENCE_SCALE, what.unit))
    step = MAP + GAP + RIGHT
    made = canvas.figure(LEFT + len(panes) * step, TOP + HEAD + MAP + BOTTOM)
    heading(made, title, "", LEFT + len(panes) * step)
    for place, (name, values, limits, colours, words) in enumerate(panes):
        left, top = LEFT / 2 + place * step, TOP + HEAD
        canvas.write(made, left, TOP, canvas.shortened(name, MAP, 8.5), 8.5, weight="bold")
        canvas.field(canvas.place(made, left, top, MAP, MAP), values, size, limits, colours, 1.0)
        bar(made, colours, limits, words, left + MAP + 0.06, top, MAP)
    return canvas.saved(made, "png", title)


def bars_png(
    title: str,
    edges: np.ndarray,
    shares: Sequence[tuple[str, np.ndarray]],
    marked: tuple[float, float] | None,
    unit: str,
) -> bytes:
    """How often each value occurs in each part of the picture, with the range that is marked."""
    width = 6.4
    made = canvas.figure(width, TOP + BARS + 0.6)
    heading(made, title, "", width)
    axes = canvas.place(made, 0.7, TOP, width - 0.9, BARS)
    for (name, values), ink in zip(shares, (LIGHT.second, LIGHT.accent), strict=False):
        axes.stairs(values * 100, edges, color=ink, fill=True, alpha=0.35)
        axes.stairs(values * 100, edges, color=ink, lw=1.2, label=name)
    if marked is not None:
        axes.axvspan(*marked, color=LIGHT.text, alpha=0.08, lw=0)
    axes.set_xlabel(unit, fontsize=8, parse_math=False)
    axes.set_ylabel("share (%)", fontsize=8)
    axes.tick_params(labelsize=7, width=0.5, length=2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=7, frameon=False)
    return canvas.saved(made, "png", title)
