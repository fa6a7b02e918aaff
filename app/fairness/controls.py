"""What the fairness check is asked: c, the pair, the layer looked at, and the erratum's switch."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import cast

import streamlit as st

from app.address import selection
from app.address.links import clause
from app.address.record import AddressRecord
from app.parts import link_notice
from app.parts.bound import dropdown, steps, switch, taker
from app.sidebar.controls import shape
from app.words import part
from explainers.fairness.maps import Question
from explainers.fairness.plan import Plan
from explainers.networks.layers import Layer

# Powers of two move only the exponent of a number, so that no bit of the logits can change.
SCALES = tuple(2.0**power for power in range(-4, 5) if power)
ALL = ""
HELP_C = (
    "By how much a layer is made smaller and the next one larger. The paper uses 4. Powers of two change only the "
    "exponent of a number in the computer, so not one bit of the result may move."
)
HELP_PAIR = (
    "Two neighbouring layers: what the first gives out is divided by c, the weights of the second are "
    "multiplied by c. A feature that goes to several layers is taken back at each of them, at the channels where it "
    "goes in. All at once: one after the other, so that a layer between two others gets both."
)
HELP_LAYER = (
    "Where the maps and the table below are measured. Marked ÷ c: layers whose feature this rescaling makes "
    "smaller. At all others nothing changes."
)
HELP_BIAS = (
    "The printed rule of the ICML paper multiplies the bias of the next layer too. Switch it on to see that "
    "this is a slip: the logits move, so it is another network. The first version of the paper leaves the "
    "bias alone."
)


@dataclass(frozen=True)
class Choice(AddressRecord):
    """The reader's choice on this page; `layer` None: one that the pair suggests, `pair` "": all at once.

    >>> Choice(c=0.25, layer="conv1").to_query()
    {'c': '0.25', 'at': 'conv1'}
    """

    NAMES = MappingProxyType({"layer": "at", "next_bias": "bias"})

    c: float = 4.0
    pair: str = ALL
    layer: str | None = None
    next_bias: bool = False

    @staticmethod
    def from_query(query: Mapping[str, str]) -> "Choice":
        """The choice in an address; values that make no sense are left at their defaults.

        >>> Choice.from_query({"c": "3", "at": "conv1", "bias": "True"})
        Choice(c=4.0, pair='', layer='conv1', next_bias=True)
        """
        known = {f"{scale:g}": scale for scale in SCALES}
        return Choice(
            c=known.get(query.get("c", ""), Choice().c),
            pair=query.get("pair", ALL),
            layer=query.get("at"),
            next_bias=query.get("bias") == "True",
        )


def choice() -> Choice:
    """This session's choice; on the first visit what the address bar says."""
    if "fairness" not in st.session_state:
        st.session_state["fairness"] = Choice.from_query(selection.arrived("fairness"))
    return st.session_state["fairness"]


def change(**values: object) -> None:
    st.session_state["fairness"] = replace(choice(), **values)


def write_address() -> None:
    """The address bar says what is selected, on all pages and on this one."""
    selection.write_address(choice().to_query())


def check_link(plan: Plan) -> None:
    """Leaves out the pair and the layer that the plan does not have."""
    now = choice()
    if now.pair not in (ALL, *(pair.layer_name for pair in plan.allowed)):
        link_notice.blame(clause("fairness", "pair", now.pair))
        change(pair=ALL)
    if now.layer is not None and now.layer not in [station.name for station in plan.stations]:
        link_notice.blame(clause("fairness", "at", now.layer))
        change(layer=None)


def question_control(plan: Plan, decoded: Collection[str]) -> Question:
    """The widgets in one row; returns what is asked. `decoded` are the stations that have a decoder."""
    known = {pair.layer_name: pair for pair in plan.allowed}
    if choice().pair not in (ALL, *known):
        change(pair=ALL)
    stations = {station.name: station for station in plan.stations}
    marks = dict.fromkeys(plan.shrunk_by(choice().pair), "  ÷ c") | dict.fromkeys(
        plan.partly_by(choice().pair), "  ÷ c in part"
    )
    looked = choice().layer if choice().layer in stations else suggested(plan, choice().pair, decoded).name

    def pair_title(name: str) -> str:
        return f"{name} → {briefly(known[name].following_name)}" if name else f"All {len(known)} pairs at once"

    def layer_title(name: str) -> str:
        return f"{name} · {shape(stations[name])}" + marks.get(name, "")

    with st.container(horizontal=True, vertical_alignment="bottom", key="fair_controls"):
        steps("w_fair_c", "Factor c", {scale: part(scale) for scale in SCALES}, choice().c, taker(change, "c"), HELP_C)
        pairs = {name: pair_title(name) for name in (ALL, *known)}
        # The layer that was looked at belongs to the pair before.
        dropdown("w_fair_pair", "Rescale", pairs, choice().pair, lambda pair: change(pair=pair, layer=None), HELP_PAIR)
        layers = {name: layer_title(name) for name in stations}
        dropdown("w_fair_layer", "Look at layer", layers, looked, taker(change, "layer"), HELP_LAYER)
        bias = choice().next_bias
        switch("w_fair_next_bias", "Next bias × c too, as printed", bias, taker(change, "next_bias"), HELP_BIAS)
    now, common = choice(), selection.selection()
    return Question(cast(str, looked), now.c, now.pair, now.next_bias, common.beta, common.grid, common.seed)


def suggested(plan: Plan, pair: str, decoded: Collection[str] = ()) -> Layer:
    """Three quarters through the layers that the choice makes smaller and that have positions, if any.

    Those with a decoder come first: there RU can be measured too.
    """
    shrunk = plan.shrunk_by(pair)
    small = [station for station in plan.stations if station.name in shrunk]
    spread = [station for station in small if len(station.shape) == 3 and min(station.shape[1:]) > 1]
    known = [station for station in spread if station.name in decoded]
    best = known or spread or small or plan.stations
    return best[(3 * (len(best) - 1)) // 4]


def briefly(names: str) -> str:
    """
    >>> briefly("conv2"), briefly("conv2, conv3, conv4")
    ('conv2', 'conv2 and 2 more')
    """
    first, *others = names.split(", ")
    return f"{first} and {len(others)} more" if others else first
