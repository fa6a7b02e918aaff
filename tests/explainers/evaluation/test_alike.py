"""Agreement of two maps: laws over any maps, and slow references."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explainers.evaluation.alike import common_shape, on_cells, rank_correlation, shares_below, top_overlap

# Few values, so that there are ties; unbounded ones among them.
MAPS = arrays(np.float64, (4, 5), elements=st.sampled_from([-2.0, -0.5, 0.0, 1.0, 3.0, np.inf]))
PAIRS = st.tuples(MAPS, MAPS)


def slow_ranks(values: np.ndarray) -> np.ndarray:
    flat = values.ravel().tolist()
    return np.array([sum(v < one for v in flat) + (sum(v == one for v in flat) - 1) / 2 for one in flat])


@given(PAIRS)
def test_rank_correlation_is_the_correlation_of_ranks_counted_one_by_one(pair):
    first, second = pair
    found = rank_correlation(first, second)
    if len(set(first.ravel())) == 1 or len(set(second.ravel())) == 1:
        assert math.isnan(found)
        return
    assert found == pytest.approx(np.corrcoef(slow_ranks(first), slow_ranks(second))[0, 1], abs=1e-9)
    assert found == rank_correlation(second, first)
    assert rank_correlation(first, -second) == pytest.approx(-found, abs=1e-9)


@given(MAPS)
def test_shares_are_ranks_from_0_to_1(values):
    assert shares_below(values).ravel() == pytest.approx(slow_ranks(values) / 19)


@given(PAIRS, st.sampled_from([0.1, 0.25, 0.5]))
def test_overlap_is_symmetric_within_0_and_1_and_1_for_the_same_order(pair, share):
    first, second = pair
    found = top_overlap(first, second, share)
    if math.isnan(found):
        return
    assert 0 <= found <= 1 + 1e-12
    assert found == pytest.approx(top_overlap(second, first, share))
    assert top_overlap(first, np.exp(np.minimum(first, 9)), share) == pytest.approx(1)


@given(st.permutations(range(20)), st.permutations(range(20)), st.sampled_from([0.1, 0.25, 0.5]))
def test_without_ties_overlap_counts_the_cells_in_both_tops(first, second, share):
    top = round(20 * share)
    both = {place for place in range(20) if first[place] >= 20 - top and second[place] >= 20 - top}
    assert top_overlap(np.array(first), np.array(second), share) == pytest.approx(len(both) / top)


@given(MAPS)
def test_cells_are_means_of_what_is_bounded_in_them(values):
    tall = np.repeat(np.repeat(values, 3, 0), 2, 1)
    assert np.array_equal(on_cells(tall, (4, 5)), values)
    (whole,) = on_cells(values, (1, 1)).ravel()
    finite = values[np.isfinite(values)]
    assert whole == (pytest.approx(finite.mean()) if finite.size else math.inf)


def test_a_shape_that_does_not_divide_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="expected a number of cells that divides a map of 4×4, got 3×4"):
        on_cells(np.zeros((4, 4)), (3, 4))


@given(st.integers(1, 300), st.integers(1, 300))
def test_a_common_shape_divides_both(one, other):
    rows, columns = common_shape((one, other), (other, one))
    assert rows == columns <= 96
    assert one % rows == other % rows == 0
