"""The curves over the epochs, and new estimates on the snapshots, which are drawn into them as they come."""

from collections.abc import Sequence

import streamlit as st

from app.figures.flow import flow_curves_figure
from app.figures.style import PLAIN_CONFIG
from app.flow import bridge, known
from app.flow.choice import ALL, Choice, choice
from app.flow.controls import anew_control, noise_words
from app.flow.lines import INFORMATION, Chart, chart_of
from app.flow.numbers import draw_numbers
from app.flow.tables import Rows
from app.flow.take import take_flow
from app.jobs.backend import View, the_backend
from app.parts import progress
from app.parts.look import look
from app.parts.watch import Asked, Start, Watch
from app.words import counted
from explainers.information_flow.anew import Anew, AnewRequest
from explainers.methods.entropies import CID_NAME

POINTS = 256
NEW_HELP = (
    "The snapshots of the first training, run again here with the noise and the number of samples below; open "
    "marks in the curves of I(X;T) and I(Y;T). Nothing is computed twice."
)
CURVES_HELP = (
    "Means over the trainings, from other seeds each; the shade goes from the lowest to the highest. Epoch 0 is before "
    "the training. The dotted line is the epoch on the left."
)


def requested(chosen: Choice) -> AnewRequest:
    """The new estimates of the layers that are chosen, at every epoch."""
    recipe = chosen.variant.recipe
    layers = known.measured(recipe) if chosen.layer == ALL else [chosen.layer]
    noise, n = chosen.noise or chosen.variant.sigma, chosen.n
    # So many points of T at least, however few inputs there are.
    draws = max(1, POINTS // n)
    return AnewRequest(recipe, tuple(layers), known.epochs(recipe), noise, n, draws, folder=known.FOLDER)


def over_epochs(rows: Rows) -> None:
    """The line of the new estimates, the curves with them, the numbers, and what can be taken away."""
    chosen = choice()
    request = requested(chosen)
    # Figures of a layer that is looked at go first.
    work = Watch("flow new", lambda: [Asked(request, (5, 0))], "flow_new", waits=True)
    work.release()

    st.markdown("**Estimate anew**", help=NEW_HELP)
    with st.container(horizontal=True, key="flow_anew"):
        anew_control()

    def refresh(views: Sequence[View]) -> None:
        (view,) = views
        found: Anew | None = view.value if view.value is not None else the_backend().preview(request.key)
        _status(work, request, view, found)
        chart = chart_of(rows, chosen, found, request.sigma)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{chart.title}**", help=CURVES_HELP)
            take_flow(rows, chosen, chart, found, request)
        draw_chart(chart, "flow_curves", chosen.at)
        if chosen.show == CID_NAME:
            st.caption(bridge.words(bridge.correlations(rows)))
        if found is not None and chosen.show not in INFORMATION:
            st.caption("The new estimates are in the curves of I(X;T) and I(Y;T).")
        draw_numbers(rows, chosen)

    work.draw(refresh)


def draw_chart(chart: Chart, name: str, here: int | None) -> None:
    """Curves over the epochs, under the key figure_`name`."""
    st.plotly_chart(
        flow_curves_figure(chart.curves, chart.quantity, look(), here, chart.levels),
        theme=None,
        key=f"figure_{name}",
        config=PLAIN_CONFIG | {"displayModeBar": False},
        alt=f"{chart.title}: {chart.quantity} over the epochs, a curve for each of "
        + ", ".join(curve.title for curve in chart.curves),
    )


def _status(work: Watch, request: AnewRequest, view: View, found: Anew | None) -> None:
    if view.state == "refused":
        progress.ended(view.message, "info", "flow_new")
        return
    there = len(found.estimates) if found is not None else 0
    every = 2 * len(request.layers) * len(request.epochs)
    what = f"{counted(every, 'estimate')} with {noise_words(request.sigma)} and {counted(request.n, 'sample')}"
    seconds = work.foreseen([view])
    begun = f"{there} of {what} are there." if there else f"{what}: {seconds} on this machine."
    work.status(
        views=[view],
        doing=f"{there} of {counted(every, 'estimate')}, {noise_words(request.sigma)}",
        done=f"{what} are in the curves." + (" With fewer samples the ceiling is lower." if request.n < 512 else ""),
        start=Start(begun, "Go on" if there else "Estimate", "science"),
    )
