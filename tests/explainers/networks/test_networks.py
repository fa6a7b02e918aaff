"""Networks by name: the record, its weights' way here, and the sentences where there are none."""

import hashlib
import http.server
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models

from explainers.devices import best_device, parse_device
from explainers.networks import catalogue
from explainers.networks import specs as network_specs
from explainers.networks.catalogue import WeightsUnavailable, load_network, network_catalogue, registered
from explainers.networks.downloads import fetch
from explainers.networks.specs import STUDIED
from tests.support.web import served

SHIPPED = [entry.name for entry in network_catalogue() if entry.shipped and entry.available]
FIRST = {
    "resnet20-cifar10",
    "resnet32-cifar10",
    "resnet44-cifar10",
    "squeezenet-cifar10",
    "alexnet-birds",
    "vgg16-birds",
    "unet-membranes",
}
# SqueezeNet of half its filters is the smallest of them, and right less often.
LEAST = dict.fromkeys(FIRST, 0.85) | {"squeezenet-cifar10": 0.82}
TORCHVISION = [entry.name for entry in network_catalogue() if not entry.shipped]


@pytest.fixture
def server(tmp_path):
    """(address, folder) of a web server on this machine."""
    folder = tmp_path / "served"
    folder.mkdir()
    with served(partial(QuietHandler, directory=folder)) as address:
        yield address, folder


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def serve(folder, content: bytes, name: str = "weights", digest: str | None = None) -> str:
    file = f"{name}-{(digest or hashlib.sha256(content).hexdigest())[:8]}.pth"
    (folder / file).write_bytes(content)
    return file


def test_the_catalogue_names_every_network_once():
    entries = network_catalogue()
    assert len({entry.name for entry in entries}) == len(entries)
    shipped = {entry.name for entry in entries if entry.shipped}
    studied = {spec.name for spec in STUDIED}
    assert shipped >= FIRST
    assert all(name.partition("-seed")[0].partition("-epoch")[0] in FIRST | studied for name in shipped)
    assert len(TORCHVISION) >= 14
    assert all(entry.size > 1e6 for entry in entries if not entry.shipped)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_network_is_complete(name):
    network = load_network(name)
    parts = list(network.module.modules())
    assert not any(part.training for part in parts)
    assert not any(p.requires_grad for p in network.module.parameters())
    assert all(t.dtype == torch.float32 for t in network.module.parameters())
    assert len(network.classes) == network.layers[-1].shape[0]
    assert (network.accuracy is None) == network.reconstructs == (network.error is not None)
    # Of the networks to study some are meant to be weak; one in twenty-four would be a guess.
    assert network.reconstructs or LEAST.get(name, 0.3) <= network.accuracy <= 1
    # Grey alone would be off by a quarter.
    assert not network.reconstructs or 0 < network.error < 0.15
    logits = network.module(torch.zeros(2, 3, *network.input_size))
    assert logits.shape == (2, *network.layers[-1].shape)
    assert logits.isfinite().all()


def test_same_weights_same_fingerprint():
    one, two = load_network("resnet20-cifar10"), load_network("resnet20-cifar10")
    assert one.fingerprint == two.fingerprint
    two.module.fc.bias[0] += 1e-6
    assert catalogue.fingerprint("resnet20-cifar10", two.module) != one.fingerprint
    assert catalogue.fingerprint("another", one.module) != one.fingerprint


