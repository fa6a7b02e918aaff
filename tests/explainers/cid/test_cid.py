"""CID on trained networks: the constraint, the optimum, determinism, and the convention of the call."""

import copy
import math

import pytest
import torch
from torch import nn

from explainers import CID, CIDSettings, absolute_range, load_network
from explainers.cid.closed_form import SquareColumns, square_columns
from explainers.cid.constraint import holds
from explainers.cid.results import LOSS_TOLERANCE
from explainers.cid.sampling import Sampler
from explainers.cid.solver import Effort, solve
from explainers.datasets.birds.render import render_bird
from explainers.grid import cell_sum
from explainers.networks.architectures.plain import alexnet
from explainers.networks.features import Feature
from explainers.randomness import Randomness
from explainers.streams import last
from tests.support.oracles import energy, entropy_at_constraint, jacobian

SHIPPED = ("resnet20-cifar10", "resnet32-cifar10", "resnet44-cifar10", "alexnet-birds", "vgg16-birds")


def _picture(network, index: int = 0) -> torch.Tensor:
    return network.preprocess(render_bird(index, 64).image)[None]


def _small(network, index: int = 0) -> torch.Tensor:
    """A quarter of the pixels, which a convolutional network takes as well: quick."""
    return nn.functional.avg_pool2d(_picture(network, index), 2)


def _least(network) -> torch.Tensor:
    """A quarter of the pixels where the network takes as few."""
    return _small(network) if network.name.startswith("resnet") else _picture(network)


def _columns(h, x: torch.Tensor, probes: int, seed: int = 0) -> SquareColumns:
    return last(square_columns(Sampler(h, x, x.shape[-2:]), probes, Randomness(seed)))


@pytest.mark.long
@pytest.mark.parametrize("layer", ["conv1", "layer2.1", "layer3.2", "fc"])
def test_the_constraint_holds_on_noise_of_our_own(network, layer):
    x = _small(network)
    result = CID(network.module, network.layer(layer)).explain(x)
    h = Feature(network.module, network.layer(layer))
    reached = energy(h, x, result.sigma, 1024, seed=123) / (1.5e-4 * result.delta_f2)
    error = math.hypot(reached.std().item() / 32, result.constraint_error.item())
    assert abs(reached.mean().item() - 1) < max(0.01, 3 * error)
    assert result.converged.item()
    assert result.stage == "done"
    assert result.progress == 1
    assert result.mean.item() == pytest.approx(result.entropy.mean().item(), abs=1e-4)


@pytest.mark.slow
@pytest.mark.long
def test_refinement_beats_closed_form_and_the_paper_where_h_is_curved(network):
    x, beta = _small(network), 1e-2
    h = Feature(network.module, "fc")

    def value(settings):
        result = CID(network.module, "fc").explain(x, settings)
        target = beta * result.delta_f2.item()
        return entropy_at_constraint(h, x, result.sigma.log(), target)

    closed = value(CIDSettings(beta=beta, refine=False))
    paper = value(CIDSettings(beta=beta, method="paper"))
    refined = value(CIDSettings(beta=beta))
    assert refined > closed + 0.05
    assert refined > paper + 0.05


