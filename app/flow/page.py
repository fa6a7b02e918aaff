"""Information flow: what the layers of a noisy network know of a whole data set, over its training."""

import streamlit as st

from app.address import selection
from app.flow import known
from app.flow.choice import choice
from app.flow.controls import experiment_control, place_control, show_control, unit_control
from app.flow.deterministic import deterministic
from app.flow.files import command
from app.flow.neuron import draw_neuron
from app.flow.notes import notes
from app.flow.run import over_epochs
from app.flow.stage import draw_stage, looked_at, unfolded
from app.flow.tables import INPUT, Rows, rows_of, summary
from app.inputs.sentences import sentence
from app.jobs.backend import the_backend
from app.parts import link_notice, progress
from app.parts.look import apply
from explainers.assets import DamagedFile

LEAD = (
    "How much each layer knows of the input and of the class, over a training. These networks are small and have noise "
    "inside, so that the question has an answer in numbers."
)
COMMAND_HELP = (
    "Makes the networks, the table and the snapshots of this experiment again, with the same seeds; stopped, it goes "
    "on where it was."
)
FLOW_CSS = """
<style>
.st-key-flow_pair {flex-wrap:wrap; column-gap:1.5rem}
.st-key-flow_pair > div {flex:1 1 380px; min-width:290px}
.st-key-flow_anew {flex-wrap:wrap; column-gap:1.5rem}
.st-key-flow_anew > div {flex:1 1 240px; min-width:220px; max-width:360px}
</style>
"""


def page() -> None:
    """Sidebar -> experiment, network, layer, epoch; the stage, what is to be said, curves, numbers, command."""
    apply()
    st.html(FLOW_CSS)
    link_notice.check("flow", the_backend(), choice().texts())
    with st.sidebar:
        experiment_control()
        place_control()
        unit_control()
    st.title("What does a layer know while the network learns?", anchor=False)
    notice = st.empty()
    st.markdown(LEAD)
    rows = _rows()
    if choice().deterministic:
        deterministic(rows)
    elif rows is None:
        progress.coming(coming(choice().experiment), "flow")
    else:
        _noisy(rows)
    selection.write_address(choice().to_query())
    link_notice.draw(notice, choice())
    st.markdown("**The same by a command**", help=COMMAND_HELP)
    twin = known.twin_of(choice().variant) if choice().deterministic else None
    st.code(command(twin.experiment if twin else choice().experiment), language="bash", wrap_lines=True)


def coming(experiment: str) -> str:
    """What stands where a table is not here."""
    return (
        "Here come the **information plane** with a point for each layer, played through the epochs, the curves of "
        "I(X;T) and I(Y;T), the points of a layer and their distances. The table of this experiment is not here yet: "
        f"the command below makes it, or `{command(experiment)} --quick` a rough one elsewhere."
    )


def _rows() -> Rows | None:
    try:
        return rows_of(choice().variant, choice().unit)
    except DamagedFile as error:
        st.error(sentence(error))
        return None


def _noisy(rows: Rows) -> None:
    chosen = choice()
    if seen := unfolded(chosen.variant, looked_at(chosen), None):
        draw_stage(rows, seen, None)
        draw_neuron(rows)
    st.caption(f"{chosen.variant.title}: {summary(rows)}.")
    layers = rows.layers(INPUT)
    epochs = rows.of(INPUT)["epoch"].nunique()
    n = int(rows.of(INPUT)["n"].max()) if layers else 0
    whole = chosen.variant.discrete and n == known.inputs(chosen.variant.recipe)
    gaps = rows.gaps(layers)
    for note in notes(rows.flags(layers), rows.ceiling(INPUT), rows.unit, n, epochs, whole, gaps):
        st.caption(f":material/flag: {note}")
    show_control(rows)
    over_epochs(rows)
