"""The numbers of one epoch: a row for every layer."""

from typing import Any

import streamlit as st

from app.flow.choice import Choice
from app.flow.tables import INPUT, LABEL, Rows
from app.parts.numbers_table import show_table
from app.words import NONE, decimal

REMARKS = {
    "near ceiling": "near the ceiling",
    "many dimensions": "15 units or more",
    "few repeats": "few propagations",
    "unequal draws": "unequal draws",
    "deterministic": "without noise",
}
HELP = "The estimates of this epoch, means over the trainings. The epoch is the one on the left."
# Decimals of the columns of fractions.
PLACES = {"I(X;T)": 3, "I(Y;T)": 3, "of the draws": 4}
COLUMNS = {
    "Layer": "The hidden layer, from the input on.",
    "Units": "How many numbers the layer has: the dimension d of T.",
    "I(X;T)": "How much T tells of the input, in the unit above.",
    "of the draws": "Standard error that the random draws of one estimate leave, in the same unit.",
    "Trainings": "The lowest and the highest of all trainings, from other seeds.",
    "Of log n": "What share of log n, the most that so many samples can show, the estimate has reached.",
    "I(Y;T)": "How much T tells of the class, in the same unit.",
    "Samples": "How many inputs each estimate looked at.",
    "Remarks": "What there is to be said against the estimate of I(X;T) in any training.",
}


def number_rows(rows: Rows, chosen: Choice) -> list[dict[str, object]]:
    """A row for every layer that has an estimate at the epoch."""
    found: list[dict[str, object]] = []
    for layer in rows.layers(INPUT):
        here, of_y = (
            one[one["epoch"] == chosen.at] for one in (rows.of(INPUT, layer), rows.of(LABEL, layer))
        )  # fmt: skip
        if here.empty:
            continue
        value = float(here["value"].mean())
        flags = sorted({flag for text in here["flags"] for flag in text.split(";") if flag})
        low, high = (float(end) * rows.factor for end in (here["value"].min(), here["value"].max()))
        found.append(
            {
                "Layer": layer,
                "Units": int(here["units"].iloc[0]),
                "I(X;T)": value * rows.factor,
                "of the draws": float(here["error"].mean()) * rows.factor,
                "Trainings": f"{decimal(low)} to {decimal(high)}" if len(here) > 1 else NONE,
                "Of log n": value / float(here["ceiling"].iloc[0]),
                "I(Y;T)": float(of_y["value"].mean()) * rows.factor if len(of_y) else None,
                "Samples": int(here["n"].iloc[0]),
                "Remarks": ", ".join(REMARKS[flag] for flag in flags) or NONE,
            }
        )
    return found


def draw_numbers(rows: Rows, chosen: Choice) -> None:
    """The table of the epoch."""
    found = number_rows(rows, chosen)
    if found:
        st.markdown(f"**In numbers, at epoch {chosen.at:,} ({rows.unit})**", help=HELP)
        show_table(found, "flow_numbers", columns(), PLACES)


def columns() -> dict[str, Any]:
    """Every column with what it means."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    kinds: dict[str, Any] = {
        "Layer": text(pinned=True, help=COLUMNS["Layer"]),
        "of the draws": number("± of the draws", help=COLUMNS["of the draws"]),
        "Of log n": st.column_config.ProgressColumn(
            format="percent", min_value=0, max_value=1, help=COLUMNS["Of log n"]
        ),
    }
    for name in ("I(X;T)", "I(Y;T)"):
        kinds[name] = number(help=COLUMNS[name])
    for name in ("Units", "Samples"):
        kinds[name] = number(help=COLUMNS[name])
    for name in ("Trainings", "Remarks"):
        kinds[name] = text(help=COLUMNS[name])
    return kinds
