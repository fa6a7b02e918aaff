"""CID beside I(X;T) on one network, and how far the two go together."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from explainers.cid.results import CIDSettings
from explainers.information_flow import bridge, mean_cid, mutual_information_input, rank_correlation
from explainers.networks.architectures.noisy import fully_connected
from tests.support.oracles import ENTROPY_CONSTANT

QUICK = CIDSettings(refine=False)


def network(*widths: int, sigma: float = 0.1):
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        return fully_connected(widths, "leaky_relu", sigma)


def pictures(n: int, side: int = 4) -> torch.Tensor:
    return torch.rand(n, 1, side, side, generator=torch.Generator().manual_seed(0))


def test_every_layer_is_seen_both_ways():
    net, x = network(16, 6, 3, 2), pictures(12)
    found = list(bridge(net, x, x[:3], settings=QUICK, repeats=4, seed=2))
    assert [point.layer for point in found] == ["1", "2"]
    for point in found:
        assert point.information == mutual_information_input(net, point.layer, x, repeats=4, seed=2)
        assert point.cid == mean_cid(net, point.layer, x[:3], QUICK)[0]
        assert point.cid.count == 3
        assert point.cid.low <= point.cid.mean <= point.cid.high
    assert [point.layer for point in bridge(net, x, x[:1], layers=["2"], settings=QUICK, repeats=2)] == ["2"]


def test_cid_is_that_of_the_signal_without_noise():
    # One linear unit that weighs pixels a and b: σ² of a pixel is β δ_f²/(n w²), whatever the network's own σ.
    settings, x = CIDSettings(refine=False, beta=1e-3, probes=512), pictures(2, 1).expand(-1, -1, 1, 2)
    means = []
    for sigma in (0.01, 5.0):
        net = network(2, 1, 2, sigma=sigma)
        with torch.no_grad():
            net.layers["1"].weighted.weight.copy_(torch.tensor([[1.0, 3.0]]))
        means.append(mean_cid(net, "1", x.clone(), settings)[0].mean)
    expected = np.mean([0.5 * math.log(1e-3 * 10 / (2 * w**2)) for w in (1, 3)]) + ENTROPY_CONSTANT
    assert means == pytest.approx([expected] * 2, abs=1e-4)


def test_pictures_that_a_layer_does_not_look_at_are_counted():
    net, x = network(16, 3, 2), pictures(2)
    with torch.no_grad():
        net.layers["1"].weighted.weight.zero_()
    found, unused = mean_cid(net, "1", x, QUICK)
    assert unused == 2
    assert math.isnan(found.mean)
    assert found.count == 0


def test_rank_correlation_is_spearmans_and_its_interval_holds_it():
    rng = np.random.default_rng(0)
    cid = rng.normal(size=40)
    information = -cid + rng.normal(size=40)
    found = rank_correlation(cid.tolist(), information.tolist())
    assert found.value == pytest.approx(spearmanr(cid, information).statistic)
    assert -1 <= found.low < found.value < found.high < 0
    assert found == rank_correlation(cid.tolist(), information.tolist())
    # The same twenty times over is no more evidence, where its group says so.
    repeated = rank_correlation(cid.tolist() * 20, information.tolist() * 20, list(range(40)) * 20, resamples=200)
    assert repeated.high - repeated.low == pytest.approx(found.high - found.low, rel=0.4)


def test_a_column_that_never_changes_has_no_correlation():
    found = rank_correlation([1, 1, 1], [1, 2, 3])
    assert all(map(math.isnan, (found.value, found.low, found.high)))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            ([1, 2], [1, 2]),
            "expected two columns of the same three or more finite .*, got 2 and 2; leave gaps out",
        ),
        (([1, 2, 3], [1, 2]), "expected two columns of the same .*, got 3 and 2; leave gaps out"),
        (([1, 2, math.nan], [1, 2, 3]), "expected two columns of the same .*, got NaN or infinity; leave gaps out"),
        (([1, 2, 3], [1, 2, 3], ["a"] * 3), "expected a group for each of 3 pairs and at least two groups, got .*"),
        (([1, 2, 3], [1, 2, 3], ["a", "b"]), "expected a group for each of 3 pairs and at least two groups, got .*"),
    ],
)
def test_columns_that_do_not_fit_are_refused_in_one_sentence(columns, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        rank_correlation(*columns)
