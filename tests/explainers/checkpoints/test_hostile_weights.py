"""Weights files made to do harm: refused in one sentence, nothing run, nothing written, nothing large allocated."""

import builtins
import io
import pickle
import resource
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision import models

from explainers.checkpoints import load
from explainers.checkpoints.load import MAX_BYTES, CheckpointError, read_state_dict
from explainers.networks.catalogue import load_checkpoint, registered
from explainers.networks.recognised_specs import expected_of
from explainers.networks.recognition import recognise
from tests.support.hostile_weights import (
    ARCHITECTURE,
    HOSTILE,
    planted,
    replaced,
    saved,
    state,
    tar_with,
)

pytestmark = pytest.mark.filterwarnings("ignore:Detected pickle protocol")


@pytest.mark.parametrize("way", range(len(planted(Path()))))
def test_planted_code_does_not_run(way, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bomb = planted(tmp_path)[way]
    inside = {"conv1.weight": torch.zeros(1), "payload": bomb}
    forms = [
        pickle.dumps(bomb),
        *(pickle.dumps(inside, protocol=protocol) for protocol in (0, 2, 4, 5)),
        saved(inside),
        saved(inside, _use_new_zipfile_serialization=False),
        saved({"state_dict": inside}),
        replaced(saved(state()), {"data.pkl": pickle.dumps(bomb, protocol=2)}),
        tar_with("pickle") + pickle.dumps(bomb),
    ]
    for data in forms:
        for source in (data, write(tmp_path / "in" / "weights.pt", data)):
            with pytest.raises(CheckpointError) as caught:
                load_checkpoint(ARCHITECTURE, source)
            one_sentence(caught.value, tmp_path)
    assert not hasattr(builtins, "PLANTED")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_the_planted_code_would_run_if_it_were_unpickled(tmp_path):
    # What the test above relies on: the payload is live.
    pickle.loads(pickle.dumps(planted(tmp_path)[1]))
    assert builtins.PLANTED
    del builtins.PLANTED
    torch.load(io.BytesIO(saved({"payload": planted(tmp_path)[2]})), weights_only=False)["payload"].close()
    assert (tmp_path / "planted").is_file()


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def one_sentence(error: Exception, folder: Path) -> None:
    text = str(error)
    assert text.startswith("expected")
    assert "\n" not in text
    assert len(text) < 1200
    assert str(folder) not in text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_sentence(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    data = HOSTILE[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for source in (data, write(tmp_path / "in" / "weights.pt", data)):
        with pytest.raises(CheckpointError) as caught:
            load_checkpoint(ARCHITECTURE, source)
        one_sentence(caught.value, tmp_path)
    # In KiB: what a refused file claims is never allocated.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert not Path("/tmp/planted").exists()


def test_the_largest_size_is_refused_before_it_is_read(tmp_path):
    large = tmp_path / "large.pt"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # sparse: it takes no room
    with pytest.raises(CheckpointError, match="at most 1 GiB of weights"):
        read_state_dict(large)


def test_a_wrong_type_of_float_is_converted_and_a_good_file_is_not_refused():
    for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.float8_e5m2):
        kept = {key: value.to(dtype) if value.is_floating_point() else value for key, value in state().items()}
        module = load_checkpoint(ARCHITECTURE, saved(kept)).module
        assert all(value.dtype in (torch.float32, torch.int64) for value in module.state_dict().values())
        assert torch.equal(module.state_dict()["fc.weight"], kept["fc.weight"].float())


def test_a_network_is_bounded_by_what_it_takes_and_not_by_what_was_stored(monkeypatch):
    half = saved({key: value.half() if value.is_floating_point() else value for key, value in state().items()})
    whole = sum(value.numel() * value.element_size() for value in state().values())
    monkeypatch.setattr(load, "MAX_BYTES", whole - 1)
    assert len(half) < whole
    with pytest.raises(CheckpointError, match="1 GiB in float32"):
        load_checkpoint(ARCHITECTURE, half)
    monkeypatch.setattr(load, "MAX_BYTES", whole)
    assert load_checkpoint(ARCHITECTURE, half).module is not None


class Largest(TorchDispatchMode):
    """Bytes of the largest storage that torch makes in the processor's memory."""

    bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for value in found if isinstance(found, tuple | list) else [found]:
            if isinstance(value, torch.Tensor) and value.device.type == "cpu":
                self.bytes = max(self.bytes, value.untyped_storage().nbytes())
        return found


@pytest.mark.long
def test_recognising_takes_no_memory_for_weights():
    """Of a VGG-16 with widths of its own, which every way to recognise is tried for; its weights take 528 MB."""
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in models.vgg16(num_classes=5).state_dict().items()}
    narrow = {key: tuple(24 if length == 64 else length for length in shape) for key, shape in shapes.items()}
    one = {key: torch.zeros(1).expand(shape) for key, shape in narrow.items()}
    # What was built before would not be built again.
    expected_of.cache_clear()
    with Largest() as largest:
        (found,) = recognise(registered().values(), {"": one})
    assert "VGG-16" in found.spec.title
    assert largest.bytes < 1 << 20
