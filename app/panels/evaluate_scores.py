"""The scores, method by method as they are ready: status, curves, table and CSV."""

import streamlit as st

from app import state
from app.backend import Backend, View
from app.figures.evaluate import removal_figure, scores_figure
from app.figures.style import PLAIN_CONFIG
from app.look import look
from app.panels import progress
from app.panels.evaluate_table import as_csv, table
from explainers.layers import Layer
from explainers.networks import Network
from explainers.studies.evaluate_judge import expected_passes
from explainers.studies.evaluate_methods import title
from explainers.studies.evaluate_scores import EvaluationSettings, Scores
from explainers.studies.evaluation_data import Birds, Folder

POLL = 1.0
ACCURACY_HELP = (
    "The pixels that a map calls least important are removed first. The later the network changes its answers, the "
    "better the map knows what the network needs. The score is the area under the curve."
)
LOCALISATION_HELP = (
    "Of the n pixels that a map calls most important, the share inside the box around the subject, n being the box's "
    "area. Only pictures whose box covers at most a third count. It asks where people look, not what the network uses."
)


def evaluate_scores(
    store: Backend,
    network: Network,
    layer: Layer,
    methods: tuple[str, ...],
    data: Birds | Folder,
    settings: EvaluationSettings,
) -> None:
    """Asks for every method's scores once they were started, and draws what is there."""
    owner = state.owner("evaluate")
    started: set[str] = st.session_state.setdefault("evaluate_started", set())

    def ask() -> dict[str, View]:
        views = {}
        for method in methods:
            # Cheap maps first.
            place = expected_passes(method, network, settings)
            view = store.scores(network, layer, method, data, settings, owner, place, start=False)
            if view.state == "missing" and view.key in started:
                view = store.scores(network, layer, method, data, settings, owner, place, start=True)
            views[method] = view
        return views

    def begin() -> None:
        for view in ask().values():
            store.retry(view.key)
            started.add(view.key)

    def stop() -> None:
        for view in ask().values():
            started.discard(view.key)
            store.stop(view.key, owner)

    views = ask()
    store.release(owner, keep={view.key for view in views.values()})
    polling = any(view.live for view in views.values())

    def draw() -> None:
        now = ask()
        if any(view.live for view in now.values()) != polling:
            st.rerun()
        _status(now, network, data, settings, begin, stop)
        _results(now, network, layer, data, settings)

    st.fragment(draw, run_every=POLL if polling else None)()


def remaining(views: dict[str, View], network: Network, count: int, settings: EvaluationSettings) -> float | None:
    """Seconds left, from the passes that methods still need and what a pass has cost so far."""
    known = [view.value for view in views.values() if view.value is not None]
    if not known:
        return None
    left = {m: count for m, view in views.items() if view.state == "waiting"}
    spent = sum(scores.elapsed for scores in known)
    passes = sum(scores.count * (sum(scores.passes) + len(scores.fractions)) for scores in known)
    waiting = sum(n * expected_passes(method, network, settings) for method, n in left.items())
    running = sum(v.value.elapsed * (1 / v.value.progress - 1) for v in views.values() if v.live and v.value)
    return spent / passes * waiting + running


def _status(
    views: dict[str, View], network: Network, data: Birds | Folder, settings: EvaluationSettings, begin, stop
) -> None:
    wanted = {method: view for method, view in views.items() if view.state != "refused"}
    done = [view for view in wanted.values() if view.state == "done"]
    failed = [view for view in wanted.values() if view.state == "failed"]
    if not wanted:
        progress.ended("Choose at least one method that applies to this network and layer.", "info", "evaluate")
    elif any(view.live for view in wanted.values()):
        share = (len(done) + len(failed) + sum(v.progress for v in wanted.values() if v.live)) / len(wanted)
        now = next((method for method, view in wanted.items() if view.state == "running"), None)
        text = f"{len(done)} of {len(wanted)} methods ready"
        if now:
            view = wanted[now]
            what = f"{title(now)}: {view.value.count} of {len(data)} pictures" if view.value else "preparing pictures"
            text += f" · {what}"
        progress.running(text, share, remaining(wanted, network, len(data), settings), "evaluate", stop)
    elif len(done) == len(wanted):
        progress.ended(f"All {len(wanted)} methods are judged on {len(data)} pictures.", "check_circle", "evaluate")
    else:
        text = f"{len(done)} of {len(wanted)} methods have been judged on these {len(data)} pictures."
        if failed:
            text += f" {len(failed)} failed: {failed[0].message}"
        label = "Judge the missing methods" if done else f"Judge {len(wanted)} methods"
        label = "Judge one method" if len(wanted) == 1 else label
        progress.ended(text, "error" if failed else "balance", "evaluate", (label, begin))


def _results(
    views: dict[str, View], network: Network, layer: Layer, data: Birds | Folder, settings: EvaluationSettings
) -> None:
    for method, view in views.items():
        if view.state == "refused":
            st.caption(f"**{title(method)}** is left out: {view.message.rstrip('.')}.")
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
    st.dataframe(table(scores, partial), hide_index=True, width="stretch", column_config=_columns(), key="eval_table")
    st.download_button(
        "Download as CSV",
        as_csv({m: s for m, s in scores.items() if m not in partial}, network, layer, data, settings),
        f"evaluation-{network.name}-{layer.name}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        disabled=len(partial) == len(scores),
        key="eval_csv",
    )


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
            _chart(removal_figure(titles, fractions, curves, look()), "removal", alt)
        with st.container():
            st.markdown("**Area under the curve**, with 95 % bootstrap intervals", help=ACCURACY_HELP)
            areas = {method: one.area for method, one in scores.items()}
            _chart(scores_figure(titles, areas, "descriptive accuracy (0–1)", look()), "areas", "Area of each method")
            st.markdown("**Localisation**: share of the top pixels inside the box", help=LOCALISATION_HELP)
            if located:
                _chart(scores_figure(titles, located, "localisation (0–1)", look()), "located", "Share of each method")
            else:
                st.caption("No picture so far has a box that covers at most a third of it.")


def _chart(figure, kind: str, alt: str) -> None:
    st.plotly_chart(figure, theme=None, key=f"figure_{kind}", config=PLAIN_CONFIG, alt=alt)


def _columns() -> dict:
    number = st.column_config.NumberColumn
    return {
        "Method": st.column_config.TextColumn(pinned=True, width=150),
        "Descriptive accuracy": number(format="%.3f", help=ACCURACY_HELP),
        "Localisation": number(format="%.3f", help=LOCALISATION_HELP),
        "Boxes": number(help="Pictures whose box covers at most a third: those that localisation counts."),
        "Passes": st.column_config.TextColumn(help="Forward + backward passes through the network for one map."),
        "Seconds per map": number(format="%.3f", help="On this machine, maps of several pictures computed together."),
    }
