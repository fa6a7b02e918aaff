"""LRP over random networks: its definition written out as matrices, and conservation of the score."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from explainers.baselines.explain import attribute
from tests.support.draws import normal
from tests.support.generated_networks import Generated, dense_relevance

seeds = st.integers(0, 2**31)
few = settings(max_examples=15, deadline=None)


@settings(few, max_examples=10)
@given(seeds)
def test_relevance_is_that_of_the_definition(seed: int) -> None:
    net, x = Generated(seed), _picture(seed)
    got, expected = attribute("lrp", net, None, x, target=1), dense_relevance(net, x, 1)
    assert torch.allclose(got, expected, rtol=1e-6, atol=1e-8 * float(expected.abs().max()))


@few
@given(seeds)
def test_the_score_is_conserved_without_biases(seed: int) -> None:
    net, x = Generated(seed, biased=False), _picture(seed)
    score = net(x)[0, 1]
    total = attribute("lrp", net, None, x, target=1).sum()
    # The ε of the last layer takes its part of small scores.
    assert total.item() == pytest.approx(score.item(), rel=1e-4, abs=2e-6)


@pytest.mark.parametrize("after", [nn.BatchNorm2d(6), nn.Identity()])
def test_a_normalisation_directly_after_a_rectifier_passes_relevance_on(after: nn.Module) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = nn.Conv2d(3, 6, 3, bias=False), nn.Conv2d(6, 6, 3, bias=False)
        head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4, bias=False))
        net = nn.Sequential(first, nn.ReLU(), after, second, nn.ReLU(), *head).eval().double()
        x = torch.randn(1, 3, 12, 12, dtype=torch.float64)
    assert torch.allclose(attribute("lrp", net, None, x, 1).sum(), net(x)[0, 1], rtol=1e-3)


def _picture(seed: int) -> torch.Tensor:
    return normal(1, 3, 8, 8, seed=seed)
