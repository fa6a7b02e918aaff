"""The numbers under the chart: a row for every point."""

from typing import Any

import streamlit as st

from app.figures.layer_curves import Line
from app.layers.lines import Chart, lines_of
from app.parts.numbers_table import show_table
from app.words import NONE, decimal

MOST_ROWS = 12
# Decimals of the columns of fractions.
PLACES = {"Mean (nats)": 3, "Concentration (nats)": 3}
HELP = "A row for every point that there is, in order of execution. The arrow at the table's corner saves it as CSV."
MEAN_HELP = "The mean of the map over all its pixels, then over the pictures, in nats per input variable."
INTERVAL_HELP = (
    "Bootstrap over the pictures: with other pictures of the same kind, the mean would lie in here 95 times of 100. A "
    "dash: one picture says nothing of that."
)
CONCENTRATION_HELP = "The mean over the background minus that over the subject, in nats; then over the pictures."
PICTURES_HELP = "How many pictures went into the row so far."
UNSURE_HELP = (
    "Of how many pictures the noise of the map does not meet the constraint, as that of closed forms where the layer "
    "is curved: their means may be wrong by more than a tenth of a nat, which no interval shows. The mean over the "
    "pictures is rounded to what is known of it."
)
NETWORK_HELP = "The network, with its settings where several are drawn."
LAYER_HELP = "The layer by its name; behind it the curve goes on in the next row."


def table_rows(chart: Chart) -> list[dict[str, object]]:
    """What the table shows."""
    rows: list[dict[str, object]] = []
    for mean, gain in zip(lines_of(chart, "mean"), lines_of(chart, "concentration"), strict=True):
        gains = dict(zip(gain.layers, gain.mean, strict=True))
        for place, layer in enumerate(mean.layers):
            if mean.counts[place]:
                rows.append(
                    {
                        "Network": mean.words,
                        "Layer": layer,
                        "Mean (nats)": mean.mean[place],
                        "95 % interval": _span(mean, place),
                        "Concentration (nats)": gains.get(layer),
                        "Pictures": mean.counts[place],
                        "Uncertain": mean.unsure[place],
                    }
                )
    return rows


def table_errors(chart: Chart) -> list[float | None]:
    """What the means of `table_rows` may be off by where they are uncertain, nats."""
    return [
        off if unsure else None
        for mean in lines_of(chart, "mean")
        for off, unsure, count in zip(mean.off, mean.unsure, mean.counts, strict=True)
        if count
    ]


def draw_table(chart: Chart) -> None:
    """Every point in numbers."""
    rows = table_rows(chart)
    st.markdown("**In numbers**", help=HELP)
    show_table(rows, "layers_table", columns(), PLACES, {"Mean (nats)": table_errors(chart)}, MOST_ROWS)


def columns() -> dict[str, Any]:
    """Every column of the table with what it means."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "Network": text(pinned=True, help=NETWORK_HELP),
        "Layer": text(help=LAYER_HELP),
        "Mean (nats)": number(help=MEAN_HELP),
        "95 % interval": text(help=INTERVAL_HELP),
        "Concentration (nats)": number(help=CONCENTRATION_HELP),
        "Pictures": number(help=PICTURES_HELP),
        "Uncertain": number(help=UNSURE_HELP),
    }


def _span(line: Line, place: int) -> str:
    low, high = line.low[place], line.high[place]
    # Two ends that differ are written so that one sees it.
    places = next((places for places in (3, 4, 5) if round(low, places) != round(high, places)), 3)
    return NONE if low != low else f"{decimal(low, places)} to {decimal(high, places)}"
