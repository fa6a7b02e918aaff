"""The fairness page and its job: the proof first, then maps, factors and curves as they are measured."""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn
from torchvision.models.squeezenet import Fire

from app.fairness.controls import SCALES, Choice, suggested
from app.fairness.theory import CLAIMS, Spot, output_factor, pair_factor
from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.backend import the_backend
from explainers.decoders.cards import (
    DecoderCard,
    find_decoder,
    half_weights,
    load_decoder,
    save_decoder,
    weights_digest,
)
from explainers.fairness.check import Check, check, coarse_to_fine
from explainers.fairness.maps import LAYERWISE, METHODS, Question, station_decoders
from explainers.fairness.plan import plan
from explainers.methods.entropies import NO_DECODER
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network, load_network
from explainers.networks.layers import Layer, find_layers
from explainers.rescaling.rescale import rescale
from explainers.ru.explain import RU
from tests.support.pages import metrics, page, until

INSIDE, BETWEEN = "layer3.0.conv1", "layer3.0"


@cache
def network() -> Network:
    return load_network("resnet20-cifar10")


@cache
def network_input() -> NetworkInput:
    return prepare(network(), find_picture("bird/1", 32))


def frames(question: Question, kept: dict | None = None) -> Iterator[Check]:
    store = {} if kept is None else kept

    def recall(key: tuple[str, ...], array: np.ndarray | None) -> np.ndarray | None:
        if array is not None:
            store[key] = array
        return store.get(key)

    return check(network(), plan(network()), network_input().x, question, recall)


def with_maps(question: Question, kept: dict | None = None) -> Check:
    """The first frame that has every map; the curves are left out."""
    return next(f for f in frames(question, kept) if all(why or np.isfinite(k).all() for why, k in measured(f)))


def measured(found: Check) -> list[tuple[str, np.ndarray]]:
    """For every method why it does not apply, and its two factors."""
    return list(zip(found.reasons, found.factors, strict=True))


def visit(**query: str) -> AppTest:
    return page("fairness", **{"network": "resnet20-cifar10"} | query).run()


@pytest.mark.long
def test_the_proof_comes_first_and_is_exact_for_every_power_of_two():
    for c in SCALES:
        first = next(frames(Question(INSIDE, c=c)))
        assert first.proof.change == 0
        assert first.proof.scaled_gap == 0
        assert first.proof.answer == first.proof.answer_after
        assert np.isnan(first.factors).all()


@pytest.mark.parametrize(("layer", "pair", "c"), [(INSIDE, "", 4.0), (BETWEEN, "", 4.0), (INSIDE, INSIDE, 0.25)])
@pytest.mark.long
def test_measured_factors_are_those_of_theory(layer, pair, c):
    found = with_maps(Question(layer, c=c, pair=pair))
    spot = Spot(shrunk=layer in plan(network()).shrunk_by(pair))
    assert spot.shrunk == (layer == INSIDE)
    for method, (reason, factors) in zip(METHODS, measured(found), strict=True):
        assert (reason != "") == (method == "ru")
        if not reason:
            assert factors == pytest.approx((pair_factor(method, c, spot), output_factor(method, c, spot)), rel=1e-3)
    assert np.array_equal(*found.maps_of("cid")[:2])


def test_the_printed_rule_makes_another_function():
    first = next(frames(Question(INSIDE, next_bias=True)))
    assert first.proof.change == first.proof.as_printed > 0.1


@pytest.mark.long
def test_what_was_measured_on_the_network_itself_serves_every_c():
    kept: dict = {}
    one = with_maps(Question(INSIDE, c=4), kept)
    count = len(kept)
    other = with_maps(Question(INSIDE, c=0.5), kept)
    assert len(kept) == count > 0
    assert np.array_equal(one.maps[:, 0], other.maps[:, 0], equal_nan=True)


