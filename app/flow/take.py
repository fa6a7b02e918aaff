"""Take away the curves, the rows behind them, a program and the record."""

from dataclasses import asdict

import streamlit as st

from app.export.names import stem
from app.export.record import as_json, versions
from app.flow import known
from app.flow.choice import ALL, Choice
from app.flow.files import command, drawing, exact_script, script, table_csv, table_parquet
from app.flow.lines import Chart
from app.flow.tables import Rows, summary
from app.parts.take_files import File, buttons, popover
from explainers.information_flow.anew import Anew, AnewRequest

PNG_HELP = "For print: the curves at 300 dots per inch."
CSV_HELP = "For spreadsheets: every row of this network, all layers, epochs and trainings, and the new estimates."
PARQUET_HELP = "For pandas, polars and DuckDB: the same rows with their types."
PY_HELP = "For Python: about ten lines that estimate one layer at this epoch with this project's library."
JSON_HELP = "The record: network, recipe, settings, versions, and the command that makes the experiment again."


def take_flow(rows: Rows, chosen: Choice, chart: Chart, found: Anew | None, request: AnewRequest | None) -> None:
    """A popover with the chart, its rows, a program and the record.

    The program makes one of the estimates of `request`, or without one the exact value and the binned ones.
    """
    variant = rows.variant
    name = stem("information-flow", variant.recipe, chosen.show, "" if chosen.layer == ALL else f"layer{chosen.layer}")
    subtitle = f"{known.title_of(variant)}; {summary(rows)}; shade: lowest to highest"

    def draw(kind: str) -> File:
        made = f"{name}.{kind}"
        return File(kind, made, lambda: drawing(chart, subtitle, kind), PNG_HELP if kind == "png" else "")

    measured = known.measured(variant.recipe)
    layer = chosen.layer if chosen.layer in measured else measured[-1]

    def program() -> str:
        if request is None:
            return exact_script(variant, layer, chosen.at)
        return script(chosen, layer, request)

    about = {
        "experiment": variant.experiment,
        "network": variant.title,
        "recipe": variant.recipe,
        "choice": asdict(chosen),
        "trainings": rows.seeds,
        "rows": len(rows.rows),
        "estimated anew": len(found.estimates) if found else 0,
        "versions": versions(),
        "command": command(variant.experiment),
    }
    with popover("flow"):
        st.markdown("**The curves**")
        buttons([draw(kind) for kind in ("png", "svg", "pdf")], "flow")
        st.markdown("**The numbers**")
        buttons(
            [
                File("csv", f"{name}.csv", lambda: table_csv(rows, found), CSV_HELP),
                File("parquet", f"{name}.parquet", lambda: table_parquet(rows, found), PARQUET_HELP),
                File("json", f"{name}.json", lambda: as_json(about), JSON_HELP),
            ],
            "flow_rows",
        )
        st.markdown("**A program**")
        buttons([File("py", f"{name}.py", program, PY_HELP)], "flow_program")
