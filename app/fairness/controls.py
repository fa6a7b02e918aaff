"""What the fairness check is asked: c, the pair, the layer looked at, and the erratum's switch."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import cast

import streamlit as st

from app.address import selection
from app.address.links import clause, texts
from app.parts import link_notice
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
class Choice:
    """The reader's choice on this page; `layer` None: one that the pair suggests, `pair` "": all at once."""

    c: float = 4.0
    pair: str = ALL
    layer: str | None = None
    next_bias: bool = False

    def to_query(self) -> dict[str, str]:
        """What differs from the defaults.

        >>> Choice(c=0.25, layer="conv1").to_query()
        {'c': '0.25', 'at': 'conv1'}
        """
        plain = Choice().texts()
        return {name: text for name, text in self.texts().items() if text != plain[name]}

    def texts(self) -> dict[str, str]:
        """All of it as the address holds it."""
        return texts(asdict(self), {"layer": "at", "next_bias": "bias"})

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
        _keep("c", choice().c)
        st.select_slider("c", SCALES, format_func=part, key="w_fair_c", on_change=_take, args=("c",), help=HELP_C)
        _keep("pair", choice().pair)
        pairs = [ALL, *known]
        st.selectbox("Rescale", pairs, format_func=pair_title, key="w_fair_pair", on_change=_take_pair, help=HELP_PAIR)
        _keep("layer", looked)
        st.selectbox(
            "Look at layer",
            list(stations),
            format_func=layer_title,
            key="w_fair_layer",
            on_change=_take,
            args=("layer",),
            help=HELP_LAYER,
        )
        _keep("next_bias", choice().next_bias)
        st.toggle(
            "Next bias × c too, as printed",
            key="w_fair_next_bias",
            on_change=_take,
            args=("next_bias",),
            help=HELP_BIAS,
        )
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


def _keep(name: str, value: object) -> None:
    st.session_state[f"w_fair_{name}"] = value


def _take(name: str) -> None:
    change(**{name: st.session_state[f"w_fair_{name}"]})


def _take_pair() -> None:
    # The layer that was looked at belongs to the pair before.
    change(pair=st.session_state["w_fair_pair"], layer=None)
