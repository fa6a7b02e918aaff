"""Weights of one's own: what fits is loaded, what does not is named, nothing is unpickled."""

import io
import os
import pickle
from argparse import Namespace
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import nn

from explainers.checkpoints.load import CheckpointError, read_state_dict
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.catalogue import _specs, load_checkpoint
from tests.support.hostile_weights import saved
from tests.support.places import ROOT

DATA = Path(os.environ.get("EXPLAINERS_TEST_DATA", ROOT.parent / "shared" / "data"))
ARCHITECTURE = "resnet20-cifar10"


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return ResNetCIFAR(20, classes=7).state_dict()


WAYS = {
    "safetensors": safetensors.torch.save,
    "pt": saved,
    "legacy": lambda s: legacy(s),
    "state_dict": lambda s: saved({"epoch": 3, "state_dict": s, "args": {"lr": 0.1}}),
    "model": lambda s: saved({"model": s}),
    "parallel": lambda s: saved({f"module.{k}": v for k, v in s.items()}),
    "compiled": lambda s: saved({"state_dict": {f"_orig_mod.module.{k}": v for k, v in s.items()}}),
    "float64": lambda s: saved({k: v.double() if v.is_floating_point() else v for k, v in s.items()}),
    "no counters": lambda s: saved({k: v for k, v in s.items() if "num_batches" not in k}),
}


def legacy(value) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


@pytest.mark.parametrize("way", WAYS)
def test_every_usual_form_gives_the_same_network(way, state):
    network = load_checkpoint(ARCHITECTURE, WAYS[way](state))
    original = ResNetCIFAR(20, classes=7)
    original.load_state_dict(state)
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(network.module(x), original.eval()(x))
    assert len(network.classes) == network.layers[-1].shape[0] == 7
    assert network.accuracy is None


def test_a_path_is_read_like_bytes(state, tmp_path):
    path = tmp_path / "weights.bin"
    prints = set()
    for data in (saved(state), safetensors.torch.save(state)):
        path.write_bytes(data)
        prints |= {load_checkpoint(ARCHITECTURE, source).fingerprint for source in (path, str(path), data)}
    assert len(prints) == 1


def test_a_missing_file_is_named_without_its_folder(tmp_path):
    with pytest.raises(CheckpointError, match=r"no file 'none\.pt'") as caught:
        load_checkpoint(ARCHITECTURE, tmp_path / "none.pt")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.long
def test_what_does_not_fit_is_named(state):
    broken = {key: value for key, value in state.items() if key != "conv1.weight"}
    broken |= {"extra.weight": torch.zeros(1), "bn1.bias": torch.zeros(17)}
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(ARCHITECTURE, saved(broken))
    error = caught.value
    assert error.missing == ("conv1.weight",)
    assert error.unexpected == ("extra.weight",)
    assert [(m.key, m.shape, m.expected) for m in error.misshapen] == [("bn1.bias", (17,), (16,))]
    for word in (
        "ResNet-20",
        "1 missing (conv1.weight)",
        "1 unexpected (extra.weight)",
        "bn1.bias is 17 instead of 16",
    ):
        assert word in str(error)


class Planted:
    def __reduce__(self):
        return os.system, ("touch planted",)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("dump", [pickle.dumps, saved, legacy, lambda v: saved({"state_dict": v})])
def test_nothing_is_unpickled(dump, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="never loaded"):
        load_checkpoint(ARCHITECTURE, dump({"weight": Planted()}))
    assert not list(tmp_path.iterdir())


class Setup:
    """An object of a training, with what runs when it is unpickled."""

    def __init__(self):
        self.epochs = 3

    def __setstate__(self, state):
        raise AssertionError("it was unpickled")


