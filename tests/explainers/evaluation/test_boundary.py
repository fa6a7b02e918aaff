"""The smallest perturbation: against the formula for linear networks, and at the boundary of a real one."""

import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from explainers import load_network
from explainers.datasets.birds.render import render_bird
from explainers.evaluation.boundary import likeliest_wrong, smallest_perturbations

NETWORK = load_network("resnet20-cifar10")
PICTURE = NETWORK.preprocess(render_bird(0, 64).image)


def pixels(x: torch.Tensor) -> torch.Tensor:
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in (NETWORK.mean, NETWORK.std))
    return x * std + mean


def answers(values: torch.Tensor) -> list[int]:
    """Of pictures in [0, 1]."""
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in (NETWORK.mean, NETWORK.std))
    return NETWORK.module((values - mean) / std).argmax(1).tolist()


def test_with_it_the_target_is_answered_and_with_99_hundredths_of_it_another_class():
    targets = likeliest_wrong(NETWORK, PICTURE, 3)
    found = smallest_perturbations(NETWORK, PICTURE, targets, steps=15)
    assert found.reached.all()
    picture = pixels(PICTURE)
    assert answers(picture[None])[0] not in targets
    assert answers(picture + found.values) == targets
    assert all(near != target for near, target in zip(answers(picture + 0.99 * found.values), targets, strict=True))
    assert (picture + found.values).min() >= -1e-6
    assert (picture + found.values).max() <= 1 + 1e-6
    assert found.norms.tolist() == pytest.approx(found.values.flatten(1).norm(dim=1).tolist())


def test_of_a_linear_network_it_is_the_distance_to_the_plane_between_two_classes():
    """In units of pixels the weights of logits W (x − mean) / std are W / std; no pixel reaches 0 or 1."""
    torch.manual_seed(0)
    weights = torch.randn(10, 3, 32, 32) * 0.01
    flat = nn.Linear(3 * 32 * 32, 10)
    grey = torch.full((3, 32, 32), 0.5)
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in (NETWORK.mean, NETWORK.std))
    with torch.no_grad():
        flat.weight.copy_(weights.flatten(1))
        flat.bias.copy_(torch.tensor([0.3] + 9 * [0.0]) - weights.flatten(1) @ ((grey - mean) / std).flatten())
    linear = replace(NETWORK, module=nn.Sequential(nn.Flatten(), flat).eval().requires_grad_(False))
    found = smallest_perturbations(linear, (grey - mean) / std, [1, 5, 9], steps=100)
    for target, norm in zip(found.targets, found.norms.tolist(), strict=True):
        normal = ((weights[target] - weights[0]) / std).norm().item()
        assert 0.3 / normal <= norm * 1.0001
        assert norm == pytest.approx(0.3 / normal, rel=0.03)


def test_a_target_that_is_answered_already_and_a_missing_library_are_refused_in_a_sentence(monkeypatch):
    answer = int(NETWORK.module(PICTURE[None]).argmax())
    for wrong in ([answer], [], [10]):
        with pytest.raises(ValueError, match="expected classes from 0 to 9 other than the answer"):
            smallest_perturbations(NETWORK, PICTURE, wrong)
    monkeypatch.setitem(sys.modules, "foolbox", None)
    with pytest.raises(ModuleNotFoundError, match="expected foolbox, which attacks networks, found none"):
        smallest_perturbations(NETWORK, PICTURE, [answer + 1])
