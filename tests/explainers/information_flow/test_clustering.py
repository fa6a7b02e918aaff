"""Bins, exact values of deterministic layers, and clustering, each against a plain loop over pairs."""

import math
from collections import Counter
from functools import partial
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.information_flow import (
    binned_entropy,
    binned_information,
    cosine_similarity,
    deterministic_information,
    distance_histograms,
    fraction_within,
    neighbour_purity,
)
from explainers.information_flow import clustering as module
from tests.support.draws import normal
from tests.support.refusals import refused

SOME = settings(max_examples=25, deadline=None)


def counted(values) -> float:
    """The entropy of how often each value occurs, in nats."""
    counts = Counter(values)
    return -sum(count / counts.total() * math.log(count / counts.total()) for count in counts.values())


def pairs(t, y, measure):
    """`measure` of every pair within the classes, and of every pair between them."""
    found = [[], []]
    for i, j in combinations(range(len(t)), 2):
        found[int(y[i] != y[j])].append(measure(t[i], t[j]))
    return found


@SOME
@given(n=st.integers(1, 40), d=st.integers(1, 4), width=st.floats(0.05, 5), seed=st.integers(0, 999))
def test_binned_entropy_counts_cells(n, d, width, seed):
    t = normal(n, d, seed=seed)
    cells = [tuple(math.floor(value / width) for value in row) for row in t.tolist()]
    assert binned_entropy(t, width) == pytest.approx(counted(cells), abs=1e-12)
    assert binned_information(t, width) == pytest.approx(counted(cells), abs=1e-12)
    y = torch.arange(n) % 3
    conditional = sum(
        (y == label).double().mean().item() * counted([cells[place] for place in range(n) if y[place] == label])
        for label in set(y.tolist())
    )
    assert binned_information(t, width, y) == pytest.approx(counted(cells) - conditional, abs=1e-12)


@SOME
@given(n=st.integers(2, 20), repeats=st.integers(1, 6), width=st.floats(0.05, 5), seed=st.integers(0, 999))
def test_binned_information_of_noisy_layers_lies_between_nothing_and_log_n(n, repeats, width, seed):
    t = normal(n, repeats, 2, seed=seed)
    about_x, about_y = binned_information(t, width), binned_information(t, width, torch.arange(n) % 2)
    assert 0 <= about_y <= about_x + 1e-12
    assert about_x <= math.log(n) + 1e-12
    conditional = np.mean([binned_entropy(one, width) for one in t])
    assert about_x == pytest.approx(binned_entropy(t.flatten(0, 1), width) - conditional, abs=1e-9)


def test_bins_that_halve_can_only_tell_more_apart_and_contradict_the_exact_value():
    # Two clusters, each narrower than the wide bins: what the bins see is the clusters, what is there is log n.
    t = torch.cat([normal(50, 2) * 1e-3 + 0.3, normal(50, 2, seed=1) * 1e-3 - 0.3])
    binned = [binned_entropy(t, 2.0 / 4**halving) for halving in (0, 1, 4, 12)]
    assert binned == sorted(binned)
    assert binned[1] == pytest.approx(math.log(2))
    assert deterministic_information(t).value == pytest.approx(math.log(100))
    assert binned[-1] == pytest.approx(math.log(100), abs=0.05)


