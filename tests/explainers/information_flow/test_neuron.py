"""A single neuron: integration against another integration, estimates against it."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from explainers.datasets.toys.neuron import four_numbers
from explainers.information_flow import plane
from explainers.information_flow.estimates import mutual_information_input
from explainers.information_flow.neuron import integrated_information
from explainers.information_flow.plane import BIASES, WEIGHTS, point_rows
from explainers.networks.architectures.noisy import fully_connected


def by_quadrature(centers: list[float], sigma: float) -> float:
    """The same integral by adaptive quadrature from kink to kink, in plain words."""

    def density(t: float) -> float:
        return np.mean([math.exp(-((t - s) ** 2) / 2 / sigma**2) for s in centers]) / math.sqrt(2 * math.pi) / sigma

    def integrand(t: float) -> float:
        g = density(t)
        return -g * math.log(g) if g > 0 else 0.0

    ends = sorted({s + k * sigma for s in centers for k in range(-10, 11)})
    entropy = sum(quad(integrand, low, high)[0] for low, high in pairwise(ends))
    return entropy - 0.5 * math.log(2 * math.pi * math.e * sigma**2)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=4), st.floats(0.1, 2))
def test_integration_agrees_with_quadrature(centers, sigma):
    assert integrated_information(torch.tensor(centers), sigma) == pytest.approx(
        by_quadrature(centers, sigma), abs=1e-6
    )


def test_integration_knows_the_ends():
    apart, together = torch.tensor([0.0, 100, 300, 900]), torch.ones(4)
    assert integrated_information(apart, 1.0) == pytest.approx(math.log(4))
    assert integrated_information(together, 0.3) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize(("w", "b"), [(0.2, 0.0), (0.5, -1.0), (1.0, -2.0), (3.0, 1.0)])
def test_estimates_of_a_neuron_agree_with_integration_within_their_error(activation, w, b):
    network = fully_connected((1, 1, 2), activation, 0.2).requires_grad_(False)
    network.layers["1"].weighted.weight.fill_(w)
    network.layers["1"].weighted.bias.fill_(b)
    x = four_numbers().x
    found = mutual_information_input(network, "1", x, draws=4000)
    exact = integrated_information(network.signals(x)[0][0], 0.2)
    # Overlaps that are rarer than the draws are in no error.
    assert abs(found.value - exact) < 4 * found.error + 1e-4


def test_the_plane_has_every_weight_and_bias_once_for_each_activation(monkeypatch):
    monkeypatch.setattr(plane, "point_rows", lambda *place: [place])
    assert len(set(plane.plane_rows())) == len(list(plane.plane_rows())) == 2 * len(WEIGHTS) * len(BIASES)


@pytest.mark.parametrize("b", BIASES[::6])
def test_without_a_weight_a_neuron_knows_nothing(b):
    assert all(abs(row.value) < 1e-9 for row in point_rows("tanh", 0.0, b, draws=50))
