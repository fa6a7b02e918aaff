"""Controls that show a value of a page's choice and change it."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st


def segments(
    key: str,
    label: str,
    titles: Mapping[Any, str],
    chosen: object,
    change: Callable[[Any], object],
    words: str,
    wide: bool = False,
) -> None:
    """A row of buttons, one for each of `titles`, of which `chosen` is pressed; `change(value)` is told of another.

    `words` explain it; `wide` fills the place.
    """

    def taken() -> None:
        change(st.session_state[key])

    st.session_state[key] = chosen
    st.segmented_control(
        label,
        list(titles),
        format_func=titles.__getitem__,
        key=key,
        on_change=taken,
        required=True,
        width="stretch" if wide else "content",
        help=words,
    )
