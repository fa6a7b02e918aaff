"""What work will cost, before anything of its kind was measured: by the arithmetic in which it is done."""

from types import SimpleNamespace

import pytest

from app.jobs import costs
from app.jobs.paces import Paces, passes
from explainers import CIDSettings
from explainers.information_flow.anew import AnewRequest
from explainers.methods.registry import find_method
from explainers.networks.catalogue import load_network
from explainers.sweeps.pictures import find_pictures
from explainers.sweeps.point import PointRequest
from tests.support.sweeps import Shelf

pytestmark = pytest.mark.usefixtures("whole_work")
NETWORK = "resnet20-cifar10"


@pytest.fixture
def store(monkeypatch):
    """A machine that imitates bfloat16, ten times as slowly as it computes."""
    monkeypatch.setattr(costs, "speed", lambda device, half_width: 1e9 if half_width else 1e10)
    return SimpleNamespace(results=Shelf(), device="cpu")


def test_maps_are_foreseen_in_their_own_arithmetic_and_end_at_their_layer(store):
    network = load_network(NETWORK)
    whole = costs.pass_seconds(store, network)
    flops = store.results.get(costs.digest("pass cost", network.fingerprint))
    assert whole == pytest.approx(costs.MEAN_PASS * flops / 1e10)
    items = find_pictures("birds:2").items
    first, last = (
        PointRequest(network, network.layers[place], find_method("cid").name, items, CIDSettings()) for place in (0, -1)
    )
    assert costs.guess(store, last) == pytest.approx(last.cost * whole)
    assert costs.guess(store, first) == pytest.approx(passes(first) * whole)
    assert passes(first) == pytest.approx(first.cost / len(network.layers))


@pytest.mark.parametrize(("has", "speed"), [(True, 1e9), (False, 1e10)])
def test_trainings_of_decoders_are_foreseen_in_theirs(store, monkeypatch, has, speed):
    monkeypatch.setattr(costs, "computes_bfloat16", lambda device: has)
    network = load_network(NETWORK)
    layer = network.layer("layer1.0")
    seconds = costs.step_seconds(store, network, layer)
    flops = store.results.get(costs.digest("decoder cost", network.fingerprint, layer.path, str(layer.call)))
    assert seconds == pytest.approx(flops / speed)


def test_estimates_from_other_numbers_of_samples_are_not_of_one_kind():
    few, many = (AnewRequest("spirals-tanh", ("1",), (0, 1), 0.1, n) for n in (64, 2048))
    assert costs.guess(SimpleNamespace(), many) > costs.guess(SimpleNamespace(), few) > 0
    # What the one has taken is not what the other will.
    paces = Paces()
    paces.note(few, 1.0)
    assert paces.foresee(few) == 1.0
    assert paces.foresee(many) > 10.0
