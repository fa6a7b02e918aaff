"""Means over the pictures with their intervals."""

import numpy as np
import pandas as pd

from explainers.evaluation.intervals import bootstrap_interval
from explainers.sweeps.summary import curve, summary


def rows(**values) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "network": ["b", "a", "a", "a"],
            "method": "cid",
            "layer": ["conv1", "fc", "conv1", "conv1"],
            "place": [0, 1, 0, 0],
            "depth": [0.0, 1.0, 0.0, 0.0],
            "mean": [1.0, 2.0, 3.0, 5.0],
            "concentration": [np.nan, np.nan, 0.25, np.inf],
        }
    )
    return frame.assign(**values)


def test_a_curve_is_the_mean_of_every_layer_with_its_interval():
    found = curve(rows(), "mean")
    assert list(zip(found["network"], found["layer"], found["mean"], found["count"], strict=True)) == [
        ("a", "conv1", 4.0, 2), ("a", "fc", 2.0, 1), ("b", "conv1", 1.0, 1),
    ]  # fmt: skip
    expected = bootstrap_interval([3.0, 5.0])
    assert (found["low"][0], found["high"][0]) == (expected.low, expected.high)
    assert np.isnan(found["low"][1])


def test_what_is_not_finite_is_left_out_and_what_is_left_is_counted():
    found = curve(rows(), "concentration")
    assert list(zip(found["network"], found["layer"], found["mean"], found["count"], strict=True)) == [
        ("a", "conv1", 0.25, 1),
    ]  # fmt: skip


def test_the_summary_is_a_line_for_every_layer():
    lines = list(summary(rows()))
    assert len(lines) == 4
    assert lines[1].split() == ["a", "cid", "conv1", "4.000", "[3.000,", "5.000]", "0.250", "2"]


def test_no_rows_are_no_curve():
    assert curve(rows()[:0], "mean").empty
