"""The noise of a map: at × 1 it moves the feature as far as the constraint says; what is shown is what is measured."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from explainers import CID, CIDResult, CIDSettings, Network, load_network
from explainers.cid.noise_effect import FACTORS, SAMPLES, NoiseEffect, noise_effect, spread
from explainers.methods import Workbench, answer
from explainers.methods.noise import NoiseRequest
from explainers.networks.features import Feature

SETTINGS = CIDSettings(grid=4, seed=3)
BENCH = Workbench()


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(1))


def asked(network: Network, x: torch.Tensor, layer: str, settings: CIDSettings = SETTINGS) -> NoiseRequest:
    place = network.layer(layer)
    return NoiseRequest(network, place, x, "picture", CID(network.module, place).explain(x[None], settings))


@pytest.mark.parametrize("layer", ["conv1", "layer2.0", "layer2.2"])
def test_at_once_the_noise_the_feature_moves_as_far_as_the_constraint_allows(network, x, layer):
    request = asked(network, x, layer)
    found: NoiseEffect = answer(request)
    error = (found.errors[0] ** 2 + request.found.constraint_error[0] ** 2 + 0.01**2) ** 0.5
    assert abs(found.changes[0] - request.found.constraint[0]) < 4 * error
    assert (found.changes[1:] > found.changes[:-1]).all()
    assert found.progress == 1


def test_a_linear_layer_moves_with_the_square_of_the_noise():
    torch.manual_seed(2)
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 5)).double()
    x = torch.randn(3, 4, 4, dtype=torch.float64)
    result = CID(net, "1").explain(x[None], SETTINGS)
    budget = SETTINGS.beta * float(result.delta_f2[0])
    *_, found = noise_effect(Feature(net, "1"), net, x, result.sigma[0], budget, 0)
    assert torch.allclose(found.changes, found.changes[0] * torch.tensor(FACTORS) ** 2, rtol=1e-5)


def test_what_is_answered_is_the_networks_answer_to_the_picture_shown(network, x):
    found: NoiseEffect = answer(asked(network, x, "layer2.0"))
    with torch.no_grad():
        for place, times in enumerate(FACTORS):
            expected = network.module(x[None] + times * found.noise).softmax(1)[0]
            assert torch.allclose(found.answers[place], expected, atol=1e-5)
        assert torch.allclose(found.clean, network.module(x[None]).softmax(1)[0], atol=1e-5)
    assert ((found.kept * SAMPLES) % 1 == 0).all()


def test_the_same_seed_is_the_same_noise_and_another_is_not(network, x):
    request = asked(network, x, "layer2.0")
    first, again = next(request.stream(BENCH)), next(request.stream(BENCH))
    assert torch.equal(first.noise, again.noise)
    other = replace(request, found=replace(request.found, settings=replace(SETTINGS, seed=4)))
    assert not torch.equal(first.noise, next(other.stream(BENCH)).noise)
    assert request.key != other.key


def test_the_key_is_of_sigma_the_layer_and_the_picture(network, x):
    request = asked(network, x, "layer2.0")
    assert request.key == asked(network, x, "layer2.0").key
    scaled: CIDResult = replace(request.found, sigma=request.found.sigma * 1.01)
    others = (
        replace(request, found=scaled),
        replace(request, picture="another"),
        replace(request, layer=network.layer("layer2.1")),
    )
    assert len({request.key, *(other.key for other in others)}) == 4


def test_an_effect_is_found_again_under_the_key_that_was_written_down(network, x, as_written):
    """As version 0.2 makes it; of the map it takes σ, δ_f² and the settings."""
    request = asked(network, x, "layer2.0", replace(SETTINGS, refine=False, probes=8))
    found = replace(request.found, sigma=torch.full((1, 4, 4), 0.25), delta_f2=torch.tensor([2.0]))
    assert replace(request, found=found).key == "8637893c1219006d29900ef826e4686925b95b8ac8fc419621b9fe649b269141"


def test_cells_that_are_not_used_get_as_much_noise_as_the_picture_is_spread(x):
    sigma = torch.tensor([[[0.5, float("inf")], [0.1, 0.2]]])
    spreads = spread(sigma, x)
    assert spreads.shape == (1, 32, 32)
    assert spreads[0, 0, 31] == pytest.approx(float(x.std(correction=0)))
    assert spreads[0, 0, 0] == 0.5


def test_a_segmentation_is_answered_in_shares_of_its_pixels():
    network = load_network("unet-membranes")
    x = torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(0))
    layer = network.layer("down1.conv2")
    result = CID(network.module, layer).explain(x[None], CIDSettings(grid=4, refine=False, probes=8))
    found = next(NoiseRequest(network, layer, x, "picture", result).stream(BENCH))
    taken = network.module(x[None]).argmax(1).flatten().bincount(minlength=2) / 64**2
    assert torch.allclose(found.clean, taken)
    assert 0 <= found.kept[0] <= 1
    assert found.progress == 1 / len(FACTORS)
