"""The panel that trains a layer's decoder."""

import threading
from collections.abc import Iterator

import pytest
from safetensors import safe_open
from streamlit.testing.v1 import AppTest

from app.jobs import decoders as decoder_work
from app.jobs.backend import the_backend
from app.jobs.decoders import TrainingRequest, steps_done, unfinished
from explainers.decoders.cards import find_decoder
from explainers.decoders.pictures import BirdSource
from explainers.decoders.training import DecoderProgress, train_decoder
from tests.support.archives import zipped
from tests.support.decoders import LAYER, STEPS, tiny
from tests.support.pages import until, words
from tests.support.picture_files import noise

pytestmark = pytest.mark.usefixtures("short_trainings", "fresh_backend")
PANEL = """
from app.jobs.backend import the_backend
from app.explore.decoder_training import decoder_offer
from tests.support.decoders import LAYER, tiny
decoder_offer(the_backend(), tiny(), tiny().layer(LAYER))
"""


def buttons(at: AppTest) -> dict[str, str]:
    return {button.key: button.label for button in at.button}


@pytest.mark.long
def test_the_panel_offers_trains_cancels_goes_on_and_says_what_it_learnt_from(monkeypatch):
    gate = threading.Event()

    def held(*arguments) -> Iterator[DecoderProgress]:
        for progress in train_decoder(*arguments):
            yield progress
            while progress.step == 3 and not gate.wait(0.01):
                yield progress

    monkeypatch.setattr(decoder_work, "train_decoder", held)
    monkeypatch.setattr("explainers.train.run.STORE_EVERY", 0.0)
    at = AppTest.from_string(PANEL, default_timeout=60).run()
    assert any("has none yet" in word for word in words(at))
    at.button_group(key="w_decoder_layer_steps").set_value(STEPS[0]).run()
    at.button(key="w_decoder_layer_train").click().run()
    asked = TrainingRequest(BirdSource(20), STEPS[0])
    until(at, lambda at: steps_done(tiny(), tiny().layer(LAYER), asked))
    at.button(key="decoder_layer_run_cancel").click().run()
    until(at, lambda at: buttons(at).get("w_decoder_layer_train", "").startswith("Go on from step"))
    assert unfinished(tiny(), tiny().layer(LAYER), asked).is_file()
    gate.set()
    at.button(key="w_decoder_layer_train").click().run()
    until(at, lambda at: any("trained on this computer" in word for word in words(at)))
    assert any("rendered birds: 20 to train on, 2 held out; 10 steps of 4" in word for word in words(at))
    assert the_backend().trainings.count == 0
    the_backend().close()


def test_own_pictures_are_taken_from_a_zip_and_too_few_are_one_sentence(home):
    at = AppTest.from_string(PANEL, default_timeout=60).run()
    at.button_group(key="w_decoder_layer_source").set_value("own").run()
    assert at.button(key="w_decoder_layer_train").disabled
    few = zipped({f"{index}.png": noise(24, 20, index) for index in range(3)})
    at.file_uploader[0].set_value(("few.zip", few, "application/zip")).run()
    assert at.error[0].value.startswith("Expected at least 20 pictures")
    many = zipped({f"private-{index}.png": noise(24, 20, index) for index in range(30)})
    at.file_uploader[0].set_value(("many.zip", many, "application/zip")).run()
    assert not at.error
    assert any(word.startswith("30 pictures, 3 of them held out") for word in words(at))
    at.button_group(key="w_decoder_layer_steps").set_value(STEPS[0]).run()
    at.button(key="w_decoder_layer_train").click().run()
    until(at, lambda at: any("learnt from own pictures: 27 to train on, 3 held out" in word for word in words(at)))
    the_backend().close()
    # What is kept is the decoder and its card, without the pictures and their names.
    (file,) = home.glob("*.safetensors")
    card = find_decoder(tiny(), tiny().layer(LAYER))
    with safe_open(file, "pt") as kept:
        assert set(kept.keys()) == card.build().state_dict().keys()
        assert kept.metadata().keys() == {"card", "sha256"}
    assert not [path for path in home.iterdir() if b"private" in path.read_bytes()]


def test_a_shipped_decoder_gets_one_sentence_and_no_button():
    script = PANEL.replace("tiny()", "load_network('resnet20-cifar10')").replace("LAYER, tiny", "LAYER")
    at = AppTest.from_string("from explainers import load_network" + script, default_timeout=60).run()
    assert not at.exception
    assert "shipped with this project" in at.caption[0].value
    assert not at.button