@pytest.fixture
def decoder(tmp_path, monkeypatch) -> DecoderCard:
    """A decoder of the layer inside of a block, with random weights."""
    monkeypatch.setenv("DECODERS_HOME", str(tmp_path))
    station = station_of(INSIDE)
    card = DecoderCard(
        network=network().name,
        fingerprint=network().fingerprint,
        layer=INSIDE,
        path=station.path,
        call=station.call,
        shape=station.shape,
        blocks=6,
        size=network().input_size,
        mean=network().mean,
        std=network().std,
        data="nothing",
        steps=0,
        batch=1,
        seed=0,
        error=1.0,
        held_out=0,
        digest="",
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        untrained = card.build()
    card = replace(card, digest=weights_digest(half_weights(untrained)))
    save_decoder(untrained, card, tmp_path)
    return card


@pytest.mark.long
def test_ru_does_not_move_when_the_decoder_is_that_of_the_rescaled_network(decoder):
    question = Question(INSIDE, decoders=decoder_keys(station_decoders(network(), plan(network()))))
    assert decoder.key in question.decoders
    found = next(f for f in frames(question) if np.isfinite(f.factors[METHODS.index("ru")]).all())
    before, after, scaled = found.maps_of("ru")
    assert np.array_equal(before, after)
    assert np.array_equal(before, scaled)
    assert before.std() > 0
    raw = RU(rescaled(question.c), station_of(INSIDE), load_decoder(decoder)).attribute(
        network_input().x[None], question.settings
    )
    assert np.abs(raw[0, 0].numpy() - before).mean() > 0.01


@pytest.mark.long
def test_ru_of_a_shipped_decoder_does_not_move_where_the_page_looks_first():
    alexnet = load_network("alexnet-birds")
    found = plan(alexnet)
    decoders = station_decoders(alexnet, found)
    looked = suggested(found, "", decoders).name
    assert looked in decoders
    assert looked in found.shrunk_by("")
    assert suggested(found, "").name not in decoders, "a station with a decoder is preferred"
    question = Question(looked, grid=8, decoders=decoder_keys(decoders))
    x = prepare(alexnet, find_picture("bird/1", 64)).x
    steps = check(alexnet, found, x, question, lambda key, array: array)
    last = next(f for f in steps if np.isfinite(f.factors[METHODS.index("ru")]).all())
    assert last.reasons[METHODS.index("ru")] == ""
    before, after, scaled = last.maps_of("ru")
    assert np.array_equal(before, after)
    assert np.array_equal(before, scaled)


def decoder_keys(decoders: dict[str, DecoderCard]) -> tuple[str, ...]:
    return tuple(card.key for card in decoders.values())


def station_of(layer: str) -> Layer:
    return next(station for station in plan(network()).stations if station.name == layer)


def rescaled(c: float) -> nn.Module:
    return rescale(network().module, plan(network()).chosen(""), c)


def test_a_method_without_a_map_at_a_layer_says_why():
    vector = dict(zip(METHODS, next(frames(Question("fc"))).reasons, strict=True))
    assert vector["cid"] == vector["saliency"] == vector["lrp"] == ""
    assert all("no positions" in vector[method] for method in LAYERWISE[2:])
    bare = next(station for station in plan(network()).stations if find_decoder(network(), station) is None)
    decoders = decoder_keys(station_decoders(network(), plan(network())))
    for layer in (bare.name, "fc"):
        reason = next(frames(Question(layer, decoders=decoders))).reasons[METHODS.index("ru")]
        assert reason == (NO_DECODER if find_decoder(network(), station_of(layer)) is None else "")


def test_the_plan_lists_features_inside_blocks_and_why_others_may_not_be_rescaled():
    found = plan(network())
    names = [station.name for station in found.stations]
    assert names.index(INSIDE) == names.index(BETWEEN) - 1
    assert [station.depth for station in found.stations] == list(range(len(names)))
    assert len(found.allowed) == 9
    assert all(pair.reason for pair in found.pairs if pair not in found.allowed)


def test_the_u_net_is_rescaled_across_its_copies():
    unet = load_network("unet-membranes")
    found = plan(unet)
    assert len(found.allowed) == len(found.pairs) == 17
    x = prepare(unet, find_picture("tissue/0", 96)).x
    for c in (4.0, 1 / 16):
        first = next(check(unet, found, x, Question("up1.conv1", c=c), lambda key, array: array))
        assert (first.proof.change, first.proof.scaled_gap) == (0, 0)
        assert first.proof.answer in unet.classes
    assert "pool1" in found.shrunk_by("down1.conv2")
    assert found.partly_by("") == frozenset()


def test_a_block_that_joins_branches_is_divided_in_part_by_one_of_them():
    module = fire()
    found = plan(replace(network(), module=module, layers=find_layers(module, torch.zeros(1, 3, 32, 32))))
    (block,) = (station for station in found.stations if station.kind == "block")
    branches = [pair.layer_name for pair in found.allowed if "expand" in pair.layer_name]
    assert all(block.name in found.partly_by(branch) for branch in branches)
    assert found.divided(block, branches[0]).sum() == 4
    assert block.name in found.shrunk_by("")
    assert math.isnan(pair_factor("activation", 4, Spot(shrunk=False, partly=True)))
    assert pair_factor("cid", 4, Spot(shrunk=False, partly=True)) == 1


def fire() -> nn.Module:
    parts = [nn.Conv2d(3, 4, 3, 2), nn.ReLU(), Fire(4, 2, 4, 4), nn.Conv2d(8, 5, 1)]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()


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
@pytest.mark.long
def test_the_first_visit_proves_then_fills_in_maps_table_and_curves():
    at = until(visit(), lambda at: metrics(at))
    assert metrics(at)["Largest change of a logit"] == "0"
    assert float(metrics(at)["Change of a logit as printed"]) > 0
    assert any("bit for bit" in success.value for success in at.success)
    until(at, lambda at: any("**CID** · pairs × 1.00 · output × 1.00" in m.value for m in at.markdown))
    # RU has no decoder for this layer and says so instead.
    assert len(at.get("plotly_chart")) == len(METHODS) + 1
    assert any(NO_DECODER in caption.value for caption in at.caption)
    cells = at.table[0].value
    assert len(cells) == len(CLAIMS)
    assert any("not so" in cell for cell in cells["paper says"])
    assert at.expander[0].label.startswith("9 of 19")


@pytest.mark.usefixtures("fresh_backend")
def test_a_pair_and_the_switch_ask_another_question_and_the_first_ends():
    at = until(visit(), lambda at: metrics(at))
    (job,) = the_backend().maps._jobs.values()
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


@pytest.mark.long
@pytest.mark.usefixtures("fresh_backend")
def test_a_layer_without_a_decoder_leads_to_where_one_is_trained_or_says_why_none_can_be():
    at = until(visit(at="layer3.0"), lambda at: any(NO_DECODER in caption.value for caption in at.caption))
    assert at.button(key="fair_train").label == "Train a decoder for layer3.0"
    inside = until(visit(at=INSIDE), lambda at: any(NO_DECODER in caption.value for caption in at.caption))
    assert any(f"{INSIDE} lies within one of them" in caption.value for caption in inside.caption)
    assert not any(button.key == "fair_train" for button in inside.button)


@pytest.mark.usefixtures("fresh_backend")
def test_cancel_keeps_what_was_measured_and_says_so():
    at = until(visit(), lambda at: metrics(at))
    (job,) = the_backend().maps._jobs.values()
    at.button(key="fair_cancel").click().run()
    assert job.ended.wait(60)
    assert job.state == "cancelled"
    assert any("Cancelled at" in m.value for m in at.markdown)
    assert metrics(at)["Largest change of a logit"] == "0"
    at.button(key="fair_again").click().run()
    assert the_backend().maps.job(job.key) is not None
