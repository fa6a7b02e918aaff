"""Controls that several lessons share; their values outlast a change of lesson and stand in the address bar."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app.address.links import text, unoffered
from app.learn.lessons import bench
from app.parts import link_notice
from app.parts.glossary import explain

PICTURE = "The picture that goes through the network, scaled to the 32×32 pixels it was trained on."
LAYER = (
    "Which step of the network looks at the picture, from the first to the last. The network is a ResNet-20 trained "
    "on CIFAR-10."
)


def picture_control() -> str:
    """The key of the picture, one for all lessons."""
    titles = bench.pictures()
    return choice("Picture", list(titles), bench.PICTURE, PICTURE, "picture", titles.__getitem__)


def layer_control(default: str) -> str:
    """The name of the layer, one for each lesson."""
    names = [layer.name for layer in bench.network().layers]
    return slide("Layer", names, default, LAYER, f"layer_{default}")


def sigma_control(values: Sequence[float], default: float, name: str) -> float:
    return slide("Noise σ (network units)", values, default, explain("σ"), name, lambda value: f"{value:g}")


def slide(
    label: str, options: Sequence, default: Any, meaning: str, name: str, show: Callable[[Any], str] = str
) -> Any:
    """A slider over some values, bound to a value that stays when the lesson changes."""
    key = _bind(name, options, default, label)
    st.select_slider(label, options, format_func=show, key=key, on_change=_take, args=(name,), help=meaning)
    return st.session_state[key]


def choice(
    label: str, options: Sequence, default: Any, meaning: str, name: str, show: Callable[[Any], str] = str
) -> Any:
    """A list of few words to choose from, bound in the same way."""
    key = _bind(name, options, default, label)
    st.selectbox(label, options, format_func=show, key=key, on_change=_take, args=(name,), help=meaning)
    return st.session_state[key]


def segments(
    label: str, options: Sequence, default: Any, meaning: str, name: str, show: Callable[[Any], str] = str
) -> Any:
    """Two or three ways side by side, bound in the same way."""
    key = _bind(name, options, default, label)
    st.segmented_control(
        label, options, format_func=show, key=key, on_change=_take, args=(name,), help=meaning, required=True
    )
    return st.session_state[key]


def switch(label: str, meaning: str, name: str) -> bool:
    """A switch, off at first, bound in the same way."""
    key = _bind(name, (False, True), False, label)
    st.toggle(label, key=key, on_change=_take, args=(name,), help=meaning)
    return st.session_state[key]


def begin(link: Mapping[str, str]) -> None:
    """A lesson is about to bind its controls: to what the `link` says where nothing was chosen before."""
    st.session_state["learn_link"], st.session_state["learn_query"] = link, {}


def query() -> dict[str, str]:
    """The address bar's parameters of the lesson that has bound its controls: what differs from the defaults."""
    return st.session_state.get("learn_query", {})


def kept() -> dict[str, Any]:
    """What has been chosen in all lessons."""
    return st.session_state.setdefault("learn", {})


def _bind(name: str, options: Sequence, default: Any, label: str) -> str:
    if name not in kept() and (asked := st.session_state.get("learn_link", {}).get(name)):
        written = {text(option): option for option in options}
        if asked not in written:
            link_notice.blame(unoffered(label, asked, list(written)))
        kept()[name] = written.get(asked, default)
    if kept().get(name) not in options:
        kept()[name] = default
    if kept()[name] != default:
        query()[name] = text(kept()[name])
    key = f"w_learn_{name}"
    st.session_state[key] = kept()[name]
    return key


def _take(name: str) -> None:
    kept()[name] = st.session_state[f"w_learn_{name}"]