BESIDE = {
    "arguments": Namespace(lr=0.1, layers=[1, 2]),
    "numbers of NumPy": {"best": np.float64(0.9), "curve": np.arange(3)},
    "paths and times": [Path("/home/someone/runs"), datetime(2026, 1, 2), timedelta(3)],
    "containers": {"sets": {1, 2}, "frozen": frozenset("a"), "counted": Counter("abc"), "keys": {(1, 2): 3, None: 4}},
    "types of torch": [torch.Size([1]), torch.device("cpu"), torch.float32, torch.get_rng_state()],
    "a class and its object": [Setup, Setup()],
    "a whole network": nn.Sequential(nn.Linear(2, 3)),
    "code": Planted(),
}


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("dump", [saved, legacy])
def test_what_a_training_leaves_beside_the_weights_is_not_looked_at(beside, dump, state, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = dump({"state_dict": state, "epoch": 3, "beside": BESIDE[beside]})
    network = load_checkpoint(ARCHITECTURE, data)
    assert torch.equal(network.module.state_dict()["fc.weight"], state["fc.weight"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dump", [saved, legacy])
@pytest.mark.parametrize("place", [lambda net: net, lambda net: {"epoch": 1, "model": net}])
def test_of_a_network_that_was_saved_whole_the_weights_are_read_and_no_code_is_run(dump, place, state):
    whole = Watched(20, classes=7)
    whole.load_state_dict(state)
    network = load_checkpoint(ARCHITECTURE, dump(place(nn.DataParallel(whole))))
    assert all(torch.equal(value, state[key]) for key, value in network.module.state_dict().items())
    assert network.module.training is False


def test_parts_that_are_shared_without_end_are_refused():
    part = nn.Sequential(nn.Linear(1, 1))
    for _ in range(40):
        part = nn.Sequential(part, part)
    with pytest.raises(CheckpointError, match="got a network of more parts"):
        load_checkpoint(ARCHITECTURE, saved(part))


class Watched(ResNetCIFAR):
    def __setstate__(self, state):
        raise AssertionError("it was unpickled")


def test_a_defaultdict_is_a_dictionary(state):
    data = saved({"state_dict": defaultdict(list, state)})
    assert torch.equal(load_checkpoint(ARCHITECTURE, data).module.fc.bias, state["fc.bias"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "state dict"),
        (b"no weights at all", "state dict"),
        (b"\x10\0\0\0\0\0\0\0{damaged", "safetensors"),
        (saved(torch.zeros(3)), "dictionary of named tensors, got Tensor"),
        (saved({}), "dictionary of named tensors"),
        (saved({"lr": 0.1}), "float under 'lr'"),
        (saved({"w": torch.zeros(3, dtype=torch.complex64)}), "plain tensors"),
        (saved({"w": torch.zeros(1).expand(1 << 40)}), "at most 1 GiB"),
        (saved({3: torch.zeros(1)}), "under '3'"),
    ],
)
def test_other_files_are_refused_in_one_sentence(content, message):
    with pytest.raises(CheckpointError, match=message):
        read_state_dict(content)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("fc.weight", torch.full((7, 64), torch.nan), "NaN or infinity in 'fc.weight'"),
        ("fc.bias", torch.full((7,), 1e300, dtype=torch.float64), "NaN or infinity in 'fc.bias'"),
        ("fc.weight", torch.zeros(7, 64, dtype=torch.int8), "floating point"),
        ("fc.weight", torch.zeros(100_001, 64), "classes, got 100,001"),
        ("fc.weight", torch.zeros(0, 64), "classes, got 0"),
        ("fc.weight", torch.zeros(64), "fc.weight is 64 instead of"),
    ],
)
def test_senseless_weights_are_refused(state, key, value, message):
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(ARCHITECTURE, saved({**state, key: value}))


def test_old_names_of_dense_layers_and_heads_of_training_are_understood():
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in _specs()["densenet121"].build(3).state_dict().items()}
    old = {k.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): torch.zeros(s) for k, s in shapes.items()}
    assert set(old) != set(shapes)
    assert len(load_checkpoint("densenet121", safetensors.torch.save(old)).classes) == 3
    rename = _specs()["googlenet"].rename
    assert rename("aux2.fc2.weight") is None
    assert rename("conv1.conv.weight") == "conv1.conv.weight"


@pytest.mark.skipif(not (DATA / "squeezenet1_1-imagenet.pt").is_file(), reason="no ImageNet weights beside the project")
def test_a_real_imagenet_network_knows_its_classes():
    network = load_checkpoint("squeezenet1_1", DATA / "squeezenet1_1-imagenet.pt")
    files = sorted((DATA / "imagenet-samples").glob("*.jpg"))
    batch = torch.stack([network.preprocess(Image.open(file)) for file in files])
    with torch.inference_mode():
        best = network.module(batch).argmax(1)
    right = sum(int(file.name[:3]) == index for file, index in zip(files, best.tolist(), strict=True))
    # 67.7 % top-1 on 300 such photographs: fewer than half of 29 has a chance below 0.02.
    assert right > len(files) / 2
    assert network.classes[281] == "tabby"
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint("alexnet", DATA / "squeezenet1_1-imagenet.pt")
    assert caught.value.missing
    assert caught.value.unexpected
    assert caught.value.misshapen
