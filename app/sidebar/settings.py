"""Advanced settings: β, grid, solver, refinement and seed."""

import streamlit as st

from app.address import selection
from app.parts.cells import grid_options
from app.words import scientific
from explainers.cid.results import METHODS

SETTINGS = ("beta", "grid", "method", "refine", "seed")
RESET_HELP = "β, grid, solver, refinement and seed as they are on a first visit, which is as in the paper."
METHOD_TITLES = {"two-stage": "Two stages (default)", "paper": "The paper's descent"}


def settings_control(size: tuple[int, int]) -> None:
    """β, grid, solver, refinement and seed, with the paper's values as defaults; `size` is the picture's."""
    grids = grid_options(*size)
    if selection.selection().grid not in grids:
        selection.change(grid=None)
    chosen, plain = selection.selection(), selection.Selection()
    changed = any(getattr(chosen, name) != getattr(plain, name) for name in SETTINGS)
    with st.expander("Advanced settings" + (" (changed)" if changed else ""), key="advanced"):
        _bound("beta")
        st.select_slider(
            "Strength β",
            selection.BETAS,
            format_func=scientific,
            key="w_beta",
            on_change=_take,
            args=("beta",),
            help="How far the feature may move: noise is added to the pixels until the feature has moved by "
            "β times its sensitivity. Larger β, more noise. The paper uses 1.5·10⁻⁴.",
        )
        st.session_state["w_grid"] = chosen.grid or 0
        st.selectbox(
            "Grid",
            list(grids),
            format_func=grids.__getitem__,
            key="w_grid",
            on_change=_take_grid,
            help="Pixels of one cell share one noise level. Fewer cells: faster and less noisy, but coarser.",
        )
        _bound("method")
        st.selectbox(
            "Solver",
            METHODS,
            format_func=METHOD_TITLES.__getitem__,
            key="w_method",
            on_change=_take,
            args=("method",),
            help="Two stages: a closed form, then corrections until the constraint holds; quicker and closer to the "
            "best map. The paper's descent: the 100 steps published with the method, as a reference; the constraint "
            "it reaches is shown below the map.",
        )
        _bound("refine")
        st.toggle(
            "Refine",
            key="w_refine",
            disabled=chosen.method == "paper",
            on_change=_take,
            args=("refine",),
            help="On: the map is corrected against samples until the constraint holds. Off: only the closed "
            "form, which is exact where the layer is linear, and quick.",
        )
        _bound("seed")
        st.number_input(
            "Seed",
            0,
            selection.LIMIT_SEED,
            key="w_seed",
            on_change=_take,
            args=("seed",),
            help="Start of the random numbers. The same seed gives the same map; another seed shows how much "
            "of the map is chance.",
        )
        st.button("Back to the paper's values", disabled=not changed, on_click=_reset, key="reset", help=RESET_HELP)


def _bound(name: str) -> None:
    st.session_state[f"w_{name}"] = getattr(selection.selection(), name)


def _take(name: str) -> None:
    selection.change(**{name: st.session_state[f"w_{name}"]})


def _take_grid() -> None:
    selection.change(grid=st.session_state["w_grid"] or None)


def _reset() -> None:
    plain = selection.Selection()
    selection.change(**{name: getattr(plain, name) for name in SETTINGS})
