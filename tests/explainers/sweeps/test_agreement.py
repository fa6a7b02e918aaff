"""Maps against Grad-CAM's: the rank correlation of the maps themselves, and nothing computed twice."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import spearmanr

from app.jobs.kept import RECORDS
from explainers import CIDSettings, load_network
from explainers.methods.registry import find_method
from explainers.methods.request import Workbench, answer
from explainers.storage.records import decode, encode
from explainers.sweeps import agreement as module
from explainers.sweeps.agreement import AgreementRequest, agreement
from explainers.sweeps.items import BirdItem
from explainers.sweeps.point import PointRequest
from tests.support.sweeps import Shelf

SETTINGS = CIDSettings(refine=False, grid=8, probes=8)
BIRDS = (BirdItem(0), BirdItem(3))


def request(layer: str = "layer2.0", items: tuple[BirdItem, ...] = BIRDS) -> AgreementRequest:
    network = load_network("resnet20-cifar10")
    return AgreementRequest(network, network.layer(layer), "cid", items, SETTINGS)


@given(arrays.arrays(float, (4, 4), elements=st.floats(-5, 5, width=16)), st.integers(0, 99))
def test_it_is_spearmans_of_what_the_layer_uses_with_the_means_over_its_cells(entropy, seed):
    other = np.random.default_rng(seed).integers(0, 4, (8, 8)).astype(float)
    means = other.reshape(4, 2, 4, 2).mean((1, 3))
    found = agreement(entropy, other)
    if np.ptp(entropy) == 0 or np.ptp(means) == 0:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(spearmanr(-entropy.ravel(), means.ravel()).statistic, abs=1e-9)


def test_unused_cells_count_as_the_least_important_and_a_flat_map_has_no_order():
    other = np.array([[3.0, 2.0], [1.0, 0.0]])
    assert agreement(np.array([[-3.0, -2.0], [-1.0, np.inf]]), other) == 1
    assert math.isnan(agreement(np.zeros((2, 2)), other))
    assert math.isnan(agreement(other, np.zeros((2, 2))))


def test_correlations_are_those_of_the_maps_alone():
    wanted = request()
    found = answer(wanted)
    assert found.pictures == ("bird/0", "bird/3")
    for bird, correlation in zip(BIRDS, found.correlation, strict=True):
        seen = bird.seen_by(wanted.network)
        maps = [answer(seen.request(wanted.network, wanted.layer, name, SETTINGS)) for name in ("cid", "grad_cam")]
        assert correlation == agreement(maps[0].values, maps[1].map[0, 0].numpy())
    assert decode(*encode(found, RECORDS), RECORDS) == found


@pytest.mark.long
def test_maps_of_the_curve_are_not_made_again_and_progress_never_falls(monkeypatch):
    bench = Workbench(shelf=Shelf())
    wanted = request()
    frames = list(wanted.stream(bench))
    assert [frame.progress for frame in frames] == sorted(frame.progress for frame in frames)
    assert frames[-1].progress == 1
    bench = Workbench(shelf=Shelf())
    answer(PointRequest(wanted.network, wanted.layer, "cid", BIRDS, SETTINGS), bench)
    short = list(request().stream(bench))
    assert [len(frame.pictures) for frame in short] == [1, 2]
    assert short[-1].correlation == frames[-1].correlation
    # Another picture takes one more, and the same again none.
    monkeypatch.setattr(module, "agreement", lambda *_: 0.25)
    more = list(request(items=(*BIRDS, BirdItem(1))).stream(bench))
    assert more[-1].correlation == (*frames[-1].correlation, 0.25)


def test_a_layer_without_a_plane_is_refused_and_keys_tell_points_apart():
    assert request("fc").refusal() == find_method("grad_cam").refuse(request().network, request("fc").layer)
    assert request("fc").refusal()
    assert request().refusal() is None
    keys = {request().key, request("layer1.0").key, request(items=BIRDS[:1]).key}
    assert len(keys) == 3
    assert request().key == request().key


def test_an_agreement_is_found_again_under_the_key_that_was_written_down(as_written):
    """As version 0.2 makes it, apart from the versions of the methods."""
    assert request().key == "f94161ae0dc7d9b9dd8e42c3313c0789adb75dba939615ef12c5573a70bd67da"