def test_the_first_results_come_early_and_are_whole(network):
    stream = CID(network.module, "layer3.0").stream(_small(network))
    first = next(stream)
    assert first.entropy.shape == (1, 1, 16, 16)
    assert first.entropy.isfinite().all()
    assert first.stage == "start"
    assert first.preliminary
    assert math.isnan(first.constraint.item())
    later = list(stream)
    preliminary = [result.preliminary for result in later]
    assert preliminary == sorted(preliminary, reverse=True)
    assert not preliminary[len(later) // 2]
    progress = [first.progress, *(result.progress for result in later)]
    assert progress == sorted(progress)
    assert progress[-1] == 1


@pytest.mark.parametrize("refine", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.long
def test_same_seed_same_map_other_seed_another(network, refine):
    x, settings = _small(network), CIDSettings(refine=refine, seed=5, beta=1e-3)
    first, second = (CID(network.module, "layer3.2").explain(x, settings) for _ in range(2))
    assert torch.equal(first.entropy, second.entropy)
    other = CID(network.module, "layer3.2").explain(x, CIDSettings(refine=refine, seed=6, beta=1e-3))
    assert not torch.equal(first.entropy, other.entropy)
    assert abs(first.mean - other.mean) < 0.05


@pytest.mark.slow
@pytest.mark.long
def test_a_picture_has_the_same_map_alone_and_in_company(network):
    pictures = torch.cat([_small(network, i) for i in range(2)])
    settings = CIDSettings(beta=1e-3)
    together = CID(network.module, "layer3.2").explain(pictures, settings)
    for i, picture in enumerate(pictures):
        alone = CID(network.module, "layer3.2").explain(picture[None], settings)
        assert torch.allclose(alone.entropy[0], together.entropy[i], atol=5e-3)
        assert abs(alone.mean[0] - together.mean[i]) < 1e-3


def test_the_chunk_does_not_change_the_map(network):
    x, settings = _small(network), CIDSettings(refine=False)
    maps = []
    for rows in (1, 7, 64):
        sampler = Sampler(Feature(network.module, "layer2.0"), x, (16, 16), rows=rows)
        maps.append(last(solve(sampler, settings, Randomness(0))).log_sigma)
    assert all(torch.allclose(m, maps[0], atol=1e-4) for m in maps)


def test_the_chunk_decides_nothing_where_the_layer_is_curved():
    """As many passes and the same map, though it is seen on the way that a part of the directions is enough."""
    draw = torch.Generator().manual_seed(0)
    mixed, read = (torch.randn(n, m, generator=draw).double() for n, m in ((48, 192), (192, 200)))
    h, x = lambda x: (3 * x.flatten(1) @ mixed).tanh() @ read, torch.rand(1, 3, 4, 4, generator=draw).double()
    found = []
    for rows in (64, 7, 1):
        sampler = Sampler(h, x, (2, 2), rows=rows)
        estimate = last(solve(sampler, CIDSettings(beta=1e-3), Randomness(0), Effort(stages=((4, 16),))))
        found.append((estimate.log_sigma, sampler.backward))
    assert found[0][1] < 200
    for log_sigma, backward in found[1:]:
        assert backward == found[0][1]
        assert torch.allclose(log_sigma, found[0][0], atol=1e-9)


def test_out_of_memory_halves_the_chunk_and_goes_on():
    sizes = []

    def h(x):
        sizes.append(len(x))
        if len(x) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return x.flatten(1) * torch.arange(1.0, 49)

    sampler = Sampler(h, torch.zeros(1, 3, 4, 4), (4, 4), rows=64)
    parts = torch.cat([part.sum(0, keepdim=True) for part in sampler.square_columns(torch.eye(48)[None])])
    assert max(sizes) == 48
    assert torch.allclose(parts.sum(), torch.arange(1.0, 49).square().sum())
    assert sampler.rows <= 4

    def never(x):
        if len(x) and x.requires_grad:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return x.flatten(1)

    hopeless = Sampler(never, torch.zeros(1, 3, 4, 4), (4, 4))
    with pytest.raises(MemoryError, match="smaller network"):
        list(hopeless.square_columns(torch.eye(48)[None]))


@pytest.mark.parametrize("refine", [False, True])
@pytest.mark.long
def test_rescaling_a_pair_of_layers_changes_no_map(refine):
    torch.manual_seed(0)
    net = alexnet(5, size=16).eval()
    scaled = copy.deepcopy(net)
    with torch.no_grad():
        first, second = scaled.features.conv3, scaled.features.conv4
        first.weight /= 4
        first.bias /= 4
        second.weight *= 4
    x = torch.randn(1, 3, 16, 16)
    assert torch.equal(net(x), scaled(x))
    for layer in ("features.relu3", "features.relu4", "classifier.fc8"):
        before, after = (CID(n, layer).attribute(x, refine=refine, beta=1e-3) for n in (net, scaled))
        assert (before - after).abs().max() < 1e-3


def test_a_pixel_that_wakes_within_the_noise_is_bounded():
    class Threshold(nn.Module):
        """One pixel acts only above a threshold that the picture does not reach but the noise does."""

        def forward(self, x):
            y = x.flatten(1)
            return torch.cat([y[:, 1:], torch.relu(y[:, :1] - 0.005)], 1)

    net = nn.Sequential(Threshold())
    result = CID(net, net[0]).explain(torch.zeros(1, 1, 4, 4))
    assert result.unbounded.item() == 0
    assert result.entropy[0, 0, 0, 0] > result.entropy[0, 0, 1:].max()


@pytest.mark.parametrize(
    "inputs", [torch.zeros(3, 8, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.full((1, 3, 8, 8), torch.inf)]
)
def test_inputs_that_are_no_pictures_are_refused(inputs):
    net = nn.Sequential(nn.Conv2d(3, 2, 3))
    with pytest.raises(ValueError, match="expected"):
        CID(net, "0").attribute(inputs)


@pytest.mark.parametrize(
    "change", [{"beta": 0.0}, {"beta": 0.2}, {"grid": 0}, {"method": "magic"}, {"probes": 1}, {"seed": -1}]
)
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match="expected"):
        CIDSettings(**change)


def test_captum_takes_it_for_an_attribution(network):
    from captum.metrics import sensitivity_max

    cid = CID(network.module, "layer1.0")
    change = sensitivity_max(
        lambda inputs, **_: cid.attribute(inputs, probes=32, refine=False), _small(network), n_perturb_samples=2
    )
    assert change.shape == (1,)
    assert 0 < change.item() < 1


@pytest.mark.long
@pytest.mark.parametrize("name", SHIPPED)
def test_probes_agree_with_the_jacobian_of_every_shipped_network(name):
    network = load_network(name)
    net, x = copy.deepcopy(network.module).double(), _least(network).double()
    h = Feature(net, network.layers[-1])
    exact = cell_sum(jacobian(h, x).square().sum(0)[None], x.shape[-2:])
    assert torch.allclose(_columns(h, x, 256).values, exact, rtol=1e-6)
    # A middle layer has more entries than probes: its δ_f² is estimated, twice with nothing in common.
    middle = Feature(net, network.layers[len(network.layers) // 2])
    first, second = _columns(middle, x, 48, seed=1), _columns(middle, x, 96, seed=2)
    gap = (first.delta_f2 / second.delta_f2).log().abs().item() / 2
    assert gap < 4 * math.hypot(first.mean_error.item(), second.mean_error.item())


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.long
def test_mean_entropy_rises_from_the_first_to_the_last_layer(name):
    network = load_network(name)
    first, last = (CID(network.module, network.layers[i]).explain(_least(network)) for i in (0, -1))
    assert last.mean.item() > first.mean.item() + 0.05
    assert first.converged.item()
    # The last layer may be too curved to be called converged; then it says how far from its maximum it may be.
    assert holds(last).item()
    assert last.converged.item() == (last.loss + 2 * last.loss_error <= LOSS_TOLERANCE).item()


def test_absolute_range_holds_the_least_mean_of_a_linear_map():
    low, high = absolute_range(1e-3)
    assert low < 0.5 * math.log(1e-3) + 1.4189385 < high
