"""Tables whose numbers are sorted as numbers and written as everywhere else, with a real minus sign."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from app.words import decimal


def numbers_table(rows: Sequence[Mapping[str, Any]] | pd.DataFrame, places: Mapping[str, int]) -> Styler:
    """The rows for `st.dataframe`; `places` are the decimals of each column of fractions.

    A column is written so only where its configuration has no `format` of its own.

    >>> table = numbers_table([{"a": -0.5, "b": "x"}, {"a": None, "b": "y"}], {"a": 2, "absent": 3})
    >>> [table._display_funcs[row, 0](table.data.iloc[row, 0]) for row in range(2)]
    ['−0.50', '–']
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    written: Any = {name: partial(decimal, places=n) for name, n in places.items() if name in frame}
    return frame.style.format(written)
