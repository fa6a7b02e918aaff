"""A method that gives other numbers than its version did has changed: raise its version, then record the new ones."""

import math

import pytest
import torch
from torch import Tensor, nn

from explainers.baselines.explain import METHODS, attribute
from explainers.cid.explain import CID
from explainers.cid.results import CIDSettings
from explainers.ru.explain import RU
from explainers.storage.versions import METHOD_VERSIONS, method_version

# Mean and standard deviation of the map, by version.
CID_NUMBERS = {
    ("cid 3", "closed form"): (-0.1653, 1.00396),
    ("cid 3", "refined"): (0.813732, 0.591548),
    ("cid 3", "paper"): (-0.8505, 0.0398975),
}
RU_NUMBERS = {
    ("ru 4", "closed form"): (0.677722, 0.474917),
    ("ru 4", "refined"): (0.683771, 0.460754),
    ("ru 4", "paper"): (0.680719, 0.470443),
}
BASELINE_NUMBERS = {
    "saliency 1": (0.0270416, 0.0234973),
    "input_x_gradient 1": (-0.000819648, 0.0465235),
    "guided_backprop 1": (0.00732712, 0.0299385),
    "grad_cam 3": (0.00287832, 0.00481929),
    "guided_grad_cam 3": (-1.21045e-05, 0.000118608),
    "cam 1": (-0.815209, 1.17648),
    "layer_gradient 3": (0.026599, 0),
    "activation 3": (1.60534, 0.645459),
    "lrp 2": (-0.0127376, 0.0052798),
    "deep_lift 1": (0.000573796, 0.0499121),
    "integrated_gradients 1": (0.000565858, 0.0499438),
    "occlusion 1": (-0.00154509, 0.0431296),
    "lime 1": (-0.000542439, 0.0391113),
    "kernel_shap 1": (0.000573785, 0.0413359),
    "bottleneck 3": (0.00510486, 0.00136385),
}


def waves(*shape: int, frequency: float) -> Tensor:
    """Numbers that need no random generator."""
    return (torch.arange(math.prod(shape), dtype=torch.float64) * frequency).sin().view(shape)


def network() -> nn.Module:
    """Convolution, ReLU, pooling, one linear layer: every method is defined on it."""
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)
    ).double()
    for number, weight in enumerate(net.parameters(), start=1):
        weight.data = waves(*weight.shape, frequency=1.7 + 0.3 * number)
    return net.eval().requires_grad_(False)


def picture() -> Tensor:
    return waves(1, 3, 8, 8, frequency=0.37)


def numbers(map: Tensor) -> tuple[float, float]:
    return float(map.mean()), float(map.std())


CID_SETTINGS = {
    "closed form": CIDSettings(beta=1e-2, refine=False),
    "refined": CIDSettings(beta=1e-1),
    "paper": CIDSettings(beta=1e-2, method="paper"),
}


def cid_numbers(name: str) -> tuple[float, float]:
    return numbers(CID(network(), "4").attribute(picture(), CID_SETTINGS[name]))


def decoder() -> nn.Module:
    """From the three logits to a picture in [0, 1]."""
    net = nn.Sequential(nn.Linear(3, 192), nn.Sigmoid(), nn.Unflatten(1, (3, 8, 8))).double()
    for number, weight in enumerate(net.parameters(), start=1):
        weight.data = waves(*weight.shape, frequency=0.9 + 0.2 * number)
    return net.eval().requires_grad_(False)


def ru_numbers(name: str) -> tuple[float, float]:
    # Only the picture is in [0, 1]; the network takes it as it is.
    return numbers(RU(network(), "4", decoder()).attribute(picture(), CID_SETTINGS[name]))


def baseline_numbers(name: str) -> tuple[float, float]:
    return numbers(attribute(name, network(), "1" if METHODS[name].needs_layer else None, picture(), 1))


@pytest.mark.parametrize("name", CID_SETTINGS)
def test_cid_gives_the_numbers_of_its_version(name):
    assert cid_numbers(name) == pytest.approx(CID_NUMBERS[method_version("cid"), name], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", CID_SETTINGS)
def test_ru_gives_the_numbers_of_its_version(name):
    assert ru_numbers(name) == pytest.approx(RU_NUMBERS[method_version("ru"), name], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_baselines_give_the_numbers_of_their_version(name):
    assert baseline_numbers(name) == pytest.approx(BASELINE_NUMBERS[method_version(name)], rel=1e-3, abs=1e-6)


def test_versions_tell_methods_and_their_versions_apart(monkeypatch):
    names = {*METHOD_VERSIONS, *METHODS}
    before = {method_version(name) for name in names}
    assert len(before) == len(names)
    monkeypatch.setitem(METHOD_VERSIONS, "cid", METHOD_VERSIONS["cid"] + 1)
    assert method_version("cid") not in before
