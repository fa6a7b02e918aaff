"""Below the grid: two of its maps against each other, the values of one, or how far the methods agree."""

from collections.abc import Callable

import streamlit as st

from app.address import selection
from app.explore.agreement import agreement
from app.explore.difference import difference
from app.explore.grid_choice import CLOSER, change, choice
from app.explore.histogram import histogram
from app.explore.spots import spots
from app.inputs.columns import Column
from app.jobs.backend import Backend
from app.parts.bound import segments
from explainers import CIDSettings

CLOSER_HELP = (
    "Difference: any two maps of the grid, B − A, and every pixel of the one against the other. Values: how often each "
    "value occurs on the object and around it; marked values show where they lie. Agreement: how far the methods put "
    "the pixels into the same order, for this picture or for several."
)


def closer(backend: Backend, build: Callable[[], tuple[list[Column], list[str]]], settings: CIDSettings) -> None:
    """One of the three, for the maps that the grid shows; `build` gives its columns."""
    columns, _ = build()
    if not columns or not choice().methods:
        return
    with st.container(key="closer"):
        segments("w_closer", "Look closer", CLOSER, choice().closer, lambda value: change(closer=value), CLOSER_HELP)
        if not choice().closer:
            return
        if choice().closer == "agreement":
            agreement(backend, columns, settings)
            return

        @st.fragment
        def closely() -> None:
            if known := spots(backend, columns, settings):
                difference(known) if choice().closer == "difference" else histogram(known, settings)
            # What is chosen here stands in the address, as all other choices do.
            selection.write_address(choice().to_query())

        closely()
