"""The page's own choices: networks, pictures, strengths, metric and axis."""

import streamlit as st

from app.address import selection
from app.jobs.backend import NETWORK_BYTES, NETWORKS_KEPT, Backend, network_bytes, networks
from app.layers.choice import AXES, COUNTS, METRICS, MOST_NETWORKS, SOURCES, change, choice, shown_networks
from app.parts.bound import dropdown, segments, steps, switch
from app.parts.own_networks import listed, own_here
from app.words import scientific

NETWORKS_HELP = (
    "One curve each, at most eight. Those marked ↓ are not on this disk yet: choosing one downloads its weights. "
    "Without a choice: the network of the other pages, and small ones that ship."
)
SOURCE_HELP = (
    "Rendered birds, and pictures of your own, are computed here, layer by layer. A sweep's table is a Parquet file "
    "that the command below has written, on this machine or on a cluster: it is drawn as it is, and nothing is "
    "computed."
)
COUNT_HELP = (
    "The first birds of the gallery, the same for every network. More pictures: narrower intervals, and more time. "
    "Going on to more repeats none."
)
METRIC_HELP = (
    "CID: how much noise each pixel can bear before the layer's feature moves, the mean over the picture. RU: how "
    "badly each pixel can be recovered; it needs a decoder, so there are points only at layers that have one. "
    "Concentration: the mean of CID over the background minus that over the bird. All in nats."
)
AXIS_HELP = (
    "Layer: by name, in order of execution; networks of one family share places, others stand one after the other. "
    "Depth: the share of the way through each network, so that networks of any kind lie over one another."
)
BETA_HELP = (
    "How far the feature may move: noise is added until it has moved by β times its sensitivity. The other pages share "
    "this β. The paper uses 1.5·10⁻⁴."
)
SECOND_HELP = "Draws every curve for another β as well, with dashed lines. It takes as long again."
REFINE_HELP = (
    "Off: the closed form, quick, and exact where a layer is linear on the scale of the noise. On: corrected until the "
    "constraint holds, as Explore does, which takes several times as long."
)
SEED_HELP = "Start of the random numbers; the other pages share it. The same seed gives the same maps."
NO_SECOND = 0.0


def networks_control(backend: Backend) -> None:
    """Which networks."""
    entries = {entry.name: entry for entry in networks()}
    own = own_here(backend)
    shown = [name for name in shown_networks() if name in entries or name in own]

    st.session_state["w_layers_networks"] = shown
    st.multiselect(
        "Networks",
        [*own, *entries],
        format_func=listed(backend, own),
        max_selections=MOST_NETWORKS,
        key="w_layers_networks",
        on_change=_take_networks,
        help=NETWORKS_HELP,
    )


def fitting_networks(backend: Backend) -> tuple[list[str], list[str]]:
    """Those that are shown and fit into memory together, and those for which there is no room."""
    sizes = {entry.name: entry.size for entry in networks()}
    fit: list[str] = []
    left_out: list[str] = []
    room = NETWORK_BYTES
    for name in shown_networks():
        here = backend.kept(name)
        size = network_bytes(here) if here else max(sizes.get(name, 0), NETWORK_BYTES // NETWORKS_KEPT)
        (fit if size <= room else left_out).append(name)
        room -= size if size <= room else 0
    return fit, left_out


def source_control() -> None:
    """Where the rows come from, and of how many pictures."""
    _segmented("source", "Pictures", SOURCES, SOURCE_HELP, wide=True)
    if choice().source == "birds":
        _segmented("count", "Number of birds", {count: str(count) for count in COUNTS}, COUNT_HELP, wide=True)


def settings_control() -> None:
    """β, a second one, refinement and seed."""
    now = selection.selection()
    strengths = {beta: scientific(beta) for beta in selection.BETAS}
    steps("w_layers_beta", "Strength β", strengths, now.beta, lambda beta: selection.change(beta=beta), BETA_HELP)
    seconds = {NO_SECOND: "None"} | strengths
    second = choice().second or NO_SECOND
    dropdown("w_layers_second", "Beside it, another β", seconds, second, _take_second, SECOND_HELP)
    switch("w_layers_refine", "Refine", choice().refine, lambda on: change(refine=on), REFINE_HELP)
    st.session_state["w_layers_seed"] = now.seed
    st.number_input("Seed", 0, selection.LIMIT_SEED, key="w_layers_seed", on_change=_take_seed, help=SEED_HELP)


def metric_control() -> None:
    """What is drawn, against what."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="layers_choices"):
        _segmented("metric", "Metric", METRICS, METRIC_HELP)
        _segmented("axis", "Against", AXES, AXIS_HELP)


def _segmented(name: str, label: str, titles: dict, words: str, wide: bool = False) -> None:
    segments(
        f"w_layers_{name}", label, titles, getattr(choice(), name), lambda value: change(**{name: value}), words, wide
    )


def _take_networks() -> None:
    change(networks=tuple(st.session_state["w_layers_networks"]))


def _take_second(beta: float) -> None:
    change(second=beta or None)


def _take_seed() -> None:
    selection.change(seed=st.session_state["w_layers_seed"])