@pytest.mark.parametrize("name", TORCHVISION)
@pytest.mark.parametrize("size", [(500, 375), (224, 300), (100, 80)])
def test_preprocessing_is_torchvisions_own(name, size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    ours = catalogue._specs()[name].preprocessing.tensor(image)
    theirs = models.get_model_weights(name).IMAGENET1K_V1.transforms()(image)
    assert torch.equal(ours, theirs)


def test_display_undoes_preprocess():
    network = load_network("resnet20-cifar10")
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    assert network.display(network.preprocess(image)).tobytes() == image.tobytes()


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1", "CMYK"])
@pytest.mark.parametrize("size", [(1, 1), (3, 5000), (40, 33)])
def test_pictures_of_any_mode_and_shape_are_taken(mode, size):
    network = load_network("resnet20-cifar10")
    assert network.preprocess(Image.new(mode, size)).shape == (3, 32, 32)


def test_unknown_names_are_refused_with_those_there_are():
    with pytest.raises(ValueError, match="resnet20-cifar10"):
        load_network("resnet21")
    with pytest.raises(ValueError, match=r"layer3\.2"):
        load_network("resnet20-cifar10").layer("layer9")


def test_a_missing_shipped_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(network_specs, "NETWORKS", tmp_path)
    with pytest.raises(WeightsUnavailable) as caught:
        load_network("vgg16-birds")
    for word in ("vgg16-birds.safetensors", "assets/networks"):
        assert word in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_without_a_connection_one_sentence_says_what_to_do(cache, monkeypatch):
    # Port 9 of this machine: nothing listens there.
    specs = {
        name: replace(spec, url="http://127.0.0.1:9/vgg16-397923af.pth") if name == "vgg16" else spec
        for name, spec in catalogue._specs().items()
    }
    monkeypatch.setattr(catalogue, "_specs", lambda: specs)
    with pytest.raises(WeightsUnavailable) as caught:
        load_network("vgg16")
    for word in ("vgg16-397923af.pth", "no connection", "checkpoints", "TORCH_HOME", "resnet20-cifar10"):
        assert word in str(caught.value)
    assert str(cache.parent) not in str(caught.value)
    assert not list(cache.iterdir())


def test_first_use_downloads_and_the_second_does_not(cache, server, tmp_path, monkeypatch):
    address, folder = server
    spec = catalogue._specs()["squeezenet1_1"]
    torch.manual_seed(0)
    torch.save(spec.build(1000).state_dict(), tmp_path / "state")
    file = serve(folder, (tmp_path / "state").read_bytes())
    monkeypatch.setattr(catalogue, "_specs", lambda: {spec.name: replace(spec, url=f"{address}/{file}")})
    assert not network_catalogue()[0].available

    told = []
    first = load_network("squeezenet1_1", progress=lambda share, text: told.append((share, text)))
    assert told[-1][0] == 1
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert file in told[-1][1]
    assert network_catalogue()[0].available
    assert [path.name for path in cache.iterdir()] == [file]
    assert len(first.classes) == 1000
    assert first.accuracy == spec.accuracy

    (folder / file).unlink()
    assert load_network("squeezenet1_1").fingerprint == first.fingerprint


def test_content_that_its_name_does_not_promise_is_not_kept(cache, server):
    address, folder = server
    file = serve(folder, b"something else", digest="0123456789")
    with pytest.raises(WeightsUnavailable, match="damaged"):
        fetch(f"{address}/{file}")
    assert not list(cache.iterdir())


def test_a_damaged_file_in_the_cache_is_not_used(cache):
    cache.mkdir(parents=True)
    (cache / "weights-01234567.pth").write_bytes(b"damaged")
    with pytest.raises(WeightsUnavailable, match=r"weights-01234567\.pth is damaged"):
        fetch("http://127.0.0.1:9/weights-01234567.pth")


def test_a_cancelled_download_leaves_nothing(cache, server):
    class CancelledError(Exception):
        pass

    def cancel(share, text):
        raise CancelledError

    address, folder = server
    with pytest.raises(CancelledError):
        fetch(f"{address}/{serve(folder, b'weights')}", cancel)
    assert not list(cache.iterdir())


def test_a_server_that_says_no_is_reported(cache, server):
    with pytest.raises(WeightsUnavailable, match="the server answered 404"):
        fetch(f"{server[0]}/none-01234567.pth")


def test_devices():
    assert parse_device(None) == parse_device("auto") == best_device()
    assert parse_device("cpu") == torch.device("cpu")
    for name in ("cuda:99", "gpu", "meta"):
        with pytest.raises(ValueError, match="expected a device of this machine"):
            parse_device(name)


def test_what_the_catalogue_says_is_there_is_what_would_be_read(cache, tmp_path, monkeypatch):
    def agree() -> bool:
        there = {entry.name: entry.available for entry in network_catalogue()}
        return there == {name: spec.available for name, spec in registered().items()}

    assert agree()
    for spec in network_specs.SHIPPED[::2]:
        shutil.copy(spec.weights, tmp_path)
    cache.mkdir(parents=True)
    (cache / registered()["vgg16"].file).touch()
    monkeypatch.setattr(network_specs, "NETWORKS", tmp_path)
    assert agree()
    assert {entry.available for entry in network_catalogue() if entry.shipped} == {True, False}
    assert [entry.name for entry in network_catalogue() if entry.available and not entry.shipped] == ["vgg16"]
