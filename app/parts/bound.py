"""Controls that show a value of a page's choice and change it.

Of each: `titles` are the values that there are and what they are called, of which `chosen` is shown; `change(value)` is
told of another; `words` explain it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

Change = Callable[[Any], object]


def taker(change: Callable[..., object], name: str) -> Change:
    """What changes the field `name` of a choice by `change(**fields)`."""
    return lambda value: change(**{name: value})


def segments(
    key: str, label: str, titles: Mapping[Any, str], chosen: object, change: Change, words: str,
    wide: bool = False, disabled: bool = False,
) -> None:  # fmt: skip
    """A row of buttons, one for each of `titles`; `wide` fills the place."""
    st.segmented_control(
        label,
        list(titles),
        format_func=titles.__getitem__,
        key=key,
        on_change=_bind(key, chosen, change),
        required=True,
        disabled=disabled,
        width="stretch" if wide else "content",
        help=words,
    )


def dropdown(
    key: str, label: str, titles: Mapping[Any, str], chosen: object, change: Change, words: str, disabled: bool = False
) -> None:
    """A list that opens."""
    st.selectbox(
        label,
        list(titles),
        format_func=titles.__getitem__,
        key=key,
        on_change=_bind(key, chosen, change),
        disabled=disabled,
        help=words,
    )


def steps(key: str, label: str, titles: Mapping[Any, str], chosen: object, change: Change, words: str) -> None:
    """A slider with a stop for each of `titles`, in their order."""
    st.select_slider(
        label,
        list(titles),
        format_func=titles.__getitem__,
        key=key,
        on_change=_bind(key, chosen, change),
        help=words,
    )


def switch(key: str, label: str, chosen: bool, change: Change, words: str) -> None:
    """On or off."""
    st.toggle(label, key=key, on_change=_bind(key, chosen, change), help=words)


def _bind(key: str, chosen: object, change: Change) -> Callable[[], None]:
    """Puts the control on `chosen`; what is to be done when somebody moves it."""
    st.session_state[key] = chosen
    return lambda: _told(key, change)


def _told(key: str, change: Change) -> None:
    change(st.session_state[key])
