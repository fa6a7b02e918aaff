"""The network without noise: a constant, why it is one, and the binned curves that contradict each other."""

from dataclasses import replace

import streamlit as st

from app.flow import known
from app.flow.choice import ALL, choice
from app.flow.lines import Chart, chart_of, constant_chart, widths_chart
from app.flow.notes import BINNED, why_constant
from app.flow.run import draw_chart
from app.flow.stage import draw_stage, looked_at, unfolded
from app.flow.tables import BINNED as BINNED_ROWS
from app.flow.tables import INPUT, Rows, rows_of
from app.flow.take import take_flow

CONSTANT_HELP = "Exact, not estimated: the logarithm of how many different points the inputs are in the layer."
WIDTHS_HELP = (
    "The entropy of T in bins of four widths, the quantity that earlier work called I(X;T): means over the trainings, "
    "the shade from the lowest to the highest. Without noise one network has one I(X;T), and here are four."
)
CLUSTERING_HELP = (
    "The mean distance of two inputs of one class and of two, in the same layer: where the binned curves fall, the "
    "points of a class have come together."
)


def deterministic(noisy: Rows | None) -> None:
    """The stage with everything in one place, the constant, and beside it what was taken for information."""
    chosen = choice()
    twin = known.twin_of(chosen.variant)
    variant, sigma = (twin, None) if twin else (chosen.variant, 0.0)
    rows = rows_of(twin, chosen.unit) if twin else None
    layer = looked_at(chosen)
    seen = unfolded(variant, layer, sigma)
    if seen is None:
        return
    exact = rows.of(INPUT) if rows else None
    n = len(seen.labels) if exact is None else int(exact["n"].max())
    least = min(seen.kept) if exact is None else float(exact["value"].min())
    st.markdown(why_constant(variant, n, least, chosen.unit))
    if shown := rows or noisy:
        # Where no such network was trained, the same weights are run without noise.
        still = None if rows else least * shown.factor
        draw_stage(shown, seen, still)
        with st.container(horizontal=True, key="flow_pair"):
            with st.container():
                chart = constant_chart(shown, still, seen.epochs) if still is not None else _exact(shown)
                _titled(chart, CONSTANT_HELP, "flow_constant")
            if rows is not None and rows.has(BINNED_ROWS):
                with st.container():
                    widths = widths_chart(rows, layer)
                    _titled(widths, WIDTHS_HELP, "flow_widths")
                    take_flow(rows, replace(chosen, show="binned", layer=layer), widths, None, None)
                with st.container():
                    _titled(_distances(rows, layer), CLUSTERING_HELP, "flow_distances")
        if rows is not None and rows.has(BINNED_ROWS):
            st.markdown(BINNED)


def _exact(rows: Rows) -> Chart:
    return replace(chart_of(rows, replace(choice(), show="input", layer=ALL)), title="I(X;T), without noise")


def _distances(rows: Rows, layer: str) -> Chart:
    return chart_of(rows, replace(choice(), show="distance", layer=layer))


def _titled(chart: Chart, words: str, name: str) -> None:
    st.markdown(f"**{chart.title}**", help=words)
    draw_chart(chart, name, choice().at)
