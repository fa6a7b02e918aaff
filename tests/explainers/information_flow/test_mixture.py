"""The entropy of a Gaussian mixture: closed forms, numerical integration, and how sure it is."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.neighbors import KernelDensity

from explainers.information_flow import gaussian_mixture_entropy
from explainers.information_flow.density import log_density
from explainers.information_flow.mixture import mixture_noise
from tests.support.draws import normal
from tests.support.mixtures import entropy, gaussian_entropy, slow_entropy

SOME = settings(max_examples=25, deadline=None)


@SOME
@given(d=st.integers(1, 14), sigma=st.floats(1e-4, 1e3), where=st.floats(-1e3, 1e3), seed=st.integers(0, 99))
def test_one_centre_is_a_gaussian_wherever_it_lies(d, sigma, where, seed):
    found = gaussian_mixture_entropy(torch.full((1, d), where), sigma, draws=50, seed=seed)
    assert found.value == pytest.approx(gaussian_entropy(d, sigma), abs=1e-3)
    assert found.low <= found.value <= found.high


@SOME
@given(m=st.integers(1, 40), d=st.integers(1, 5), sigma=st.floats(1e-4, 1e2))
def test_centres_far_apart_add_the_logarithm_of_their_number(m, d, sigma):
    centers = torch.arange(m)[:, None].expand(m, d) * 100 * sigma
    assert gaussian_mixture_entropy(centers.double(), sigma).value == pytest.approx(
        gaussian_entropy(d, sigma) + math.log(m), abs=1e-6
    )


@pytest.mark.parametrize("sigma", [0.02, 1.0])
@pytest.mark.parametrize("distance", [0, 0.5, 1, 2, 3, 5, 10])
def test_two_centres_are_what_numerical_integration_says(distance, sigma):
    centers = [0.0, distance * sigma]
    found = gaussian_mixture_entropy(torch.tensor(centers)[:, None].double(), sigma, draws=20_000)
    assert abs(found.value - entropy(centers, sigma)) < 4 * found.error + 1e-6
    assert found.error < 0.01


def test_no_estimate_leaves_its_interval_more_often_than_that_says():
    rng, missed = np.random.default_rng(3), 0
    for seed in range(200):
        m, sigma = int(rng.integers(2, 6)), float(rng.uniform(0.2, 3))
        centers = rng.normal(size=m) * 2
        found = gaussian_mixture_entropy(torch.tensor(centers)[:, None], sigma, draws=40, seed=seed)
        missed += not found.low <= entropy(centers, sigma) <= found.high
    # Of 200 intervals of 95 % some ten miss: as few and as many as chance gives once in a thousand.
    assert binom.ppf(0.001, 200, 0.05) <= missed <= binom.ppf(0.999, 200, 0.05)


def test_narrower_intervals_miss_more_often():
    centers = torch.tensor([[0.0], [1.0]]).double()
    truth = entropy(centers, 1.0)
    some = [gaussian_mixture_entropy(centers, 1.0, draws=40, seed=seed, confidence=0.5) for seed in range(200)]
    missed = sum(not found.low <= truth <= found.high for found in some)
    assert binom.ppf(0.001, 200, 0.5) <= missed <= binom.ppf(0.999, 200, 0.5)


def test_with_one_draw_each_the_error_is_rather_too_large():
    centers, values = normal(200, 2), []
    for seed in range(60):
        values.append(gaussian_mixture_entropy(centers, 0.3, draws=1, seed=seed))
    spread = np.std([one.value for one in values])
    assert spread < values[0].error < 5 * spread


@SOME
@given(m=st.integers(1, 12), d=st.integers(1, 4), sigma=st.floats(0.3, 3), seed=st.integers(0, 2**40))
def test_the_average_is_that_of_the_plain_loop_but_for_what_the_control_explains(m, d, sigma, seed):
    centers, draws = normal(m, d, seed=seed % 97), 80
    noise = mixture_noise(centers, draws, seed, 0)
    found = gaussian_mixture_entropy(centers, sigma, draws=draws, seed=seed)
    excess = (noise.square().sum(-1) - d).mean().item() / 2
    # The control takes away between nothing and all of what the drawn noise has beyond its mean.
    slow, slack = slow_entropy(centers, sigma, noise), 0.1 * abs(excess) + 1e-9
    assert min(slow, slow - excess) - slack <= found.value <= max(slow, slow - excess) + slack


@SOME
@given(chunk=st.integers(1, 3000), m=st.integers(1, 60))
def test_chunks_change_nothing(chunk, m):
    centers = normal(m, 3, seed=m)
    assert gaussian_mixture_entropy(centers, 0.4, chunk=chunk).value == pytest.approx(
        gaussian_mixture_entropy(centers, 0.4).value, abs=1e-10
    )


def test_blocks_of_points_and_centres_change_nothing():
    centers = normal(1500, 2)
    noise = torch.cat([mixture_noise(centers[:1024], 1, 5, 0), mixture_noise(centers[1024:], 1, 5, 1024)])
    at = (centers[:, None] + 0.5 * noise)[:, 0]
    squares = torch.cdist(at, centers, compute_mode="donot_use_mm_for_euclid_dist").square()
    plain = torch.logsumexp(-squares / 0.5, 1) - math.log(1500) - math.log(2 * math.pi * 0.25)
    torch.testing.assert_close(log_density(at, centers, 0.5, chunk=700), plain)


def test_memory_does_not_grow_with_the_number_of_centres(monkeypatch):
    largest = 0
    exponents = torch.matmul

    def watched(points, centers):
        nonlocal largest
        product = exponents(points, centers)
        largest = max(largest, product.numel())
        return product

    monkeypatch.setattr(torch, "matmul", watched)
    for m in (1024, 3000):
        gaussian_mixture_entropy(normal(m, 2), 0.5, draws=2)
        assert largest == 1024 * 1024


@SOME
@given(seed=st.integers(0, 2**62))
def test_a_seed_gives_one_number_and_leaves_other_generators_alone(seed):
    centers = normal(10, 2)
    before = torch.get_rng_state()
    first, second = (gaussian_mixture_entropy(centers, 0.5, seed=seed) for _ in range(2))
    assert first == second
    assert first.value != gaussian_mixture_entropy(centers, 0.5, seed=seed + 1).value
    assert torch.equal(before, torch.get_rng_state())


@SOME
@given(m=st.integers(1, 30), d=st.integers(1, 6), sigma=st.floats(0.1, 10), seed=st.integers(0, 99))
def test_density_is_that_of_scikit_learns_kernel_estimate(m, d, sigma, seed):
    centers, at = normal(m, d, seed=seed), normal(7, d, seed=seed + 1000) * 3
    kernels = KernelDensity(bandwidth=sigma, rtol=0, atol=0).fit(centers.numpy())
    np.testing.assert_allclose(log_density(at, centers, sigma).numpy(), kernels.score_samples(at.numpy()), rtol=1e-9)


@pytest.mark.parametrize("sigma", [1e-9, 1e-6, 1e-3])
def test_noise_that_is_tiny_beside_the_spread_keeps_its_digits(sigma):
    centers = normal(50, 3) * 10
    found = gaussian_mixture_entropy(centers, sigma)
    assert found.value == pytest.approx(gaussian_entropy(3, sigma) + math.log(50), abs=1e-6)


@SOME
@given(seed=st.integers(0, 99), d=st.integers(1, 6))
def test_moving_turning_and_reordering_change_nothing_beyond_the_error(seed, d):
    centers = normal(40, d, seed=seed)
    turn = torch.linalg.qr(normal(d, d, seed=seed + 1)).Q
    order, units = (torch.randperm(n, generator=torch.Generator().manual_seed(seed)) for n in (40, d))
    base = gaussian_mixture_entropy(centers, 0.5, draws=40, seed=seed)
    for other in (centers @ turn + 3, centers[order], centers[:, units]):
        found = gaussian_mixture_entropy(other, 0.5, draws=40, seed=seed + 1)
        assert abs(found.value - base.value) < 6 * math.hypot(found.error, base.error)


@SOME
@given(factor=st.floats(1e-3, 1e3), d=st.integers(1, 5))
def test_a_change_of_units_adds_its_logarithm(factor, d):
    centers = normal(20, d)
    found = gaussian_mixture_entropy(centers * factor, 0.3 * factor)
    assert found.value == pytest.approx(gaussian_mixture_entropy(centers, 0.3).value + d * math.log(factor), abs=1e-6)


def test_many_dimensions_are_flagged_then_refused_unless_forced():
    assert gaussian_mixture_entropy(normal(5, 14), 1.0).flags == ()
    assert gaussian_mixture_entropy(normal(5, 15), 1.0).flags == ("many dimensions",)
    with pytest.raises(ValueError, match=r"expected at most 32 units, got 33, .*; .* pass force=True"):
        gaussian_mixture_entropy(normal(5, 33), 1.0)
    forced = gaussian_mixture_entropy(normal(1, 400), 1.0, force=True)
    assert forced.value == pytest.approx(gaussian_entropy(400, 1.0), abs=1e-3)
    assert forced.flags == ("many dimensions",)


def test_bits():
    found = gaussian_mixture_entropy(torch.zeros(1, 1), 1.0)
    assert found.bits == pytest.approx([one / math.log(2) for one in (found.value, found.error, found.low, found.high)])


BAD = [
    (torch.zeros(3, 2), 0.0, {}, "expected a noise σ above 0, got 0; without noise ask `deterministic_information`"),
    (torch.zeros(3, 2), -1.0, {}, "expected a noise σ above 0, got -1; .*"),
    (torch.zeros(3, 2), math.nan, {}, "expected a noise σ above 0, got nan; .*"),
    (torch.zeros(3, 2), math.inf, {}, "expected a noise σ above 0, got inf; .*"),
    (torch.zeros(3), 1.0, {}, r"expected points of shape \(n, d\), got \(3,\); flatten every sample to d units"),
    (torch.zeros(3, 0), 1.0, {}, r"expected points of shape \(n, d\), got \(3, 0\); .*"),
    (torch.zeros(0, 2), 1.0, {}, "expected at least 1 samples, got 0; give more of them"),
    (torch.tensor([[0.0], [math.nan]]), 1.0, {}, "expected finite numbers, got NaN or infinity .*; leave those .* out"),
    (torch.zeros(3, 2), 1.0, {"draws": 0}, "expected at least 1 draws, got 0; ask for more"),
    (torch.zeros(1, 2), 1.0, {"draws": 1}, "expected at least 2 draws of T in all, got 1; ask for more"),
    (torch.zeros(3, 2), 1.0, {"confidence": 1.0}, "expected a confidence between 0 and 1, got 1; 0.95 is usual"),
    (torch.zeros(3, 2), 1.0, {"chunk": 0}, "expected at least 1 centres at a time, got 0; ask for more"),
]


@pytest.mark.parametrize(("centers", "sigma", "more", "sentence"), BAD)
def test_what_is_no_mixture_is_refused_in_one_sentence(centers, sigma, more, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        gaussian_mixture_entropy(centers, sigma, **more)
