"""The fairness page and its job: the proof first, then maps, factors and curves as they are measured."""

import doctest
import importlib
import math
import threading
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.backend import backend
from app.fairness import LAYERWISE, METHODS, Check, Question, check, coarse_to_fine, plan
from app.panels.fairness_controls import SCALES, Choice
from app.panels.fairness_theory import CLAIMS, Spot, output_factor, pair_factor
from app.pictures import find_picture
from app.subject import Subject, prepare
from explainers.networks import Network, load_network

INSIDE, BETWEEN = "layer3.0.conv1", "layer3.0"
HEAD = "from app.views import fairness; fairness.page()"


@cache
def network() -> Network:
    return load_network("resnet20-cifar10")


@cache
def subject() -> Subject:
    return prepare(network(), find_picture("bird/1", 32))


def frames(question: Question, kept: dict | None = None) -> Iterator[Check]:
    store = {} if kept is None else kept

    def recall(key: tuple[str, ...], array: np.ndarray | None) -> np.ndarray | None:
        if array is not None:
            store[key] = array
        return store.get(key)

    return check(network(), plan(network()), subject().x, question, recall)


def with_maps(question: Question, kept: dict | None = None) -> Check:
    """The first frame that has every map; the curves are left out."""
    return next(frame for frame in frames(question, kept) if np.isfinite(frame.factors).all())


def visit(**query: str) -> AppTest:
    at = AppTest.from_string(HEAD, default_timeout=120)
    for name, value in ({"network": "resnet20-cifar10"} | query).items():
        at.query_params[name] = value
    return at.run()


def until(at: AppTest, holds: Callable[[AppTest], object]) -> AppTest:
    for _ in range(150):
        assert not at.exception
        if holds(at):
            return at
        threading.Event().wait(0.1)
        at.run()
    raise AssertionError("it never came to hold: " + " | ".join(m.value for m in at.markdown))


def metrics(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def test_the_proof_comes_first_and_is_exact_for_every_power_of_two():
    for c in SCALES:
        first = next(frames(Question(INSIDE, c=c)))
        assert first.proof.change == 0
        assert first.proof.scaled_gap == 0
        assert first.proof.answer == first.proof.answer_after
        assert np.isnan(first.factors).all()


@pytest.mark.parametrize(("layer", "pair", "c"), [(INSIDE, "", 4.0), (BETWEEN, "", 4.0), (INSIDE, INSIDE, 0.25)])
def test_measured_factors_are_those_of_theory(layer, pair, c):
    found = with_maps(Question(layer, c=c, pair=pair))
    spot = Spot(shrunk=layer in plan(network()).shrunk_by(pair))
    assert spot.shrunk == (layer == INSIDE)
    for method, measured in zip(METHODS, found.factors, strict=True):
        assert measured == pytest.approx((pair_factor(method, c, spot), output_factor(method, c, spot)), rel=1e-3)
    assert np.array_equal(found.cid[0], found.cid[1])


def test_the_printed_rule_makes_another_function():
    first = next(frames(Question(INSIDE, next_bias=True)))
    assert first.proof.change == first.proof.as_printed > 0.1


def test_what_was_measured_on_the_network_itself_serves_every_c():
    kept: dict = {}
    one = with_maps(Question(INSIDE, c=4), kept)
    count = len(kept)
    other = with_maps(Question(INSIDE, c=0.5), kept)
    assert len(kept) == count > 0
    assert np.array_equal(one.maps[:, 0], other.maps[:, 0])


def test_a_method_without_a_map_at_a_layer_says_why():
    found = next(frames(Question("fc")))
    reasons = dict(zip(METHODS, found.reasons, strict=True))
    assert reasons["cid"] == reasons["saliency"] == reasons["lrp"] == ""
    assert all("no positions" in reasons[method] for method in LAYERWISE[1:])


def test_the_plan_lists_features_inside_blocks_and_why_others_may_not_be_rescaled():
    found = plan(network())
    names = [station.name for station in found.stations]
    assert names.index(INSIDE) == names.index(BETWEEN) - 1
    assert [station.depth for station in found.stations] == list(range(len(names)))
    assert len(found.allowed) == 9
    assert all(pair.reason for pair in found.pairs if pair not in found.allowed)


def test_every_station_is_visited_once_first_and_last_first():
    for count in (1, 2, 3, 7, 21):
        order = coarse_to_fine(count)
        assert sorted(order) == list(range(count))
        assert order[:2] == [0, count - 1][: len(order)]


def test_the_choice_survives_the_address_bar_and_nonsense_does_not():
    chosen = Choice(c=1 / 16, pair=INSIDE, layer=BETWEEN, next_bias=True)
    assert Choice.from_query(chosen.to_query()) == chosen
    assert Choice.from_query({"c": "nan", "bias": "yes"}) == Choice()


@pytest.mark.usefixtures("fresh_backend")
def test_the_first_visit_proves_then_fills_in_maps_table_and_curves():
    at = until(visit(), lambda at: metrics(at))
    assert metrics(at)["Largest change of a logit"] == "0"
    assert float(metrics(at)["Change as the paper prints it"]) > 0
    assert any("bit for bit" in success.value for success in at.success)
    until(at, lambda at: any("**CID** · pairs × 1.00 · output × 1.00" in m.value for m in at.markdown))
    assert len(at.get("plotly_chart")) == len(METHODS) + 2
    cells = at.table[0].value
    assert len(cells) == len(CLAIMS)
    assert any("not so" in cell for cell in cells["paper says"])
    assert at.expander[0].label.startswith("9 of 19")


@pytest.mark.usefixtures("fresh_backend")
def test_a_pair_and_the_switch_ask_another_question_and_the_first_ends():
    at = until(visit(), lambda at: metrics(at))
    (job,) = backend().maps._jobs.values()
    at.selectbox(key="w_fair_pair").set_value("layer1.0.conv1").run()
    assert job.ended.wait(60)
    assert job.state == "cancelled"
    assert at.selectbox(key="w_fair_layer").value == "layer1.0.conv1"
    at.toggle(key="w_fair_next_bias").set_value(True).run()
    until(at, lambda at: "Largest change of a logit" in metrics(at) and at.warning)
    change = float(metrics(at)["Largest change of a logit"])
    assert math.isfinite(change)
    assert change > 0
    assert "Another function" in at.warning[0].value
    assert at.query_params["bias"] in ("True", ["True"])


@pytest.mark.usefixtures("fresh_backend")
def test_cancel_keeps_what_was_measured_and_says_so():
    at = until(visit(), lambda at: metrics(at))
    (job,) = backend().maps._jobs.values()
    at.button(key="fair_cancel").click().run()
    assert job.ended.wait(60)
    assert job.state == "cancelled"
    assert any("Cancelled at" in m.value for m in at.markdown)
    assert metrics(at)["Largest change of a logit"] == "0"
    at.button(key="fair_again").click().run()
    assert backend().maps.job(job.key) is not None


@pytest.mark.parametrize(
    "name", ["fairness", "panels.fairness_controls", "panels.fairness_proof", "panels.fairness_theory"]
)
def test_examples_are_true(name):
    result = doctest.testmod(importlib.import_module(f"app.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
