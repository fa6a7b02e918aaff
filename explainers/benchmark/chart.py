"""The loss against the passes that it took, one panel for each layer: medians over its pictures, and their range."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure

from explainers.benchmark.cid import EQUAL
from explainers.benchmark.report import LOOKS, by_place
from explainers.benchmark.request import Row

# Below this the noise of the comparison is larger than what is compared.
FLOOR = 1e-3
COLUMNS = 3
OURS, OTHERS = "#2a6f97", "#9a5b13"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Writes the chart to `path`, SVG or PNG by its ending: the refinement as a line, every other way as a point."""
    panels = by_place(rows)
    columns = max(1, min(COLUMNS, len(panels)))
    lines = max(1, -(-len(panels) // columns))
    # Matplotlib's own types are known in part only.
    figure: Any = Figure(figsize=(5.6 * columns, 4.2 * lines), layout="constrained")
    for place, ((network, layer), pictures) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(lines, columns, place)
        ways = dict.fromkeys(name for picture in pictures for name in picture if name != EQUAL)
        found = {name: [picture[name] for picture in pictures if name in picture] for name in ways}
        # A look that some pictures did not need would bend the line.
        looks = [name for name in LOOKS if len(found.get(name, ())) == len(pictures)]
        for name in looks:
            _bar(axes, found[name], OURS)
        # The first frame comes after the look at 64 passes where a start is searched for.
        axes.plot(*zip(*sorted(_middle(found[name]) for name in looks), strict=True), marker="o", color=OURS)
        for number, name in enumerate(name for name in ways if name not in LOOKS):
            _bar(axes, found[name], OTHERS)
            axes.plot(*_middle(found[name]), marker="s", color=OTHERS)
            shift = 4, 4 if number % 2 else -9
            axes.annotate(name, _middle(found[name]), textcoords="offset points", xytext=shift, fontsize=7)
        title = f"{network} {layer}, {len(pictures)} {'picture' if len(pictures) == 1 else 'pictures'}"
        axes.set(xscale="log", yscale="log", title=title)
        axes.margins(x=0.2, y=0.1)
        axes.set(xlabel="passes, forward ones as a third", ylabel="mean entropy lost (nats)")
    figure.savefig(path)


def _middle(rows: Sequence[Row]) -> tuple[float, float]:
    return median(row["passes"] for row in rows), median(_lost(rows))


def _bar(axes: Any, rows: Sequence[Row], colour: str) -> None:
    passes, lost = _middle(rows)[0], _lost(rows)
    axes.vlines(passes, min(lost), max(lost), color=colour, alpha=0.5)


def _lost(rows: Sequence[Row]) -> list[float]:
    return [max(row["lost"], FLOOR) for row in rows]
