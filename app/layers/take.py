"""Take away the chart, its numbers, the rows behind it and the record."""

from collections.abc import Sequence
from dataclasses import asdict

import streamlit as st

from app.export.names import stem
from app.export.record import as_json, versions
from app.figures.layer_curves import Line
from app.layers.choice import QUANTITIES, choice
from app.layers.files import curves_csv, drawing, rows_parquet
from app.layers.lines import SETTINGS, Chart
from app.parts.take_files import NOT_YET, File, buttons, popover

PNG_HELP = "For print: the chart at 300 dots per inch."
CSV_HELP = "For spreadsheets: a row for every point, with the ends of its intervals."


def take_chart(chart: Chart, lines: Sequence[Line], pictures: str, device: str, commands: str) -> None:
    """A popover; `pictures` says which they are, `commands` make the same rows ("" where none does)."""
    axis, quantity = choice().axis, QUANTITIES[chart.metric]
    title = f"{quantity[0].upper()}{quantity[1:].partition(' (')[0]}, layer by layer"
    subtitle = f"{pictures}; bars: 95 % bootstrap intervals over the pictures"
    name = stem("layers", chart.metric, pictures)
    rows = chart.rows[chart.rows["method"] == chart.method]

    def draw(kind: str) -> File:
        return File(
            kind,
            f"{name}.{kind}",
            lambda: drawing(lines, axis, quantity, title, subtitle, kind),
            PNG_HELP if kind == "png" else "",
        )

    with popover("layers"):
        if rows.empty:
            st.caption(NOT_YET)
        st.markdown("**The chart**")
        buttons([draw(kind) for kind in ("png", "svg", "pdf")], "layers", rows.empty)
        st.markdown("**The numbers**")
        numbers = [
            File("csv", f"{name}.csv", lambda: curves_csv(chart), CSV_HELP),
            File("parquet", f"{name}.parquet", lambda: rows_parquet(chart)),
            File("json", f"{name}.json", lambda: as_json(about(chart, lines, pictures, device, commands))),
        ]
        buttons(numbers, "layers_rows", rows.empty)


def about(chart: Chart, lines: Sequence[Line], pictures: str, device: str, commands: str) -> dict[str, object]:
    """The record of a chart."""
    return {
        "quantity": QUANTITIES[chart.metric],
        "method": chart.method,
        "pictures": pictures,
        "networks": [
            {"name": shown.key, "title": shown.title, "weights (SHA-256)": fingerprint}
            for fingerprint, shown in chart.networks.items()
        ],
        "settings": [dict(zip(SETTINGS, setting, strict=True)) for setting in chart.settings],
        "choice": asdict(choice()),
        "points": sum(count > 0 for line in lines for count in line.counts),
        "rows": int((chart.rows["method"] == chart.method).sum()),
        "computed on": device,
        "versions": versions(),
        "command": commands,
    }
