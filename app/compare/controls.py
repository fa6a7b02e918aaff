"""What is compared: two networks, weights files for either, the pair of layers and the metric."""

from collections.abc import Mapping
from functools import partial

import streamlit as st

from app.address import selection
from app.address.worlds import fitting
from app.compare.choice import METRICS, change, choice
from app.compare.pairs import RULES, Pair, pair
from app.inputs.pictures import title_of
from app.jobs.backend import OWN, Backend, networks
from app.parts.bound import segments
from app.parts.own_networks import keep_own, listed, own_here, own_titles
from app.sidebar.controls import shape
from app.sidebar.weights_choice import architecture_control, choice_control, file_of_weights, titled
from explainers.methods.entropies import ENTROPIES
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

A_HELP = "The network that differences are counted from: before, or the plain one."
B_HELP = "The network that differences are counted to: after, or the other one. Positive: B has discarded more."
PARTNER_HELP = (
    "The layer of B that is held against the layer of A. On its own, the layer of the same name, else the one at the "
    "nearest share of the way through the network, both in the order of execution."
)
METRIC_TITLES = {name: method.title for name, method in ENTROPIES.items()}
METRIC_HELP = (
    "CID: how much noise each pixel can bear before the layer's feature moves. RU: how badly each pixel can be "
    "recovered from the feature; it needs a trained decoder for both layers. Both in nats."
)
SCALE_TITLES = {"pair": "Fitted to these two", "fixed": "The same for all maps"}
SCALE_HELP = (
    "Fitted to these two: from the smallest to the largest value of both maps, which shows the most. The same for all "
    "maps: the fixed scale of the Explore page, on which any two layers and pictures can be compared."
)
SWAP_HELP = "Before becomes after: the difference changes its sign, and the pair of layers stays."
ALONE = ""
# Shares of the way through a network that differ by more are not the same place.
APART = 0.05


def networks_control(backend: Backend) -> None:
    """Network A, network B, and a button that makes each the other."""
    change(other=other())
    entries = {entry.name: entry for entry in networks()}
    if selection.selection().network not in entries and not selection.selection().network.startswith(OWN):
        selection.change(network=selection.Selection().network, layer=None)
    _network_select(backend, "a", "Network A, before", selection.selection().network, A_HELP)
    _network_select(backend, "b", "Network B, after", other(), B_HELP)
    st.button(
        "Swap A and B",
        key="compare_swap",
        icon=":material/swap_vert:",
        on_click=_swap,
        width="stretch",
        help=SWAP_HELP,
    )


def _network_select(backend: Backend, letter: str, label: str, chosen: str, words: str) -> None:
    entries = {entry.name: entry for entry in networks()}
    own = own_here(backend, chosen)
    if chosen.startswith(OWN):
        own.setdefault(chosen, "Your own weights")

    key = f"w_compare_{letter}"
    st.session_state[key] = chosen
    st.selectbox(
        label,
        [*own, *entries],
        format_func=listed(backend, own),
        key=key,
        on_change=_take_network,
        args=(letter,),
        help=words,
    )


def suggested(network: str) -> str:
    """A second network to begin with: another shipped one for the same data, else the first one's own architecture.

    >>> suggested("alexnet-birds"), suggested("resnet32-cifar10"), suggested("unet-membranes")
    ('vgg16-birds', 'resnet20-cifar10', 'unet-membranes')
    """
    entries = {entry.name: entry for entry in networks()}
    if network not in entries:
        return st.session_state.get("architecture") or selection.Selection().network
    data = entries[network].data
    return next((name for name, e in entries.items() if e.data == data and name != network and e.available), network)


def other() -> str:
    """Network B: the one that was chosen, else the one that is suggested."""
    return choice().other or suggested(selection.selection().network)


def title(network: Network, key: str) -> str:
    """How a network is called in text: its own title, or that of the file that its weights came in."""
    return title_of(own_titles()[key].partition(" · ")[0]) if key in own_titles() else network.title


