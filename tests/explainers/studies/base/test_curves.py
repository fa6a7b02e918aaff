"""The curves of a study, made in one pass, are those of each place by itself."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.studies.base.curves import COLUMNS, curves
from explainers.studies.base.effects import values
from explainers.studies.base.verdicts import Effect, interval

ROWS = st.tuples(
    st.sampled_from(["CID", "concentration"]),
    st.sampled_from(["b", "a"]),
    st.sampled_from([2.0, 1.0, np.nan]),
    st.sampled_from(["conv1", "fc8"]),
    st.integers(0, 1),
    st.sampled_from(["bird/1", "bird/2", "bird/3"]),
    st.sampled_from([0.5, 1.25, -3.0, np.nan, np.inf]),
)


def slow(long: pd.DataFrame) -> pd.DataFrame:
    found = []
    for (quantity, series), rows in long.groupby(["quantity", "series"], sort=False):
        for (x, at), group in rows.groupby(["x", "at"], sort=True, dropna=False):
            if not np.isfinite(group["value"]).any():
                continue
            table = values(group)
            if table.notna().all().any():
                one = interval(Effect(table.to_numpy(float)))
                found.append([quantity, series, x, at, one.mean, one.low, one.high, one.count, len(table)])
    return pd.DataFrame(found, columns=COLUMNS)


@settings(max_examples=60)
@given(st.lists(ROWS, max_size=40))
@pytest.mark.long
def test_all_places_at_once_are_each_by_itself(rows):
    long = pd.DataFrame(rows, columns=["quantity", "series", "x", "at", "training", "picture", "value"])
    pd.testing.assert_frame_equal(curves(long), slow(long), check_dtype=False)
