"""Columns that the tables of Evaluate share, each with what it means; and the words of its file."""

from typing import Any

import streamlit as st

CSV_HELP = "What the table and the figures show, with the settings, for a spreadsheet. Unfinished methods are left out."
METHOD_HELP = "How maps are made. Those that still run have seen only some of the pictures."
INTERVAL_HELP = (
    "Bootstrap over the pictures: with other pictures of the same kind, the score would lie in here 95 times of 100. "
    "A dash: one picture says nothing of that."
)
PICTURES_HELP = "How many pictures went into this row so far."
SECONDS_HELP = "On this machine, maps of several pictures computed together."

UNSURE_HELP = (
    "Maps of CID or RU whose noise does not meet the constraint, as closed forms where the layer is curved: the order "
    "of their pixels is judged, but under too strong or too weak a noise. Refine CID and RU, on the left, for others."
)


def columns(scores: dict[str, str]) -> dict[str, Any]:
    """Configuration of every column; `scores` are those of one table, with what each means."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "Method": text(pinned=True, width=150, help=METHOD_HELP),
        "95 % interval": text(help=INTERVAL_HELP),
        "95 % interval ": text(help=INTERVAL_HELP),
        "Pictures": number(help=PICTURES_HELP),
        "Seconds per map": number(help=SECONDS_HELP),
        "Uncertain maps": text(help=UNSURE_HELP),
    } | {name: number(help=words) for name, words in scores.items()}


def places(scores: dict[str, str]) -> dict[str, int]:
    """Decimals of the columns of fractions."""
    return dict.fromkeys(("Seconds per map", *scores), 3)