def weights_control(backend: Backend) -> None:
    """A weights file for A and one for B, of one architecture or as each is recognised."""
    with st.expander("Two weights files of your own", key="compare_weights"):
        architecture_control("w_compare_architecture", _take_architecture, backend)
        shown = {"a": selection.selection().network, "b": other()}
        for letter, words in (("a", "Weights of A, before"), ("b", "Weights of B, after")):
            file_of_weights(words, f"w_compare_weights_{letter}", _take_weights, backend, letter)
            choice_control(backend, shown[letter], f"w_compare_choice_{letter}", partial(_take_choice, backend, letter))


def partner_control(layer: Layer, a: Network, b: Network) -> Pair:
    """The layer of B, and which rule has found it."""
    found = st.session_state["compare_pair"] = pair(layer, a, b, choice().partner_of(layer.name))
    alone = pair(layer, a, b).partner
    layers = {known.name: known for known in b.layers}

    def named(name: str) -> str:
        return f"{name} · {shape(layers[name])}" if name else f"The match: {alone.name} · {shape(alone)}"

    st.session_state["w_compare_partner"] = choice().partner_of(layer.name) or ALONE
    st.selectbox(
        "Partner in B",
        [ALONE, *layers],
        format_func=named,
        key="w_compare_partner",
        on_change=_take_partner,
        args=(layer.name,),
        help=PARTNER_HELP,
    )
    text = f"{layer.name} of A and {found.partner.name} of B are compared because {RULES[found.rule]}."
    here, there = found.shares(a, b)
    if abs(here - there) > APART:
        text += f" They lie at {here:.0%} and {there:.0%} of the way: part of the difference is that of depth."
    st.caption(text)
    return found


def metric_control() -> str:
    """CID or RU."""
    return _segmented("metric", "Metric", {name: METRIC_TITLES[name] for name in METRICS}, METRIC_HELP)


def scale_control() -> str:
    """What the scale of the two maps is fitted to."""
    return _segmented("scale", "Scale of A and B", SCALE_TITLES, SCALE_HELP)


def curve_control(titles: Mapping[str, str], words: str) -> str:
    """How the curves over all layers are computed."""
    return _segmented("curve", "Curves", titles, words)


def _segmented(name: str, label: str, titles: Mapping[str, str], words: str) -> str:
    segments(f"w_compare_{name}", label, titles, getattr(choice(), name), lambda value: change(**{name: value}), words)
    return getattr(choice(), name)


def _take_partner(layer: str) -> None:
    name = st.session_state["w_compare_partner"]
    change(partner=name or None, of=layer if name else None)


def _take_network(letter: str) -> None:
    show(letter, st.session_state[f"w_compare_{letter}"])


def show(letter: str, network: str) -> None:
    """Takes another network as A or B; a partner that was chosen by hand belonged to the one before."""
    change(partner=None, of=None)
    if letter == "b":
        change(other=network)
        return
    picture = fitting(selection.selection().picture, network)
    if picture != selection.selection().picture:
        st.session_state["source"] = picture.partition("/")[0]
    selection.change(network=network, layer=None, grid=None, picture=picture)


def _swap() -> None:
    a, b, grid = selection.selection().network, other(), selection.selection().grid
    pair: Pair | None = st.session_state.get("compare_pair")
    show("a", b)
    show("b", a)
    selection.change(grid=grid)
    if pair is not None:
        selection.change(layer=pair.partner.name)
        # By name the rule finds its way back; otherwise the pair is kept by hand.
        if pair.rule != "name":
            change(partner=pair.layer.name, of=pair.partner.name)


def _take_architecture(backend: Backend) -> None:
    st.session_state["architecture"] = st.session_state["w_compare_architecture"]
    # A file that did not fit gets its next try at once; one that did is left alone.
    for letter, network in (("a", selection.selection().network), ("b", other())):
        if network.startswith(OWN) and not backend.has_network(network):
            _take_weights(backend, letter)


def _take_choice(backend: Backend, letter: str, given: dict[str, str]) -> None:
    _take_weights(backend, letter, **given)


def _take_weights(backend: Backend, letter: str, architecture: str | None = None, weights: str | None = None) -> None:
    file = st.session_state[f"w_compare_weights_{letter}"]
    if file is None:
        return
    architecture = architecture or str(st.session_state["architecture"])
    slot = {"a": "network", "b": "compare other"}[letter]
    key = backend.add_network(architecture, file.getvalue(), selection.owner(slot), weights)
    keep_own(key, titled(file.name, architecture, weights))
    show(letter, key)
