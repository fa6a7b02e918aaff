"""What tests of several rooms of the library start from."""

from pathlib import Path

import pytest

from app.explore import decoder_training
from app.jobs import decoders as decoder_work
from explainers import Network, load_network
from explainers.storage import versions
from tests.support.decoders import STEPS

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


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Decoders go to a folder of the test, and are small and soon trained."""
    monkeypatch.setenv("DECODERS_HOME", str(tmp_path / "decoders"))
    monkeypatch.setattr(decoder_work, "fitting_batch", lambda network: 4)
    monkeypatch.setattr(decoder_work, "STEPS", STEPS)
    monkeypatch.setattr(decoder_training, "STEPS", STEPS)
    monkeypatch.setattr(decoder_training, "LENGTHS", dict.fromkeys(STEPS, "Some"))
    monkeypatch.setattr(decoder_work, "BIRDS", 20)
    return tmp_path / "decoders"
