"""Results that ship: found by key, unharmed by damage, and equal to what is computed now."""

import zipfile

import numpy as np
import pytest
import torch

from explainers import CIDSettings, load_network
from explainers.assets import read_sums, sha256
from explainers.datasets.birds.render import render_bird
from explainers.datasets.birds.source import SHOWN, shown_side
from explainers.methods.network_input import NetworkInput, network_input
from explainers.methods.request import MapRequest, answer
from explainers.storage.shipped import FILE, ShippedResults, write_shipped
from tests.support.records import same

AGAIN = "a result that ships is of another version: run make first-visit"


def test_what_is_written_is_found_and_nothing_else(tmp_path):
    results = {"a" * 64: (1.5, torch.arange(3)), "b" * 64: "text"}
    write_shipped(tmp_path / "some.zip", results, {"a.png": b"PNG"})
    found = ShippedResults(tmp_path / "some.zip")
    assert found.keys == results.keys()
    assert all(same(found.get(key), value) for key, value in results.items())
    assert found.get("c" * 64) is None
    assert (found.file("a.png"), found.file("b.png")) == (b"PNG", None)
    first = (tmp_path / "some.zip").read_bytes()
    write_shipped(tmp_path / "some.zip", results, {"a.png": b"PNG"})
    assert (tmp_path / "some.zip").read_bytes() == first


@pytest.mark.parametrize("data", [None, b"", b"no zip at all", b"PK\x05\x06" + bytes(10)])
def test_damage_costs_the_results_and_nothing_else(tmp_path, data):
    if data is not None:
        (tmp_path / "some.zip").write_bytes(data)
    found = ShippedResults(tmp_path / "some.zip")
    assert found.get("a") is None
    assert found.keys == frozenset()


def test_a_record_of_another_version_is_none(tmp_path):
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("a/record.json", '{"record": "Planted", "version": 1, "fields": {}}')
        archive.writestr("a/data.safetensors", b"")
    assert ShippedResults(tmp_path / "some.zip").get("a") is None


def test_the_file_that_ships_is_small_and_under_its_digest():
    assert FILE.stat().st_size < 6_000_000
    assert read_sums()["results/first-visit.zip"] == sha256(FILE)


def cardinal(network) -> NetworkInput:
    bird = render_bird(1, shown_side(network.input_size[0]), SHOWN)
    return network_input(network, bird.image, bird.mask, bird.box, key="bird/1")


@pytest.mark.parametrize(
    ("method", "layer"), [("cid", "conv1"), ("grad_cam", "conv5"), ("lrp", "fc6"), ("saliency", "fc6")]
)
def test_what_ships_is_what_is_computed(method, layer):
    network = load_network("alexnet-birds")
    seen = cardinal(network)
    request = MapRequest(network, network.layer(layer), seen.x, seen.digest, method, CIDSettings())
    shipped = ShippedResults().get(request.key)
    assert shipped is not None, AGAIN
    found = answer(request)
    scale = np.abs(found.values[np.isfinite(found.values)]).max()
    np.testing.assert_allclose(shipped.values, found.values, atol=1e-3 * scale)
    assert shipped.forward_passes == found.forward_passes
