"""The tolerances of rank statistics are bounds, and small where little changes places."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from tests.support.rounding import order_slack


@given(st.integers(0, 10_000), st.integers(2, 200), st.floats(0, 0.5), st.booleans())
def test_a_correlation_moves_no_further_than_both_orders_turn(seed, count, error, coarse):
    rng = np.random.default_rng(seed)
    values, other = rng.normal(size=(2, count))
    values = values.round(1) if coarse else values
    values[0] += 1e-3
    moved, shifted = (one + rng.uniform(-error, error, count) for one in (values, other))
    change = abs(spearmanr(moved, shifted).statistic - spearmanr(values, other).statistic)
    assert change <= order_slack(values, moved) + order_slack(other, shifted) + 1e-12


def test_two_pixels_of_an_image_that_change_places_cost_next_to_nothing():
    values = np.arange(4096.0)
    swapped = values.copy()
    swapped[[7, 8]] = values[[8, 7]]
    assert 0 < order_slack(values, swapped) < 1e-4
