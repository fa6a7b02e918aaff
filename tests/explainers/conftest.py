"""What tests of several rooms of the library start from."""

from pathlib import Path

import pytest

from app.explore import decoder_training
from app.jobs import decoders as decoder_work
from tests.support.decoders import STEPS


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
