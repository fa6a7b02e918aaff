"""Two checks of the maps themselves: randomised weights and small changes of the picture."""

import streamlit as st

from app.evaluate.columns import CSV_HELP, columns, places
from app.evaluate.scores import chart
from app.evaluate.table import (
    changes_as_csv,
    changes_table,
    similarities_as_csv,
    similarities_table,
)
from app.figures.evaluate import randomised_figure, scores_figure
from app.jobs.backend import View
from app.parts.look import look
from app.parts.numbers_table import show_table
from explainers.evaluation.methods import layer_titles, title
from explainers.evaluation.pictures import Birds, Folder
from explainers.evaluation.randomised import RandomisationSettings
from explainers.evaluation.stability import UNRELATED, StabilitySettings
from explainers.methods.entropies import ENTROPIES
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

RANDOMISED = (
    "The weights of a copy of the network are drawn anew, layer after layer from its end to its beginning, and each "
    "method explains the copy. **A map that stays as it was does not show what the network has learnt**: the nearer "
    "the curve comes to 0, the better."
)
RANDOMISED_HELP = (
    "The Model Parameter Randomisation Test (Adebayo et al. 2018), top-down: Spearman's rank correlation between the "
    "map of the trained network and that of the copy. 1 is the same order of pixels, 0 another one altogether, "
    "below 0 the reverse. Some similarity stays where a method draws the picture's outlines, or the middle of every "
    "picture, whatever the network. RU keeps the trained network's decoder."
)
BLIND = (
    "A map that looks at {layer} without asking for the answer, as CID does, cannot notice what happens above that "
    "layer: its order must stay until the weights of {layer} itself are random."
)
OF_A_FEATURE = {*ENTROPIES, "activation"}
STABLE = (
    "Every picture is changed {samples} times by noise of at most ± {radius:.0%} of full brightness, which can hardly"
    " be seen. **A map that changes much says more about the noise than about the picture**: lower is better."
)
STABLE_HELP = (
    "The average sensitivity (Yeh et al. 2019) of the ranks of the pixels, as every method has a unit of its own: 0 "
    "is the same order, 1.41 (√2) another one altogether. A coarse map changes less than a fine one, and one that "
    "never changes is stable too: read this beside the other scores."
)
COLUMNS = {
    "Similarity at the end": RANDOMISED_HELP,
    "Only the last layer random": "Similarity when the weights of the network's last layer alone are random.",
    "Change": STABLE_HELP,
}


def draw_randomisation(
    views: dict[str, View], network: Network, layer: Layer, data: Birds | Folder, settings: RandomisationSettings
) -> None:
    """The similarity of maps as ever more layers are random."""
    known = {method: view.value for method, view in views.items() if view.value is not None and view.value.layers}
    st.markdown(RANDOMISED, help=RANDOMISED_HELP)
    if not known:
        return
    titles = {method: title(method) for method in views}
    partial = {method for method, view in views.items() if view.live}
    names = layer_titles(max((one.layers for one in known.values()), key=len), network)
    with st.container(horizontal=True, key="series"):
        with st.container():
            st.markdown("**Similarity** to the map of the trained network")
            curves = {method: one.curve for method, one in known.items()}
            alt = "Similarity of each method's maps as weights are random down to ever earlier layers"
            chart(randomised_figure(titles, names, curves, look(), partial), "randomised", alt)
        with st.container():
            st.markdown("**What is left** when all weights are random, with 95 % bootstrap intervals")
            final = {method: one.final for method, one in known.items() if one.final is not None}
            figure = scores_figure(titles, final, "rank correlation", look(), chance=0, limits=(-0.6, 1.03))
            if final:
                chart(figure, "final", "Similarity of each method's maps when all weights are random")
            if not OF_A_FEATURE.isdisjoint(known):
                st.caption(BLIND.format(layer=layer.name))
    finished = {method: one for method, one in known.items() if method not in partial}
    _table(similarities_table(known, partial))
    _download(similarities_as_csv(finished, network, layer, data, settings), finished, "randomisation", network, layer)


def draw_stability(
    views: dict[str, View], network: Network, layer: Layer, data: Birds | Folder, settings: StabilitySettings
) -> None:
    """How much maps change with the picture."""
    known = {method: view.value for method, view in views.items() if view.value is not None and view.value.count}
    st.markdown(STABLE.format(radius=settings.radius, samples=settings.samples), help=STABLE_HELP)
    if not known:
        return
    titles = {method: title(method) for method in views}
    st.markdown("**Change of the map**, with 95 % bootstrap intervals; dotted: another map altogether")
    changes = {method: one.change for method, one in known.items()}
    axis = "change of the order of pixels (0–1.41)"
    figure = scores_figure(titles, changes, axis, look(), chance=UNRELATED, limits=(0, 1.5))
    chart(figure, "changes", "Change of each method's maps under small noise")
    partial = {method for method, view in views.items() if view.live}
    finished = {method: one for method, one in known.items() if method not in partial}
    _table(changes_table(known, partial))
    _download(changes_as_csv(finished, network, layer, data, settings), finished, "stability", network, layer)


def _table(rows: list[dict]) -> None:
    show_table(rows, "eval_table", columns(COLUMNS), places(COLUMNS))


def _download(text: str, finished: dict, what: str, network: Network, layer: Layer) -> None:
    st.download_button(
        "Download as CSV",
        text,
        f"{what}-{network.name}-{layer.name}.csv",
        "text/csv",
        icon=":material/download:",
        help=CSV_HELP,
        on_click="ignore",
        disabled=not finished,
        key="eval_csv",
    )
