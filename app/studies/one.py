"""One study: what the paper says, the curves, the map beside them, and how to make all of it again."""

import streamlit as st

from app.figures.studies import study_figure
from app.figures.style import PLAIN_CONFIG
from app.parts.bound import segments
from app.parts.certainty import UNSURE_POINTS
from app.parts.look import look
from app.studies.choice import change, choice
from app.studies.claims import draw_claims
from app.studies.known import Known, title_of
from app.studies.lines import frame_of, series_of
from app.studies.stage import draw_stage, looked_at
from app.studies.take import take_study
from explainers.studies.base.card import command
from explainers.studies.base.run import command_of, has_recipe
from explainers.studies.base.study import Axis

QUANTITY_HELP = (
    "Which quantity is drawn. A click on a name above the curves hides that curve, a double click the others."
)
COMMAND_HELP = (
    "Makes the rows of this study again, the same ones, and prints the verdicts; stopped, it goes on where it was. "
    "With --quick in two minutes, roughly; with --data cub:DIR over CUB-200-2011."
)


def draw_study(one: Known) -> None:
    """The page of a study."""
    study = one.study
    st.markdown(f"{study.question} The paper: {study.figure}.")
    if one.damage:
        st.error(one.damage)
    axis = _axis(one)
    if axis is None:
        st.info("No rows of this study ship yet; the command below makes them.", icon=":material/hourglass_empty:")
    else:
        _curves(one, axis)
    draw_claims(one.findings)
    for title, words in (
        ("Unlike in the paper", study.differs),
        ("Worth knowing", study.note),
        ("Not here", lacking(one)),
    ):
        if words:
            st.caption(f"**{title}:** {words}")
    if study.computes:
        st.markdown("**The same by a command**", help=COMMAND_HELP)
        st.code(command(study), language="bash", wrap_lines=True)


def lacking(one: Known) -> str:
    """Networks whose weights are not here, and the command that makes one; empty where all are."""
    made = [name for name in one.lacking if has_recipe(name)]
    others = [name for name in one.lacking if name not in made]
    parts = [f"{'; '.join(map(title_of, made))}. `{command_of(made[0])}` makes the first, and so on."] if made else []
    parts += [f"{'; '.join(map(title_of, others))}: nothing here trains them yet."] if others else []
    return " ".join(parts)


def _axis(one: Known) -> Axis | None:
    """The axis that is chosen, or the first."""
    found = {axis.quantity: axis for axis in one.axes}
    return found.get(choice().quantity) or next(iter(found.values()), None)


def _curves(one: Known, axis: Axis) -> None:
    titles = {known.quantity: known.quantity[0].upper() + known.quantity[1:] for known in one.axes}
    seen = looked_at(one, choice())
    with st.container(horizontal=True, key="studies_pair"):
        with st.container():
            if len(titles) > 1:
                segments("w_studies_quantity", "Quantity", titles, axis.quantity, _quantity, QUANTITY_HELP)
            marked = float(seen.row["x"]) if seen is not None and not axis.named else None
            series = series_of(one, axis.quantity)
            figure = study_figure(series, frame_of(axis), look(), marked)
            alt = f"{axis.title} against {axis.x_title}, a curve for each of {', '.join(one.series(axis.quantity))}"
            st.plotly_chart(figure, theme=None, config=PLAIN_CONFIG, key="figure_studies_curves", alt=alt)
            if any(any(curve.unsure) for curve in series):
                st.caption(f":material/help: {UNSURE_POINTS}")
            take_study(one, axis)
        if seen is not None:
            with st.container():
                draw_stage(one, seen)


def _quantity(value: object) -> None:
    change(quantity=value)
