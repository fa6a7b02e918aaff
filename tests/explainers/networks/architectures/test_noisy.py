"""Noisy networks: where the noise is, how large, and that only σ and the generator decide on it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.cid.explain import CID
from explainers.cid.results import CIDSettings
from explainers.networks.architectures.noisy import (
    ACTIVATIONS,
    convolutional,
    fully_connected,
    orthonormal_penalty,
)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def a_network(kind: str, activation: str, sigma: float):
    torch.manual_seed(1)
    if kind == "convolutional":
        return convolutional(8, (4, 6), 8, 10, activation, sigma), torch.rand(5, 1, 8, 8)
    return fully_connected((6, 5, 4, 2), activation, sigma), torch.rand(5, 6)


KINDS = pytest.mark.parametrize("kind", ["fully connected", "convolutional"])


@KINDS
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("train", [True, False])
def test_every_layer_is_fed_the_noisy_one_before_and_the_output_has_no_noise(kind, activation, train):
    network, x = a_network(kind, activation, 0.3)
    network.train(train)
    signals = network.signals(x, seeded(7))
    drawn, before = seeded(7), x
    assert network.hidden == tuple(str(place) for place in range(1, len(signals) + 1))
    for name, (s, t) in zip(network.hidden, signals, strict=True):
        clean = network.layers[name](before)
        before = clean + 0.3 * torch.randn(clean.shape, generator=drawn)
        torch.testing.assert_close(s, clean.flatten(1))
        torch.testing.assert_close(t, before.flatten(1))
    torch.testing.assert_close(network(x, seeded(7)), network.output(before))


@KINDS
def test_the_noise_has_the_deviation_that_is_said(kind):
    network, x = a_network(kind, "tanh", 0.25)
    for s, t in network.signals(x[:1].repeat(4000, *[1] * (x.ndim - 1)), seeded(0)):
        noise = t - s
        assert noise.mean().abs() < 0.02
        assert noise.std().item() == pytest.approx(0.25, rel=0.03)
        assert (noise.T.cov() if noise.shape[1] == 1 else torch.corrcoef(noise.T).fill_diagonal_(0)).abs().max() < 0.1


@KINDS
def test_without_noise_it_is_the_plain_network_whatever_the_generator(kind):
    network, x = a_network(kind, "relu", 0.0)
    expected = x
    for layer in network.layers.values():
        expected = layer(expected)
    assert torch.equal(network(x, seeded(1)), network.output(expected))
    assert torch.equal(network(x), network(x, seeded(2)))
    assert all(torch.equal(s, t) for s, t in network.signals(x))


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=3, max_size=7),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.floats(0, 2),
    st.integers(1, 6),
)
def test_any_widths_work_and_one_seed_means_one_answer(widths, activation, sigma, n):
    network = fully_connected(widths, activation, sigma)
    x = torch.randn(n, widths[0])
    assert [s.shape for s, _ in network.signals(x)] == [(n, width) for width in widths[1:-1]]
    assert network(x, seeded(3)).shape == (n, widths[-1])
    assert torch.equal(network(x, seeded(3)), network(x, seeded(3)))
    twin = network.with_noise(0)
    assert torch.equal(twin(x), network.with_noise(sigma).with_noise(0)(x))
    assert network.sigma == sigma


def test_training_goes_through_the_noise_and_weights_are_shared_with_the_twin():
    network, x = a_network("fully connected", "tanh", 0.1)
    twin = network.with_noise(0)
    network(x, seeded(1)).square().sum().backward()
    assert all(value.grad is not None for value in network.parameters())
    assert all(one is other for one, other in zip(network.parameters(), twin.parameters(), strict=True))


@KINDS
def test_the_penalty_is_zero_for_orthonormal_weights_and_falls_along_its_gradient(kind):
    network, _ = a_network(kind, "tanh", 0.1)
    before = orthonormal_penalty(network)
    before.backward()
    with torch.no_grad():
        for value in network.parameters():
            if value.grad is not None:
                value -= 1e-3 * value.grad
        assert 0 < orthonormal_penalty(network) < before
        for value in network.parameters():
            if value.ndim > 1:
                torch.nn.init.orthogonal_(value)
    assert orthonormal_penalty(network).item() == pytest.approx(0, abs=1e-9)


def test_pictures_are_flattened_for_linear_layers():
    network = fully_connected((64, 5, 2), "tanh", 0.1)
    x = torch.rand(3, 1, 8, 8)
    assert torch.equal(network(x, seeded(1)), network(x.flatten(1), seeded(1)))


def test_a_float64_network_has_noise_of_that_type():
    network, x = a_network("fully connected", "tanh", 0.1)
    assert all(t.dtype == torch.float64 for pair in network.double().signals(x.double()) for t in pair)


def test_maps_of_a_digit_can_be_made_of_the_twin():
    network, x = a_network("convolutional", "tanh", 0.1)
    answer = CID(network.with_noise(0).eval(), "layers.2").explain(x[:1], CIDSettings(refine=False))
    assert answer.entropy.isfinite().all()


@pytest.mark.parametrize("sigma", [-0.1, math.nan, math.inf])
def test_what_is_no_noise_is_one_sentence(sigma):
    with pytest.raises(ValueError, match=r"expected the noise as a finite number from 0 on, got σ = "):
        fully_connected((2, 3, 2), "tanh", sigma)


@pytest.mark.parametrize("widths", [(), (2, 2), (2, 0, 2)])
def test_what_are_no_widths_is_one_sentence(widths):
    with pytest.raises(ValueError, match="expected positive widths"):
        fully_connected(widths, "tanh", 0.1)


def test_an_unknown_activation_and_a_picture_of_nothing_are_one_sentence():
    with pytest.raises(ValueError, match="expected one of tanh, relu, leaky_relu, got the activation 'gelu'"):
        fully_connected((2, 3, 2), "gelu", 0.1)
    with pytest.raises(ValueError, match="expected a picture and channels"):
        convolutional(8, (), 4, 2, "tanh", 0.1)
