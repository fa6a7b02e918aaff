"""Descriptive accuracy and localisation, method by method as they are ready: curves, table and CSV."""

import plotly.graph_objects as go
import streamlit as st

from app.evaluate.columns import CSV_HELP, columns, places
from app.evaluate.table import as_csv, table
from app.export.curves import Curve, Curves
from app.figures.evaluate import removal_figure, scores_figure
from app.figures.methods import style_of
from app.figures.style import LIGHT, PLAIN_CONFIG
from app.jobs.backend import View
from app.parts.look import look
from app.parts.numbers_table import show_table
from app.parts.take_files import buttons, drawings
from explainers.evaluation.methods import title
from explainers.evaluation.pictures import Birds, Folder
from explainers.evaluation.scores import EvaluationSettings, Scores
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

ACCURACY_HELP = (
    "The pixels that a map calls least important are removed first. The later the network changes its answers, the "
    "better the map knows what the network needs. The score is the area under the curve."
)
LOCALISATION_HELP = (
    "Of the n pixels that a map calls most important, the share inside the box around the subject, n being the box's "
    "area. Only pictures whose box covers at most a third count. It asks where people look, not what the network uses."
)
COLUMNS = {"Descriptive accuracy": ACCURACY_HELP, "Localisation": LOCALISATION_HELP}
BOXES = {
    "Boxes": st.column_config.NumberColumn(
        help="Pictures whose box covers at most a third: those that localisation counts."
    )
}


def draw_scores(
    views: dict[str, View], network: Network, layer: Layer, data: Birds | Folder, settings: EvaluationSettings
) -> None:
    """What is known so far."""
    scores = {method: view.value for method, view in views.items() if view.value is not None}
    titles = {method: title(method) for method in views}
    _figures(titles, scores)
    if not scores:
        return
    if not next(iter(scores.values())).true_labels:
        st.caption(
            "The label of each picture is what the network answers to the whole of it, as nobody has said what it "
            "shows in the network's own classes: accuracy starts at 100 % and says how long that answer lasts."
        )
    partial = {method for method, view in views.items() if view.live}
    finished = {method: one for method, one in scores.items() if method not in partial}
    show_table(table(scores, partial), "eval_table", columns(COLUMNS) | BOXES, places(COLUMNS))
    with st.container(horizontal=True):
        st.download_button(
            "Download as CSV",
            as_csv(finished, network, layer, data, settings),
            f"evaluation-{network.name}-{layer.name}.csv",
            "text/csv",
            icon=":material/download:",
            help=CSV_HELP,
            on_click="ignore",
            disabled=not finished,
            key="eval_csv",
        )
        curves = removal_curves(f"{network.title}, {layer.name}", titles, finished or scores)
        buttons(drawings(curves, f"evaluation-{network.name}-{layer.name}")[:2], "removal", not finished)


def removal_curves(subtitle: str, titles: dict[str, str], scores: dict[str, Scores]) -> Curves:
    """Accuracy over the share of pixels removed, a curve for each method, for papers and slides."""
    shares = tuple(f"{part:.0%}" for part in next(iter(scores.values())).fractions)
    axis = "pictures answered as labelled (0–1)"
    curves = [
        Curve(titles[method], axis, tuple(one.accuracy), colour=style_of(method, LIGHT)["color"])
        for method, one in scores.items()
    ]
    return Curves("Descriptive accuracy", subtitle, shares, tuple(curves), "pixels removed, least important first")


def _figures(titles: dict[str, str], scores: dict[str, Scores]) -> None:
    if not scores:
        return
    fractions = next(iter(scores.values())).fractions
    located = {m: s.localisation for m, s in scores.items() if s.localisation is not None}
    with st.container(horizontal=True, key="series"):
        with st.container():
            st.markdown("**Descriptive accuracy**: what is still recognised", help=ACCURACY_HELP)
            curves = {method: one.accuracy for method, one in scores.items()}
            alt = "Accuracy of the network against the share of pixels removed, a curve per method"
            chart(removal_figure(titles, fractions, curves, look()), "removal", alt)
        with st.container():
            st.markdown("**Area under the curve**, with 95 % bootstrap intervals", help=ACCURACY_HELP)
            areas = {method: one.area for method, one in scores.items()}
            chart(scores_figure(titles, areas, "descriptive accuracy (0–1)", look()), "areas", "Area of each method")
            st.markdown("**Localisation**: share of the top pixels inside the box", help=LOCALISATION_HELP)
            if located:
                chart(scores_figure(titles, located, "localisation (0–1)", look()), "located", "Share of each method")
            else:
                st.caption("No picture so far has a box that covers at most a third of it.")


def chart(figure: go.Figure, kind: str, alt: str) -> None:
    """Draws it as `figure_KIND`."""
    st.plotly_chart(figure, theme=None, key=f"figure_{kind}", config=PLAIN_CONFIG, alt=alt)
