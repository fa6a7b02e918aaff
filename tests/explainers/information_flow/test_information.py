"""Mutual information of mixtures and of the layers of noisy networks: exact values, laws, and the traps."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from explainers.information_flow import (
    Draws,
    information,
    mixture_information,
    mutual_information_input,
    mutual_information_label,
    mutual_informations,
)
from explainers.information_flow.estimates import propagate
from explainers.networks.architectures.noisy import convolutional, fully_connected
from tests.support.draws import normal
from tests.support.mixtures import entropy, gaussian_entropy
from tests.support.refusals import refused

SOME = settings(max_examples=25, deadline=None)


def network(*widths: int, sigma: float, activation: str = "tanh", seed: int = 0):
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return fully_connected(widths, activation, sigma).double()


def slack(*found) -> float:
    return 5 * math.hypot(*(one.error for one in found)) + 1e-3


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("weight", [0.1, 1, 5])
@pytest.mark.parametrize("bias", [-2, 0.5])
def test_a_neuron_is_what_numerical_integration_says(activation, weight, bias):
    net = network(1, 1, 2, sigma=0.2, activation=activation)
    with torch.no_grad():
        net.layers["1"].weighted.weight.fill_(weight)
        net.layers["1"].weighted.bias.fill_(bias)
    x = torch.tensor([[-3.0], [-1.0], [1.0], [3.0]]).double()
    found = mutual_information_input(net, "1", x, draws=2000)
    centers = net.signals(x)[0][0]
    truth = entropy(centers, 0.2) - gaussian_entropy(1, 0.2)
    # Overlaps so far out that none of the draws comes there are worth less than a thousandth.
    assert abs(found.value - truth) < 4 * found.error + 1e-3
    assert found.error < 0.02
    assert found.conditional.value == pytest.approx(gaussian_entropy(1, 0.2), abs=1e-9)
    assert found.entropy.value == pytest.approx(entropy(centers, 0.2), abs=slack(found.entropy) + 1e-3)
    assert (found.gap, found.n, found.d, found.draws, found.points) == (0.0, 4, 1, (1, 1), 8000)


@pytest.mark.long
def test_a_second_layer_is_what_numerical_integration_says():
    net = network(1, 1, 1, 2, sigma=0.5, seed=3)
    x = torch.tensor([[-2.0], [0.3], [2.0]]).double()
    with torch.no_grad():
        first, second = (net.layers[name].weighted for name in net.hidden)
        first.weight.fill_(0.8)
        second.weight.fill_(2.0)
        # The noise of the first layer at its quantiles, each as likely.
        quantiles = torch.special.ndtri((torch.arange(200).double() + 0.5) / 200)
        inner = net.layers["1"](x) + 0.5 * quantiles
        centers = net.layers["2"](inner.flatten()[:, None]).view(3, 200)
    truth = entropy(centers, 0.5) - np.mean([entropy(row, 0.5) for row in centers])
    found = mutual_information_input(net, "2", x, draws=200, repeats=200)
    assert abs(found.value - truth) < 4 * found.error + found.gap
    assert found.error < 0.03
    assert found.gap < 0.01


@SOME
@given(
    n=st.integers(6, 40),
    repeats=st.integers(1, 5),
    d=st.integers(1, 6),
    sigma=st.floats(1e-3, 1e3),
    draws=st.integers(4, 8),
    seed=st.integers(0, 999),
)
def test_between_nothing_and_log_n_and_the_label_knows_less(n, repeats, d, sigma, draws, seed):
    centers, labels, how = normal(n, repeats, d, seed=seed), torch.arange(n) % 3, Draws(draws, seed)
    about_x, about_y = mixture_information(centers, sigma, how=how), mixture_information(centers, sigma, labels, how)
    assert -slack(about_x) <= about_x.value <= math.log(n) + slack(about_x)
    assert -slack(about_y) <= about_y.value <= about_y.ceiling + slack(about_y)
    assert about_y.value <= about_x.value + slack(about_x, about_y)
    assert about_x.ceiling == math.log(n)
    assert about_y.upper == about_y.ceiling <= math.log(min(n, 3)) + 1e-9
    assert about_x.entropy.value - about_x.conditional.value == pytest.approx(
        about_x.value, abs=slack(about_x, about_x.entropy, about_x.conditional)
    )
    assert about_x.over_inputs[0] <= about_x.over_inputs[1]


@SOME
@given(n=st.integers(4, 40), d=st.integers(1, 6), seed=st.integers(0, 999))
def test_more_noise_leaves_less(n, d, seed):
    centers = normal(n, 1, d, seed=seed)
    found = [mixture_information(centers, sigma, how=Draws(20, seed)) for sigma in (1e-6, 0.1, 0.3, 1, 3, 100)]
    assert all(more.value <= less.value + slack(less, more) for less, more in pairwise(found))
    assert found[0].value == pytest.approx(math.log(n), abs=0.05)
    assert found[-1].value < 0.05


@SOME
@given(seed=st.integers(0, 999), d=st.integers(1, 5))
def test_turning_and_reordering_units_and_inputs_change_nothing_beyond_the_error(seed, d):
    centers, labels = normal(30, 2, d, seed=seed), torch.arange(30) % 2
    turn = torch.linalg.qr(normal(d, d, seed=seed + 1)).Q
    order, units = (torch.randperm(n, generator=torch.Generator().manual_seed(seed)) for n in (30, d))
    for y in (None, labels):
        base = mixture_information(centers, 0.5, y, Draws(20, seed))
        turned = mixture_information(centers @ turn - 2, 0.5, y, Draws(20, seed + 1))
        ordered = mixture_information(
            centers[order][..., units], 0.5, y if y is None else y[order], Draws(20, seed + 1)
        )
        assert abs(turned.value - base.value) < slack(turned, base)
        assert abs(ordered.value - base.value) < slack(ordered, base)


def test_names_of_labels_do_not_matter():
    centers, y = normal(30, 1, 2), torch.arange(30) % 3
    assert mixture_information(centers, 0.5, y * 7 - 3) == mixture_information(centers, 0.5, y)


@SOME
@given(chunk=st.integers(1, 200))
def test_chunks_change_nothing(chunk):
    centers, y = normal(20, 3, 2), torch.arange(20) % 2
    for labels in (None, y):
        found, plain = (mixture_information(centers, 0.4, labels, Draws(3, chunk=size)) for size in (chunk, None))
        assert found.value == pytest.approx(plain.value, abs=1e-10)


def test_how_many_inputs_are_looked_at_together_changes_nothing(monkeypatch):
    centers = normal(30, 3, 2)
    whole = mixture_information(centers, 0.4)
    monkeypatch.setattr(information, "PAIRS", 70)
    pieces = mixture_information(centers, 0.4)
    assert pieces.value == pytest.approx(whole.value, abs=1e-12)
    assert pieces.gap == pytest.approx(whole.gap, abs=1e-12)


def test_labels_of_many_inputs_are_those_of_their_own_block():
    # More inputs than are looked at together, of classes that lie far apart.
    y = torch.arange(1500) % 2
    found = mixture_information(normal(1500, 1, 1) + 1000 * y[:, None, None], 0.5, y, Draws(1))
    assert found.value == pytest.approx(math.log(2), abs=1e-6)
    none = mixture_information(normal(1500, 1, 1), 5.0, y, Draws(2))
    assert abs(none.value) < 0.01


def test_unequal_numbers_of_draws_fake_compression():
    n, repeats = 16, 16
    centers = 100 * normal(n, 1, 3) + 5 * normal(n, repeats, 3, seed=1)
    equal = mixture_information(centers, 0.01)
    assert equal.value == pytest.approx(math.log(n), abs=1e-6)
    assert "unequal draws" not in equal.flags
    # As many centres on both sides, n of one draw against one of n draws: nothing at all seems to be left.
    faked = mixture_information(centers, 0.01, how=Draws(marginal_repeats=1))
    assert faked.value == pytest.approx(math.log(n) - math.log(repeats), abs=1e-6)
    assert faked.draws == (1, 16)
    assert "unequal draws" in faked.flags
    less = mixture_information(centers, 0.01, how=Draws(marginal_repeats=4))
    assert less.value == pytest.approx(math.log(n) + math.log(4 / repeats), abs=1e-6)


def test_unequal_numbers_do_so_in_a_network():
    net = network(2, 3, 3, 2, sigma=1e-4, seed=1)
    with torch.no_grad():
        net.layers["2"].weighted.weight.mul_(200)
    x = normal(12, 2) / 3
    equal = mutual_information_input(net, "2", x, repeats=12)
    faked = mutual_information_input(net, "2", x, repeats=12, marginal_repeats=1)
    assert equal.value > 0.9 * math.log(12)
    assert faked.value < equal.value - 0.5
    assert "unequal draws" in faked.flags
    assert mutual_information_input(net, "1", x, marginal_repeats=1).flags == ("near ceiling",)


def test_intervals_over_inputs_hold_the_truth_of_a_continuous_input():
    # X ~ N(0, 1), T = X + N(0, 1): I = ½ log 2; 300 samples, so that the bias of their number is small.
    truth, held = 0.5 * math.log(2), 0
    for seed in range(100):
        low, high = mixture_information(normal(300, 1, 1, seed=seed), 1.0, how=Draws(2, seed)).over_inputs
        held += low <= truth <= high
    assert held >= binom.ppf(0.001, 100, 0.95)


@pytest.mark.parametrize("d", [1, 3, 6])
def test_independent_samples_have_the_truth_between_two_estimates(d):
    truth = d / 2 * math.log(1 + 1 / 0.5**2)
    found = [mixture_information(normal(100, 1, d, seed=seed), 0.5, how=Draws(4, seed)) for seed in range(20)]
    assert np.mean([one.value for one in found]) < truth < np.mean([one.upper for one in found])


def test_few_propagations_are_told_and_more_come_nearer():
    net, x = network(2, 4, 4, 2, sigma=0.3, seed=2), normal(30, 2)
    few, many = (mutual_information_input(net, "2", x, repeats=repeats, draws=8) for repeats in (2, 256))
    assert few.gap > 10 * many.gap > 0
    assert "few repeats" in few.flags
    assert "few repeats" not in many.flags
    assert few.value - few.gap - slack(few, many) < many.value < few.value + slack(few, many)


def test_near_the_ceiling_and_many_dimensions_are_flagged():
    apart = mixture_information(normal(20, 1, 2) * 100, 0.01)
    assert apart.flags == ("near ceiling",)
    assert apart.value == pytest.approx(apart.ceiling, rel=1e-6)
    assert apart.upper == math.inf
    assert mixture_information(normal(20, 1, 2) * 100, 0.01, torch.arange(20) % 2).flags == ("near ceiling",)
    assert mixture_information(normal(20, 1, 2), 1.0).flags == ()
    assert mixture_information(normal(20, 1, 15), 3.0).flags == ("many dimensions",)


@SOME
@given(seed=st.integers(0, 2**62))
def test_a_seed_gives_one_answer(seed):
    net, x = network(2, 3, 2, 2, sigma=0.3), normal(10, 2)
    before = torch.get_rng_state()
    first, second = (mutual_information_input(net, "2", x, repeats=3, seed=seed) for _ in range(2))
    assert first == second
    assert first.value != mutual_information_input(net, "2", x, repeats=3, seed=seed + 1).value
    assert torch.equal(before, torch.get_rng_state())


def test_the_first_propagations_are_those_of_fewer():
    net, x = network(2, 3, 2, 2, sigma=0.3), normal(5, 2)
    many = propagate(net, "2", x, 4, 0)
    assert torch.equal(many[:, :2], propagate(net, "2", x, 2, 0))
    assert not torch.equal(many[:, 0], many[:, 1])
    assert propagate(net, "1", x, 4, 0).shape == (5, 1, 3)


def test_a_labels_information_of_a_network_is_that_of_its_centres():
    net, x, y = network(2, 3, 2, 2, sigma=0.3), normal(12, 2), torch.arange(12) % 2
    found = mutual_information_label(net, "2", x, y, repeats=4, seed=5)
    assert found == mixture_information(propagate(net, "2", x, 4, 5), 0.3, y, Draws(seed=5))
    assert found.value <= mutual_information_input(net, "2", x, repeats=4, seed=5).value


@pytest.mark.parametrize("layer", ["1", "2"])
def test_both_informations_at_once_are_those_of_one_after_the_other(layer):
    net, x, y = network(2, 3, 2, 2, sigma=0.3), normal(12, 2), torch.arange(12) % 3
    how = {"draws": 5, "repeats": 4, "seed": 5}
    one_by_one = mutual_information_input(net, layer, x, **how), mutual_information_label(net, layer, x, y, **how)
    assert mutual_informations(net, layer, x, y, **how) == one_by_one


def test_single_precision_and_convolutions():
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        net = convolutional(8, (2,), 4, 3, "relu", 0.2)
    x = torch.rand(10, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert [mutual_information_input(net, layer, x, repeats=8).d for layer in net.hidden] == [32, 4]


def test_whole_numbers_and_double_precision_are_taken_as_the_network_s_own():
    net, x = network(2, 3, 2, 2, sigma=0.3), torch.tensor([[0, 1], [1, 0], [1, 1]])
    ask = mutual_information_input
    single = ask(net, "2", x.to(next(net.parameters()).dtype))
    assert ask(net, "2", x) == ask(net, "2", x.double()) == single


def test_what_cannot_be_estimated_is_refused_in_one_sentence():
    net, x, y = network(2, 3, 2, 2, sigma=0.3), normal(6, 2), torch.arange(6) % 2
    ask = mutual_information_input
    refused("expected a noise σ above 0, got 0; without noise ask .*", lambda: ask(net.with_noise(0), "1", x))
    refused("expected a noise σ whose square is .*, got 1e-200; .*", lambda: mixture_information(x[:, None], 1e-200))
    refused("expected a noise σ whose square is .*, got 1e.200; .*", lambda: mixture_information(x[:, None], 1e200))
    refused("expected a whole number of draws, got 1.5; .*", lambda: ask(net, "1", x, draws=1.5))
    refused("expected a whole number of repeats, got 1.5; .*", lambda: ask(net, "2", x, repeats=1.5))
    refused(r"expected inputs .* that fit .*, got \(6, 1\); give its own shape", lambda: ask(net, "1", x[:, :1]))
    refused(r"expected inputs .* that fit .*, got \(6,\); give its own shape", lambda: ask(net, "1", x[:, 0]))
    refused("expected a hidden layer of 1, 2, got '3'; choose one of them", lambda: ask(net, "3", x))
    refused("expected at least 2 samples, got 1; give more of them", lambda: ask(net, "1", x[:1]))
    refused("expected finite numbers, got NaN .*; leave those samples out", lambda: ask(net, "1", x * math.nan))
    refused("expected at least 1 repeats, got 0; ask for more", lambda: ask(net, "2", x, repeats=0))
    refused("expected at least 1 draws, got 0; ask for more", lambda: ask(net, "2", x, draws=0))
    refused("expected at most 32 marginal repeats, got 33; .*", lambda: ask(net, "2", x, marginal_repeats=33))
    refused("expected inputs as a tensor, got list; make one .*", lambda: ask(net, "1", x.tolist()))
    refused("expected centres as a tensor, got ndarray; make .*", lambda: mixture_information(x[:, None].numpy(), 1.0))
    refused("expected a seed that is a whole number .*, got 'a'; .*", lambda: ask(net, "2", x, seed="a"))
    refused(
        "expected a seed that is a whole number .*, got -1; .*",
        lambda: mixture_information(x[:, None], 1.0, how=Draws(seed=-1)),
    )
    refused("expected a confidence between 0 and 1, got 0; .*", lambda: ask(net, "1", x, confidence=0))
    label = mutual_information_label
    refused(r"expected one label for each of 6 .*, got labels of shape \(5,\)", lambda: label(net, "1", x, y[:5]))
    refused("expected labels as a tensor, got list; make one .*", lambda: label(net, "1", x, y.tolist()))
    refused("expected labels that are numbers, got NaN .*", lambda: label(net, "1", x, y * math.nan))
    refused(r"expected centres of shape \(n, K, d\), got \(6, 2\); .*", lambda: mixture_information(x, 1.0))
    wide = network(2, 33, 2, sigma=0.3)
    refused("expected at most 32 units, got 33, .*; take a smaller layer, or .*", lambda: ask(wide, "1", x))
    assert ask(wide, "1", x, force=True).flags[-1] == "many dimensions"
