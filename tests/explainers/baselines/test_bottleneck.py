"""Information Bottleneck Attribution against the paper's equations, written slowly."""

import math

import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

from explainers.baselines.bottleneck import BottleneckSettings, blur, capacity
from explainers.baselines.explain import attribute
from explainers.randomness import Randomness
from tests.support.draws import normal

torch.set_num_threads(1)


class LeftOnly(nn.Module):
    """Decides by the left half of its feature alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1, stride=2)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        f = self.relu(self.conv(x))
        return self.fc(f[..., : f.shape[-1] // 2].mean((2, 3)) * 200)


@pytest.fixture
def net() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return LeftOnly().double().eval().requires_grad_(False)


def pictures(count: int, seed: int = 0) -> torch.Tensor:
    return normal(count, 3, 16, 16, seed=seed)


def test_capacity_is_the_divergence_of_the_two_gaussians() -> None:
    r, kept = torch.linspace(-3, 3, 7).double(), torch.linspace(0.05, 0.95, 7).double()
    expected = kl_divergence(Normal(kept * r, 1 - kept), Normal(torch.zeros(7).double(), torch.ones(7).double()))
    assert torch.allclose(capacity(r, kept, 1 - kept), expected)


def test_blur_is_a_gaussian_filter_cut_off_at_two_cells() -> None:
    weights = torch.rand(1, 1, 6, 9, dtype=torch.float64)
    expected = gaussian_filter(weights[0, 0].numpy(), 1.0, truncate=2.0, mode="nearest")
    assert torch.allclose(blur(weights, 1.0)[0, 0], torch.from_numpy(expected))
    assert blur(torch.rand(1, 2, 1, 2), 1.0).shape == (1, 2, 1, 2)


def test_the_map_is_that_of_the_paper_s_loop(net: nn.Module) -> None:
    x, reference, settings = pictures(1), pictures(20, seed=5), BottleneckSettings(steps=3)
    with torch.no_grad():
        features = net.relu(net.conv(reference))
        mu, sigma, r = features.mean(0), features.std(0, correction=0), net.relu(net.conv(x))[0]
        sigma = sigma.clamp(min=0.01 * float(sigma.mean()))

    def smooth(weights: torch.Tensor) -> torch.Tensor:
        kernel = torch.exp(-(torch.arange(-2, 3).double() ** 2) / 2)
        kernel = (kernel[:, None] * kernel).div(kernel.sum() ** 2)[None, None]
        return F.conv2d(F.pad(weights[:, None], (2, 2, 2, 2), mode="replicate"), kernel)[:, 0]

    def information(lam: torch.Tensor) -> torch.Tensor:
        return kl_divergence(Normal(lam * r + (1 - lam) * mu, (1 - lam) * sigma), Normal(mu, sigma))

    alpha = torch.full_like(r, 5.0).requires_grad_()
    adam, noise = torch.optim.Adam([alpha], lr=1.0), Randomness(0)("bottleneck")
    for _ in range(3):
        lam = smooth(alpha.sigmoid())
        epsilon = mu + sigma * torch.randn(10, *r.shape, generator=noise, dtype=r.dtype)
        z = lam * r + (1 - lam) * epsilon
        scores = net.fc(z[..., :4].mean((2, 3)) * 200)
        loss = F.cross_entropy(scores, torch.full((10,), 2)) + 10 * information(lam).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    bits = information(smooth(alpha.sigmoid())).sum(0).detach() / math.log(2)
    got = attribute("bottleneck", net, "relu", x, target=2, reference=reference, settings=settings)
    assert torch.allclose(got, F.interpolate(bits[None, None], (16, 16), mode="bilinear") / 4, rtol=1e-4)
    assert torch.allclose(got.sum(), bits.sum(), rtol=1e-4)


def test_what_the_decision_does_not_use_gets_fewer_bits(net: nn.Module) -> None:
    got = attribute("bottleneck", net, "relu", pictures(1), reference=pictures(20, seed=5))[0, 0]
    assert float(got[:, 10:].mean()) < 0.8 * float(got[:, :6].mean())
    assert bool((got >= 0).all())


def test_a_dearer_bottleneck_lets_less_through(net: nn.Module) -> None:
    totals = [
        float(attribute("bottleneck", net, "relu", pictures(1), settings=BottleneckSettings(beta=beta)).sum())
        for beta in (0.1, 10.0, 1000.0)
    ]
    assert totals[0] > totals[1] > totals[2]


@pytest.mark.parametrize("reference", [None, pictures(20, seed=5)])
def test_rescaling_the_layer_changes_nothing(net: nn.Module, reference: torch.Tensor | None) -> None:
    before = attribute("bottleneck", net, "relu", pictures(2), target=1, reference=reference)
    net.conv.weight.div_(4)
    net.conv.bias.div_(4)
    net.fc.weight.mul_(4)
    after = attribute("bottleneck", net, "relu", pictures(2), target=1, reference=reference)
    assert torch.allclose(before, after, rtol=1e-6)


def test_the_seed_decides(net: nn.Module) -> None:
    maps = [
        attribute("bottleneck", net, "relu", pictures(1), settings=BottleneckSettings(seed=seed)) for seed in (0, 0, 1)
    ]
    assert torch.equal(maps[0], maps[1])
    assert not torch.equal(maps[0], maps[2])
