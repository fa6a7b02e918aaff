"""A single neuron: I(X;T) over its weight and bias, with the ways that its trainings went."""

import numpy as np
import streamlit as st

from app.figures.flow_neuron import Way, neuron_figure
from app.figures.style import PLAIN_CONFIG
from app.flow import known
from app.flow.choice import choice
from app.flow.known import Variant
from app.flow.tables import INPUT, Rows, rows_of
from app.parts.look import look

PLANE = "neuron-plane"
HELP = (
    "Estimates of I(X;T) for every weight and bias of an untrained neuron, and on them the ways of the trainings, each "
    "from a dot to a ring. Negative weights give the same as positive ones, for the four numbers lie even about 0."
)


def draw_neuron(rows: Rows) -> None:
    """The map, for the experiment with one neuron alone."""
    if rows.variant.experiment != "neuron":
        return
    variant = rows.variant
    plane = rows_of(Variant(PLANE, variant.title, variant.recipe, variant.kind, variant.sigma, True), rows.unit)
    if plane is None:
        return
    table = plane.of(INPUT).pivot(index="bias", columns="weight", values="value") * plane.factor
    ways = tuple(
        Way(tuple(one["weight"].abs()), tuple(one["bias"])) for _, one in rows.of(INPUT).groupby("seed", sort=True)
    )
    weights, biases = (np.asarray(one, float).tolist() for one in (table.columns, table.index))
    st.markdown("**I(X;T) over weight and bias**", help=HELP)
    st.plotly_chart(
        neuron_figure(weights, biases, table.to_numpy(), ways, rows.unit, look()),
        theme=None,
        key="figure_flow_neuron",
        config=PLAIN_CONFIG | {"displayModeBar": False},
        alt=f"I(X;T) of one neuron for every weight and bias, and the ways of {len(ways)} trainings of "
        f"{known.epochs(choice().variant.recipe)[-1]:,} epochs",
    )
