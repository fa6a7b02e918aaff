"""Means over the pictures with their intervals."""

import numpy as np
import pandas as pd
import pytest

from explainers.cid.certainty import misfit
from explainers.evaluation.intervals import bootstrap_interval
from explainers.sweeps.summary import SETTINGS, curve, summary


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
            "picture": ["p", "p", "p", "q"],
            "beta": 1e-3,
            "grid": None,
            "constraint": 1.0,
            "mean_error": 0.01,
            "converged": True,
        }
        | {name: 1 for name in SETTINGS if name not in ("beta", "grid")}
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


def test_closed_forms_that_do_not_meet_their_constraint_are_counted():
    frame = rows(constraint=[21.9, 1.0, 1.05, None], converged=[False, True, False, None])
    found = curve(frame, "mean")
    assert list(zip(found["network"], found["unsure"], strict=True)) == [("a", 0), ("a", 0), ("b", 1)]
    assert found["off"].tolist() == pytest.approx([0, 0, misfit(21.9)], abs=1e-4)
    lines = list(summary(frame))
    assert [line.endswith("1 uncertain") for line in lines] == [False, False, False, True, False]
    assert lines[-1].startswith("uncertain: the noise")


def test_no_rows_are_no_curve():
    assert curve(rows()[:0], "mean").empty


def test_settings_networks_and_earlier_rows_of_a_picture_are_not_averaged_together():
    frame = rows(network="a", layer="conv1", place=0, mean=[1.0, 2.0, 3.0, 5.0])
    (_, line) = summary(frame)
    # Three rows of the picture p: the last counts.
    assert line.split()[3:] == ["4.000", "[3.000,", "5.000]", "0.250", "2"]
    told = [line.split()[3:] for line in summary(frame.assign(beta=[1e-4, 1e-3, 1e-3, 1e-3], grid=[8, 8, None, None]))]
    assert [one[-4:] for one in told[1:]] == [
        ["beta", "0.0001,", "grid", "8"],
        ["beta", "0.001,", "grid", "8"],
        ["0.001,", "grid", "by", "default"],
    ]
    assert len(list(summary(frame.assign(fingerprint=["a", "b", "c", "d"])))) == 5
