"""Take away a study: its curves, the rows behind them, its claims."""

import streamlit as st

from app.export.names import stem
from app.parts.take_files import File, buttons, popover
from app.studies.files import claims_csv, curves_csv, drawing, rows_parquet
from app.studies.known import Known
from app.studies.lines import frame_of, series_of
from explainers.studies.base.study import Axis

PNG_HELP = "For print: the curves at 300 dots per inch."
CURVES_HELP = "For spreadsheets: a row for every point of all curves of the study, with the ends of its interval."
CLAIMS_HELP = "For spreadsheets: the claims, with our numbers and the verdicts."


def take_study(one: Known, axis: Axis) -> None:
    """A popover with everything."""
    name = stem("study", one.study.name, axis.quantity)
    series, frame = series_of(one, axis.quantity), frame_of(axis)
    subtitle = f"{one.study.figure}; bars: 95 % bootstrap intervals over the pictures"

    def draw(kind: str) -> File:
        made = f"{name}.{kind}"
        words = PNG_HELP if kind == "png" else ""
        return File(kind, made, lambda: drawing(series, frame, one.study.title, subtitle, kind), words)

    with popover("studies"):
        st.markdown("**The curves**")
        buttons([draw(kind) for kind in ("png", "svg", "pdf")], "studies")
        st.markdown("**The numbers**")
        stem_of = stem("study", one.study.name)
        numbers = [
            File("csv", f"{stem_of}.csv", lambda: curves_csv(one.drawn), CURVES_HELP),
            File("parquet", f"{stem_of}.parquet", lambda: rows_parquet(one.long)),
        ]
        buttons(numbers, "studies_rows")
        st.markdown("**The claims**")
        buttons(
            [File("csv", f"{stem_of}-claims.csv", lambda: claims_csv(one.findings), CLAIMS_HELP)], "studies_verdicts"
        )
