"""Chart, table, pictures and command: the same whether rows were computed here or came in a file."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app.figures.layer_curves import Line, layer_curves_figure, with_points
from app.layers.choice import METRICS, QUANTITIES, choice
from app.layers.lines import Chart, lines_of
from app.layers.pictures import draw_pictures, open_point
from app.layers.table import draw_table
from app.layers.take import take_chart
from app.layers.unlike import Unlike
from app.parts import ways
from app.parts.arriving import arriving
from app.parts.certainty import UNSURE_POINTS
from app.parts.look import look

CHART_HELP = (
    "Mean over the pictures at every layer, as computed, never smoothed. Bars: 95 % bootstrap intervals over the "
    "pictures. A click on a point opens it in Explore; the list under the table does the same without a mouse."
)
COMMAND_HELP = "Run beside this program, it computes what is missing alone; with more pictures the intervals close in."
NO_CURVE = "No curve yet of {}: none of the maps behind it are there."


def draw(chart: Chart, pictures: str, device: str, commands: str, unlike: Unlike | None = None) -> None:
    """All of it; `pictures` says which they are, `commands` make the same rows ("" where none does).

    With `unlike` the pictures of a point are compared with Grad-CAM where that is asked for.
    """
    lines = lines_of(chart)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{METRICS[chart.metric]} from layer to layer**", help=CHART_HELP)
        take_chart(chart, lines, pictures, device, commands)
    _chart(chart, lines)
    drawn = with_points(lines)
    if missing := list(dict.fromkeys(f"**{line.title}**" for line in lines if line not in drawn)):
        st.caption(f":material/info: {NO_CURVE.format(', '.join(missing))}")
    if any(count for line in lines for count in line.unsure):
        st.caption(f":material/help: {UNSURE_POINTS}")
    draw_table(chart)
    draw_pictures(chart, lines, unlike)
    if commands:
        st.markdown("**The same table by a command**", help=COMMAND_HELP)
        st.code(commands, language="bash", wrap_lines=True)
    ways.follow()


def _chart(chart: Chart, lines: Sequence[Line]) -> None:
    def clicked() -> None:
        points = st.session_state["figure_layer_curves"]["selection"]["points"]
        if points and (here := points[0].get("customdata")):
            fingerprint, layer, setting = here
            if chart.networks[fingerprint].key:
                open_point(chart, fingerprint, layer, setting)

    arriving(
        "layer_curves",
        partial(layer_curves_figure, lines, choice().axis, QUANTITIES[chart.metric], look()),
        f"{QUANTITIES[chart.metric]} of every layer, a curve for each of " + ", ".join(line.words for line in lines),
        on_select=clicked,
        selection_mode="points",
    )
