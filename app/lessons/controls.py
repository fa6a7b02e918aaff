"""Controls that several lessons share; their values outlast a change of lesson."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from app.glossary import explain
from app.lessons import bench

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
    key = _bind(name, options, default)
    st.select_slider(label, options, format_func=show, key=key, on_change=_take, args=(name,), help=meaning)
    return st.session_state[key]


def choice(
    label: str, options: Sequence, default: Any, meaning: str, name: str, show: Callable[[Any], str] = str
) -> Any:
    """A list of few words to choose from, bound in the same way."""
    key = _bind(name, options, default)
    st.selectbox(label, options, format_func=show, key=key, on_change=_take, args=(name,), help=meaning)
    return st.session_state[key]


def segments(
    label: str, options: Sequence, default: Any, meaning: str, name: str, show: Callable[[Any], str] = str
) -> Any:
    """Two or three ways side by side, bound in the same way."""
    key = _bind(name, options, default)
    st.segmented_control(
        label, options, format_func=show, key=key, on_change=_take, args=(name,), help=meaning, required=True
    )
    return st.session_state[key]


def _bind(name: str, options: Sequence, default: Any) -> str:
    kept = st.session_state.setdefault("learn", {})
    if kept.get(name) not in options:
        kept[name] = default
    key = f"w_learn_{name}"
    st.session_state[key] = kept[name]
    return key


def _take(name: str) -> None:
    st.session_state["learn"][name] = st.session_state[f"w_learn_{name}"]