@SOME
@given(values=st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_a_deterministic_layer_knows_all_that_it_keeps_apart(values):
    t = torch.tensor(values)[:, None].double()
    found = deterministic_information(t)
    assert found.value == found.low == found.high == pytest.approx(counted(values), abs=1e-12)
    assert found.error == 0
    assert found.ceiling == math.log(len(values))
    assert found.flags == ("deterministic",)
    endless = deterministic_information(t, continuous=True)
    assert endless.value == (math.inf if len(set(values)) > 1 else 0)


@SOME
@given(n=st.integers(2, 30), d=st.integers(1, 4), classes=st.integers(1, 4), seed=st.integers(0, 999))
def test_monitors_are_what_loops_over_pairs_say(n, d, classes, seed):
    t, y = normal(n, d, seed=seed), torch.randint(classes, (n,), generator=torch.Generator().manual_seed(seed))
    distances = pairs(t, y, lambda a, b: (a - b).norm().item())
    cosines = pairs(t, y, lambda a, b: torch.cosine_similarity(a, b, 0).item())
    histograms, cosine, close = distance_histograms(t, y, 7), cosine_similarity(t, y), fraction_within(t, y, 1.0)
    for place, name in enumerate(("within", "between")):
        assert getattr(histograms.mean, name) == pytest.approx(_mean(distances[place]), nan_ok=True)
        assert getattr(cosine, name) == pytest.approx(_mean(cosines[place]), nan_ok=True, abs=1e-12)
        near = [distance <= 1 for distance in distances[place]]
        assert getattr(close, name) == pytest.approx(_mean(near), nan_ok=True)
        assert getattr(histograms, name).sum() == pytest.approx(1 if distances[place] else 0)
    assert histograms.edges[-1] == pytest.approx(max(distances[0] + distances[1]))


def _mean(values) -> float:
    return sum(values) / len(values) if values else math.nan


def test_pieces_of_distances_change_nothing(monkeypatch):
    t, y = normal(600, 3), torch.arange(600) % 4
    whole = distance_histograms(t, y)
    monkeypatch.setattr(module, "MEMORY", 0.1)
    pieces = distance_histograms(t, y)
    np.testing.assert_allclose(pieces.within, whole.within)
    np.testing.assert_allclose(pieces.between, whole.between)
    assert pieces.mean.within == pytest.approx(whole.mean.within)


def test_distances_beyond_the_axis_are_in_its_last_bin():
    t, y = torch.tensor([[0.0], [1.0], [9.0]]), torch.tensor([0, 0, 1])
    found = distance_histograms(t, y, 4, largest=2.0)
    assert found.within.tolist() == [0, 0, 1, 0]
    assert found.between.tolist() == [0, 0, 0, 1]
    assert found.mean.between == 8.5


def test_one_point_for_all_is_one_cluster():
    t, y = torch.ones(6, 2), torch.arange(6) % 2
    assert distance_histograms(t, y).within[0] == 1
    assert fraction_within(t, y, 0) == module.WithinBetween(1, 1)
    assert neighbour_purity(t, y, 5) == pytest.approx(2 / 5)
    assert deterministic_information(t).value == binned_entropy(t, 0.1) == 0


@SOME
@given(k=st.integers(1, 5), seed=st.integers(0, 999))
def test_purity_is_the_share_of_the_nearest_with_the_same_label(k, seed):
    t, y = normal(20, 2, seed=seed), torch.randint(3, (20,), generator=torch.Generator().manual_seed(seed))
    distances = torch.cdist(t, t).fill_diagonal_(math.inf)
    nearest = distances.argsort(1)[:, :k]
    assert neighbour_purity(t, y, k) == pytest.approx((y[nearest] == y[:, None]).double().mean().item())


def test_what_is_no_layer_is_refused_in_one_sentence():
    t, y = normal(6, 2), torch.arange(6) % 2
    for width in (0, -1, math.nan, math.inf):
        refused("expected a width of bins above 0, got .*; 0.07 .*", partial(binned_entropy, t, width))
    refused(r"expected points of shape \(n, d\), got \(6,\); .*", lambda: binned_entropy(t[:, 0], 1))
    refused(r"expected activations of shape .*, got \(6,\); flatten the units", lambda: binned_information(t[:, 0], 1))
    refused("expected finite numbers, got NaN .*", lambda: deterministic_information(t * math.nan))
    refused("expected one label for each of 6 .*", lambda: cosine_similarity(t, y[:3]))
    refused("expected at least 2 samples, got 1; give more of them", lambda: distance_histograms(t[:1], y[:1]))
    refused("expected at least 1 bins, got 0; ask for more", lambda: distance_histograms(t, y, 0))
    refused("expected a radius from 0 on, got -1; .*", lambda: fraction_within(t, y, -1))
    refused("expected at least 11 samples, got 6; give more of them", lambda: neighbour_purity(t, y))
