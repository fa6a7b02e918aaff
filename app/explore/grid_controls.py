"""The choices of the grid: methods, columns, scale, opacity, colours and the class that is explained."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from app.explore import grid_choice
from app.explore.grid_choice import (
    ACROSS,
    COLOURS,
    MOST_COLUMNS,
    MOST_NETWORKS,
    OPACITIES,
    SCALES,
    SIGNED_COLOURS,
    choice,
)
from app.parts.bound import segments
from explainers.cid.results import CIDSettings
from explainers.methods.method import MapMethod
from explainers.methods.registry import methods

# The size that costs are told for.
USUAL = (224, 224)
GROUPS: Mapping[str, Callable[[MapMethod], bool]] = {
    "What a layer discards": lambda method: method.entropy,
    "Of one layer": lambda method: method.uses_layer and not method.entropy,
    "Of the whole network": lambda method: not method.uses_layer,
}
METHODS_HELP = "The rows: which kinds of map are shown. Each is explained in a sentence."
COLUMNS_HELP = {
    "layers": "The columns, in order of execution. Without a choice: a first, a middle and a late layer. Another layer "
    "on the left takes the place of the nearest of them.",
    "pictures": "The columns: each picture at the layer chosen on the left.",
    "networks": "The columns: of each the layer named as the one on the left, else the one as far through the network.",
}
LOOK_HELP = "Colours of the maps, and how much of the picture shines through. The numbers stay as they are."
ACROSS_HELP = "What stands side by side: layers of one network, one layer for several pictures, or several networks."
SCALE_HELP = (
    "One scale per row: the same colour means the same value in every map of a method; CID always has one scale for "
    "all layers. Each its own: every map is stretched to 0–1 (signed ones to −1–1), which shows the pattern alone."
)
OPACITY_HELP = "Below 100 %, the picture shines through."
COLOURS_HELP = "Even steps of colour mean even steps of value; all are readable without telling red from green."
SIGNED_HELP = (
    "For maps with a sign: the middle of the scale is zero, red speaks for what is explained, blue against it."
)
LIKELIEST = -1
CHANNEL_HELP = (
    "Most methods explain one score: here the mean brightness of a channel, which stands in brackets. CID, RU and the "
    "activation explain none: they look at the feature."
)
TARGET_HELP = (
    "Most methods explain the score of one class. CID, RU and the activation explain none: they look at the feature."
)


def methods_control() -> None:
    """A list that explains every method in a sentence."""
    count = len(choice().methods)
    with st.popover(
        f"Methods ({count})", icon=":material/checklist:", key="grid_methods", width="content", help=METHODS_HELP
    ):
        for title, belongs in GROUPS.items():
            st.markdown(f"**{title}**")
            for method in filter(belongs, methods().values()):
                _method_control(method)


def _method_control(method: MapMethod) -> None:
    key, cost = f"w_method_{method.name}", method.passes(USUAL, CIDSettings())
    st.session_state[key] = method.name in choice().methods
    st.checkbox(
        f"**{method.title}** — {method.sentence}",
        key=key,
        on_change=_take_method,
        args=(method.name,),
        help=f"{method.reference}. In {method.unit}; about {cost:,} passes of the network.",
    )


def columns_control(across: Mapping[str, Sequence[str]], shown: Sequence[str], titles: Mapping[str, str]) -> None:
    """What the columns are, and which: `across` has the options of each kind, `shown` those that are columns now."""
    segments(
        "w_across", "Columns", ACROSS, choice().across, lambda value: grid_choice.change(across=value), ACROSS_HELP
    )
    kind = choice().across
    key = f"w_columns_{kind}"
    st.session_state[key] = list(shown)
    most = MOST_NETWORKS if kind == "networks" else MOST_COLUMNS
    st.multiselect(
        f"{ACROSS[kind]}, up to {most}",
        list(dict.fromkeys([*across[kind], *shown])),
        format_func=lambda item: titles.get(item, item),
        max_selections=most,
        key=key,
        on_change=_take_columns,
        args=(kind, key),
        help=COLUMNS_HELP[kind],
    )


def scale_control() -> None:
    """Which maps share a scale."""
    segments("w_scale", "Scale", SCALES, choice().scale, lambda value: grid_choice.change(scale=value), SCALE_HELP)


def colours_control() -> None:
    """Opacity over the picture, and the colours of maps with and without a sign."""
    with st.popover("Colours", icon=":material/palette:", key="grid_colours", width="content", help=LOOK_HELP):
        st.session_state["w_opacity"] = choice().opacity
        st.select_slider(
            "Opacity",
            OPACITIES,
            format_func="{} %".format,
            key="w_opacity",
            on_change=_take,
            args=("opacity",),
            help=OPACITY_HELP,
        )
        _select("colours", "Colours", COLOURS, COLOURS_HELP)
        _select("signed_colours", "Colours with a sign", SIGNED_COLOURS, SIGNED_HELP)


def target_control(classes: Sequence[str], top: Sequence[tuple[str, float]], channels: bool = False) -> None:
    """The class that is explained: the likeliest answers first, then all others.

    Of a picture that is given back it is one of its `channels`, with its brightness.
    """
    order = {classes.index(name): share for name, share in top}
    options = [LIKELIEST, *order, *(index for index in range(len(classes)) if index not in order)]
    st.session_state["w_target"] = choice().target if choice().target in options else LIKELIEST

    def title(index: int) -> str:
        if index == LIKELIEST:
            return "The brightest" if channels else "The likeliest"
        if index not in order:
            return classes[index]
        return f"{classes[index]} ({order[index]:.2f})" if channels else f"{classes[index]} ({order[index]:.0%})"

    st.selectbox(
        "Channel explained" if channels else "Class explained",
        options,
        format_func=title,
        key="w_target",
        on_change=_take_target,
        help=CHANNEL_HELP if channels else TARGET_HELP,
        width=230,
    )


def _select(name: str, label: str, options: Mapping[str, str], help: str) -> None:
    st.session_state[f"w_{name}"] = getattr(choice(), name)
    st.selectbox(
        label,
        list(options),
        format_func=options.__getitem__,
        key=f"w_{name}",
        on_change=_take,
        args=(name,),
        help=help,
    )


def _take(name: str) -> None:
    grid_choice.change(**{name: st.session_state[f"w_{name}"]})


def _take_target() -> None:
    target = st.session_state["w_target"]
    grid_choice.change(target=None if target == LIKELIEST else target)


def _take_method(name: str) -> None:
    wanted = set(choice().methods) ^ {name}
    grid_choice.change(methods=tuple(known for known in methods() if known in wanted))


def _take_columns(kind: str, key: str) -> None:
    grid_choice.change(**{kind: tuple(st.session_state[key])})
