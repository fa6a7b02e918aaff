"""The loss against the passes that it took, one panel for each layer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from explainers.benchmark.request import Row

# Below this the noise of the comparison is larger than what is compared.
FLOOR = 1e-3
COLUMNS = 3


def draw(rows: Sequence[Row], path: Path) -> None:
    """Writes the chart to `path`, SVG or PNG by its ending: the refinement as a line, every other way as a point."""
    panels: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        panels.setdefault((row["network"], row["layer"], row["picture"]), []).append(row)
    columns = max(1, min(COLUMNS, len(panels)))
    lines = max(1, -(-len(panels) // columns))
    # Matplotlib's own types are known in part only.
    figure: Any = Figure(figsize=(5.6 * columns, 4.2 * lines), layout="constrained")
    for place, ((network, layer, picture), ways) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(lines, columns, place)
        ours = sorted(
            (row for row in ways if row["way"].startswith(("refined", "first frame"))), key=lambda row: row["passes"]
        )
        axes.plot(
            [row["passes"] for row in ours], [max(row["lost"], FLOOR) for row in ours], marker="o", color="#2a6f97"
        )
        for number, row in enumerate(ways):
            if row not in ours:
                point = row["passes"], max(row["lost"], FLOOR)
                axes.plot(*point, marker="s", color="#9a5b13")
                axes.annotate(
                    row["way"], point, textcoords="offset points", xytext=(4, 4 if number % 2 else -9), fontsize=7
                )
        axes.set(xscale="log", yscale="log", title=f"{network} {layer}, bird {picture}")
        axes.margins(x=0.2, y=0.1)
        axes.set(xlabel="passes, forward ones as a third", ylabel="mean entropy lost (nats)")
    figure.savefig(path)
