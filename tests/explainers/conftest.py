"""What tests of several rooms of the library start from."""

import pytest

from explainers import Network, load_network
from explainers.storage import versions

# The versions of the methods when keys were first written down.
VERSIONS = {"cid": 2, "ru": 3, "fairness": 2, "scores": 2, "lrp": 2} | dict.fromkeys(
    ("grad_cam", "guided_grad_cam", "layer_gradient", "activation", "bottleneck"), 3
)


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("resnet20-cifar10")


@pytest.fixture
def as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are written down are compared apart from the versions of the methods, which rise."""
    monkeypatch.setattr(versions, "METHOD_VERSIONS", VERSIONS)
