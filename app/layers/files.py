"""The chart, its numbers and its rows as files; pure functions."""

import io
import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.export import canvas
from app.export.table import written
from app.figures.layer_curves import AXES, Line, places, with_points
from app.figures.networks import MARKERS
from app.layers.lines import Chart, lines_of
from explainers.sweeps.row import SCHEMA

STROKES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}


def drawing(lines: Sequence[Line], axis: str, quantity: str, title: str, subtitle: str, kind: str) -> bytes:
    """The chart as "png", "svg" or "pdf"; gaps stay gaps, bars are the intervals."""
    lines = with_points(lines)
    order = {place: index for index, place in enumerate(places(lines))}
    width = max(6.2, 1.3 + 0.2 * len(order)) if axis == "layer" else 6.2
    deep = 0.35 + 0.055 * max((len(layer) for _, layer in order), default=0) if axis == "layer" else 0.45
    made = canvas.figure(width, 0.75 + 3.1 + deep + 0.2 * len(lines) + 0.2)
    canvas.write(made, 0.2, 0.14, canvas.shortened(title, width - 0.4, 11.5), 11.5, weight="bold")
    canvas.write(made, 0.2, 0.38, canvas.shortened(subtitle, width - 0.4, 8.5), 8.5)
    axes = canvas.place(made, 0.85, 0.75, width - 1.05, 3.1)
    for number, line in enumerate(lines):
        across = [order[line.family, layer] for layer in line.layers] if axis == "layer" else line.depths
        mean, low, high = (np.array(values, float) for values in (line.mean, line.low, line.high))
        bars = [np.nan_to_num(mean - low), np.nan_to_num(high - mean)]
        drawn, *_ = axes.errorbar(
            across, mean, bars, color=line.style.colour, ls=STROKES[line.dash], lw=1.3, elinewidth=0.8, capsize=1.5,
            marker=MARKERS[line.style.symbol], ms=3.5, label=line.words,
        )  # fmt: skip
        # So that whoever edits the drawing finds it.
        drawn.set_gid(f"curve-{number + 1}")
        opened = [at for at, count in enumerate(line.unsure) if count]
        axes.plot(
            [across[at] for at in opened], mean[opened], MARKERS[line.style.symbol], ms=3.5, mec=line.style.colour,
            mfc="white", zorder=3,
        )  # fmt: skip
    axes.set_ylabel(quantity, fontsize=8, parse_math=False)
    axes.set_xlabel(AXES[axis], fontsize=8)
    if axis == "layer":
        axes.set_xticks(range(len(order)), [layer for _, layer in order], rotation=45, ha="right")
        for label in axes.get_xticklabels():
            label.set(rotation_mode="anchor", parse_math=False)
        axes.set_xlim(-0.6, len(order) - 0.4)
    else:
        axes.set_xlim(-0.03, 1.03)
    axes.tick_params(labelsize=7, width=0.5, length=2)
    axes.grid(color="#e4e6e2", lw=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    legend = axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(0, -(deep + 0.05) / 3.1))
    for text in legend.get_texts():
        text.set_parse_math(False)
    return canvas.saved(made, kind, title)


def curves_csv(chart: Chart) -> bytes:
    """A row for every point: means and concentrations with the ends of their intervals."""
    rows: list[dict[str, object]] = []
    for mean, gain in zip(lines_of(chart, "mean"), lines_of(chart, "concentration"), strict=True):
        for place, layer in enumerate(mean.layers):
            if not mean.counts[place]:
                continue
            gains = [getattr(gain, name)[gain.layers.index(layer)] if layer in gain.layers else math.nan
                     for name in ("mean", "low", "high")]  # fmt: skip
            rows.append(
                {
                    "network": mean.words,
                    "weights (SHA-256)": mean.name,
                    "layer": layer,
                    "share of the way through (of 1)": mean.depths[place],
                    "method": chart.method,
                    "mean (nats)": mean.mean[place],
                    "low end of the 95 % interval (nats)": _known(mean.low[place]),
                    "high end of the 95 % interval (nats)": _known(mean.high[place]),
                    "concentration (nats)": _known(gains[0]),
                    "low end of its 95 % interval (nats)": _known(gains[1]),
                    "high end of its 95 % interval (nats)": _known(gains[2]),
                    "pictures": mean.counts[place],
                    "uncertain, since their noise does not meet the constraint": mean.unsure[place],
                    "what the mean may be off by for that reason (nats)": mean.off[place] or None,
                }
            )
    return written(rows)


def rows_parquet(chart: Chart) -> bytes:
    """The rows behind the chart, one for each picture, as the sweep's command writes them."""
    rows = chart.rows[chart.rows["method"] == chart.method]
    table = pa.Table.from_pandas(rows, schema=SCHEMA, preserve_index=False)
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(None), buffer)
    return buffer.getvalue()


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
