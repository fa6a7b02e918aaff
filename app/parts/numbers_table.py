"""Tables whose numbers are sorted as numbers and written as everywhere else, with a real minus sign."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from app.words import NONE, decimal, known

Rows = Sequence[Mapping[str, Any]] | pd.DataFrame
Errors = Mapping[str, Sequence[float | None]]
NO_ERRORS: Errors = {}
# Pixels of a row, in the theme's small type.
ROW = 31


def numbers_table(rows: Rows, places: Mapping[str, int], errors: Errors = NO_ERRORS) -> Styler:
    """The rows for `st.dataframe`; `places` are the decimals of each column of fractions.

    `errors` are what the values of a column may be off by, row by row: they leave fewer decimals, or a round number. A
    column is written so only where its configuration has no `format` of its own.

    >>> table = numbers_table([{"a": -0.5, "b": "x"}, {"a": None, "b": None}], {"a": 2, "absent": 3})
    >>> [table._display_funcs[row, column](table.data.iloc[row, column]) for row in range(2) for column in range(2)]
    ['−0.50', 'x', '–', '–']
    >>> table = numbers_table([{"a": -1.873}, {"a": -1.873}], {"a": 4}, {"a": [0.03, 1.5]})
    >>> [table._display_funcs[row, 0](table.data.iloc[row, 0]) for row in range(2)]
    ['−1.87', 'about −2']
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    written: Any = {name: partial(decimal, places=n) for name, n in places.items() if name in frame}
    style = frame.style.format(written, na_rep=NONE)
    for name, column in errors.items():
        for row, error in zip(frame.index, column, strict=True):
            form: Any = partial(known, error=error, places=places[name])
            style.format(form, subset=([row], [name]), na_rep=NONE)
    return style


def show_table(
    rows: Rows,
    key: str,
    columns: Mapping[str, Any],
    places: Mapping[str, int],
    errors: Errors = NO_ERRORS,
    most: int | None = None,
) -> None:
    """The table on the page, with a dash in every empty cell; `columns` say what each column means.

    `most`: so many rows stand on the page at once, and the others are scrolled to.
    """
    height = "auto" if most is None else "content" if len(rows) <= most else ROW * (most + 1)
    st.dataframe(
        numbers_table(rows, places, errors),
        key=key,
        hide_index=True,
        width="stretch",
        height=height,
        column_config=dict(columns),
        placeholder=NONE,
    )
