"""Trainings of decoders as jobs: begun once, gone on with, bounded, and found again."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from app.jobs import decoders as decoder_work
from app.jobs.backend import Backend, View
from app.jobs.decoders import MOST, DecoderRequest, TrainingRequest, birds_for, steps_done, unfinished
from explainers import CIDSettings, load_network
from explainers.datasets.birds.render import LOOKALIKES, render_bird
from explainers.datasets.birds.source import TRAINING
from explainers.decoders import cards
from explainers.decoders.cards import find_decoder, load_decoder, trim_decoders
from explainers.decoders.pictures import BirdSource, PictureSource
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from tests.support.decoders import LAYER, tiny, train
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("short_trainings")


@pytest.fixture
def store(fresh_backend: None) -> Iterator[Backend]:
    made = Backend(torch.device("cpu"))
    yield made
    made.close()


def request(steps: int = 10, **more) -> TrainingRequest:
    return TrainingRequest(BirdSource(20), steps, **more)


def training(store: Backend, layer: Layer, owner: str) -> View:
    """How far it is."""
    return store.ask(DecoderRequest(tiny(), layer), owner, start=False)


def begun(store: Backend, network: Network, layer: Layer, owner: str, asked: TrainingRequest) -> View:
    """As the button begins it."""
    return store.ask(DecoderRequest(network, layer, asked), owner)


def test_what_is_written_here_is_what_may_give_way(home):
    asked = request()
    card = train(home, steps=1)
    home.joinpath(unfinished(tiny(), tiny().layer(LAYER), asked).name).write_bytes(b"x")
    trim_decoders(home, 0)
    assert card is not None
    assert not list(home.iterdir())


def test_a_training_that_was_stopped_is_found_again_under_the_name_that_was_written_down(home):
    """As version 0.2 makes it, of the weights, the layer, the pictures and the settings."""
    network = load_network("resnet20-cifar10")
    found = unfinished(network, network.layer("layer2.2"), request())
    assert found == home / "unfinished-28cbf134d1f0-layer2.2-6-470cea0d6948.pt"


def test_a_decoder_trained_in_the_app_is_found_afterwards_and_after_a_restart(store):
    layer = tiny().layer(LAYER)
    assert training(store, layer, "me").state == "missing"
    assert begun(store, tiny(), layer, "me", request()).live
    wait_until(lambda: not training(store, layer, "me").live)
    card = find_decoder(tiny(), layer)
    assert card.steps == 10
    cards._read_card.cache_clear()
    assert find_decoder(tiny(), layer) == card
    assert load_decoder(card).training is False
    # Whoever asked for the same meanwhile finds it done, and does not train it anew.
    begun(store, tiny(), layer, "other", request())
    wait_until(lambda: not training(store, layer, "other").live)
    assert find_decoder(tiny(), layer) == card


@pytest.mark.long
def test_two_trainings_of_the_same_decoder_are_one_and_maps_go_on_beside_it(store):
    layer = tiny().layer(LAYER)
    for owner in ("me", "other"):
        assert begun(store, tiny(), layer, owner, request(800)).live
    assert store.trainings.count == 1
    network = load_network("resnet20-cifar10")
    network_input = store.network_input(network, "bird/1")
    settings = CIDSettings(refine=False)
    wait_until(
        lambda: store.ask(network_input.request(network, network.layer("fc"), "cid", settings), "me").state == "done"
    )
    key = training(store, layer, "other").key
    store.trainings.drop("me", key)
    threading.Event().wait(0.2)
    assert training(store, layer, "other").live


@pytest.mark.long
def test_cancel_takes_effect_at_once_and_leaves_a_checkpoint_to_go_on_from(store, monkeypatch):
    monkeypatch.setattr("explainers.train.run.STORE_EVERY", 0.0)
    layer, asked = tiny().layer(LAYER), request(800)
    key = begun(store, tiny(), layer, "me", asked).key
    wait_until(lambda: steps_done(tiny(), layer, asked) > 3)
    job = store.trainings.job(key)
    store.trainings.drop("me", key)
    assert job.ended.wait(5)
    assert job.state == "cancelled"
    done = steps_done(tiny(), layer, asked)
    assert 3 < done < 800
    assert find_decoder(tiny(), layer) is None
    begun(store, tiny(), layer, "me", asked)
    wait_until(lambda: (view := training(store, layer, "me")).value is not None and "step" in view.value.text)
    assert int(training(store, layer, "me").value.text.split("step ")[1].split(" ")[0]) > done


def test_steps_pictures_and_the_number_of_trainings_are_bounded(store):
    with pytest.raises(ValueError, match=r"expected .* steps, got 10000000"):
        request(10_000_000)
    with pytest.raises(ValueError, match="expected at least 20 pictures"):
        PictureSource("few", ())
    networks = [replace(tiny(), fingerprint=str(index)) for index in range(MOST + 1)]
    states = [begun(store, network, network.layer(LAYER), "me", request(800)).state for network in networks]
    assert states[-1] == "refused"
    assert all(state in ("waiting", "running") for state in states[:-1])


def test_a_disk_that_cannot_be_written_is_one_sentence(store, home):
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file where the folder should be")
    layer = tiny().layer(LAYER)
    begun(store, tiny(), layer, "me", request())
    wait_until(lambda: training(store, layer, "me").state == "failed")
    assert training(store, layer, "me").message.startswith("Expected a disk on which the decoder can be kept")


def test_decoders_of_look_alikes_learn_from_look_alikes():
    """Networks of both editions see pictures alike: the edition is part of what prepared pictures are found by."""
    twelve, others = (birds_for(load_network(name)) for name in ("alexnet-birds", "alexnet-lookalikes"))
    count = decoder_work.BIRDS
    assert (twelve.key, others.key) == (f"birds 1 {count}", f"birds 2 {count}")
    network = load_network("alexnet-lookalikes")
    first = next(others.images(network.preprocessing))
    assert first.tobytes() == render_bird(0, 64, TRAINING, edition=LOOKALIKES).image.tobytes()
    assert others.data(1, 2) == "rendered birds, look-alikes: 1 to train on, 2 held out"
