"""A sweep's table that somebody brings: read within bounds, drawn as it is."""

from collections import Counter

import streamlit as st

from app.figures.networks import styles_of
from app.inputs.sentences import foreign, sentence
from app.jobs.backend import networks
from app.layers.choice import MOST_NETWORKS, choice
from app.layers.draw import draw
from app.layers.lines import Chart, Frame, Shown, settings_in
from app.layers.parquet import MEGABYTES, read_table
from app.parts import progress
from app.words import counted

UPLOAD_HELP = (
    "The file that python -m explainers.sweep has written with --out. It stays in this computer's memory and is sent "
    "nowhere."
)
FEWER = "The table has {} networks; the first {} are drawn."


def table_control() -> None:
    """The file; what was read of it stays in this session."""
    st.file_uploader(
        f"Table of a sweep (Parquet, at most {MEGABYTES} MB)",
        key="w_layers_table",
        max_upload_size=MEGABYTES,
        on_change=_take,
        help=UPLOAD_HELP,
    )
    if message := st.session_state.get("layers_table_error"):
        st.error(message)


def table() -> None:
    """Chart, table and pictures of the file's rows."""
    rows: Frame | None = st.session_state.get("layers_table_rows")
    if rows is None:
        progress.ended("Choose a sweep's table on the left, or the rendered birds.", "upload_file", "layers_page")
        return
    chart = chart_of(rows, choice().metric)
    count = rows["fingerprint"].nunique()
    if count > MOST_NETWORKS:
        st.caption(f":material/info: {FEWER.format(count, MOST_NETWORKS)}")
    pictures = counted(rows["picture"].nunique(), "picture")
    if not (rows["method"] == chart.method).any():
        text = f"The table has no rows of {chart.method.upper()}; choose another metric."
        progress.ended(text, "info", "layers_page")
        return
    progress.ended(f"{counted(len(rows), 'row')} of {pictures} were read.", "check_circle", "layers_page")
    draw(chart, f"{pictures} of a sweep's table", "where the table was made", "")


def chart_of(rows: Frame, metric: str) -> Chart:
    """A table's chart: its first eight networks, and its most frequent settings."""
    entries = {entry.name: entry for entry in networks()}
    names: dict[str, str] = dict(zip(rows["fingerprint"], rows["network"], strict=True))
    twice = {name for name, count in Counter(names.values()).items() if count > 1}
    chosen = list(names)[:MOST_NETWORKS]
    styles = styles_of(
        [names[one] if list(names.values()).count(names[one]) == 1 else one for one in chosen], list(entries)
    )
    shown: dict[str, Shown] = {}
    for fingerprint, style in zip(chosen, styles.values(), strict=True):
        name = names[fingerprint]
        entry = entries.get(name)
        title = (entry.title if entry else name) + (f" ({fingerprint[:6]})" if name in twice else "")
        key = name if entry and name not in twice else ""
        shown[fingerprint] = Shown(key, title, entry.family if entry else name, style)
    method = rows[rows["method"] == Chart(rows, {}, (), metric).method]
    return Chart(rows, shown, settings_in(method) if len(method) else (), metric)


def _take() -> None:
    for key in ("layers_table_rows", "layers_table_error"):
        st.session_state.pop(key, None)
    file = st.session_state["w_layers_table"]
    if file is None:
        return
    try:
        # The uploader's own limit is only enforced by the browser.
        if file.size > MEGABYTES << 20:
            raise ValueError(f"expected a table of at most {MEGABYTES} MB, got {file.size >> 20} MB; choose another")
        st.session_state["layers_table_rows"] = read_table(file.getvalue())
    except ValueError as error:
        st.session_state["layers_table_error"] = foreign(sentence(error))
