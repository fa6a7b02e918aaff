"""Decoders trained here: that they learn, resume exactly, stop when told, and are found again."""

import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from streamlit.testing.v1 import AppTest

from app.explore import decoder_pictures
from app.explore.decoder_pictures import gather, unzip
from app.jobs import decoders as decoder_work
from app.jobs.backend import Backend, View, the_backend
from app.jobs.decoders import MOST, DecoderRequest, TrainingRequest, birds_for, steps_done, unfinished
from explainers import RU, CIDSettings, load_network
from explainers.datasets.birds.render import LOOKALIKES, render_bird
from explainers.datasets.birds.source import TRAINING
from explainers.decoders import cards
from explainers.decoders.cards import find_decoder, load_decoder, trained_here, trim_decoders
from explainers.decoders.command import main, page, spread
from explainers.decoders.cost import step_flops
from explainers.decoders.pictures import BirdSource, DecoderPictures, FolderSource, PictureSource, prepare_pictures
from explainers.decoders.training import DecoderProgress, DecoderSettings, batch, train_decoder
from explainers.networks.catalogue import Network, load_checkpoint
from explainers.networks.layers import Layer
from explainers.storage.whole_files import write_checked
from explainers.train.run import read_checkpoint
from tests.support.archives import zipped
from tests.support.decoders import LAYER, SIDE, STEPS, birds, tiny, train
from tests.support.pages import until, words
from tests.support.picture_files import noise

pytestmark = pytest.mark.usefixtures("home")
PANEL = """
from app.jobs.backend import the_backend
from app.explore.decoder_training import decoder_offer
from tests.support.decoders import LAYER, tiny
decoder_offer(the_backend(), tiny(), tiny().layer(LAYER))
"""


@pytest.fixture
def store(fresh_backend: None) -> Iterator[Backend]:
    made = Backend(torch.device("cpu"))
    yield made
    made.close()


def request(steps: int = 10, **more) -> TrainingRequest:
    return TrainingRequest(BirdSource(20), steps, **more)


def wait(holds: Callable[[], object]) -> None:
    for _ in range(400):
        if holds():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it never came to hold")


# Training


@pytest.mark.parametrize("steps", range(1, 8))
def test_any_number_of_steps_is_trained(home, steps):
    assert train(home, steps=steps).steps == steps


def test_training_beats_the_mean_picture_and_is_better_the_longer_it_lasts(home):
    held_out, mean = birds().held_out.float() / 255, birds().train.float().mean(0) / 255
    blind = (held_out - mean).square().mean().sqrt().item()
    short, long = train(home, steps=2).error, train(home, steps=50).error
    assert long < short
    assert long < 0.8 * blind


@pytest.mark.parametrize("stop_at", [1, 6])
def test_a_training_that_was_stopped_goes_on_to_the_same_decoder(home, tmp_path, stop_at):
    whole = train(home)
    checkpoint = tmp_path / "runs" / "a.pt"
    settings = DecoderSettings(steps=10, batch=8)
    run = train_decoder(tiny(), tiny().layer(LAYER), birds(), settings, home, checkpoint=checkpoint)
    while next(run).step < stop_at:
        pass
    run.close()
    assert read_checkpoint(checkpoint)["step"] == stop_at
    assert train(home, checkpoint=checkpoint) == whole
    assert not checkpoint.exists()


def test_a_decoder_looks_at_what_shipped_ones_were_trained_on_in_that_order(home):
    """Written down with the loop that trained them."""
    generator = torch.Generator().manual_seed(5)
    noise = [torch.randint(0, 256, (n, 3, SIDE, SIDE), generator=generator).to(torch.uint8) for n in (12, 4)]
    pictures, settings = DecoderPictures(*noise, "noise"), DecoderSettings(steps=10, batch=8, seed=2)
    seen = hashlib.sha256()
    for step in range(4):
        seen.update(batch(pictures.train, settings, step).numpy().tobytes())
    assert seen.hexdigest() == "32e1f4e4914fd9bf2490c63cde9f2565469fc8640309478de4552d473a1f6fe6"
    frames = list(train_decoder(tiny(), tiny().layer(LAYER), pictures, settings, home))
    losses = [0.136246, 0.135927, 0.134536, 0.132689, 0.130475, 0.128329, 0.126339, 0.124655, 0.122691, 0.120671]
    assert [at.loss for at in frames[:-1]] == pytest.approx(losses, rel=2e-3)
    assert frames[-1].card.error == pytest.approx(0.29356, rel=1e-2)


ARITHMETIC = "explainers.decoders.training.computes_bfloat16"


@pytest.mark.parametrize(("has", "arithmetic"), [(True, "bfloat16"), (False, "float32")])
@pytest.mark.long
def test_a_training_keeps_the_arithmetic_in_which_it_began(home, tmp_path, monkeypatch, has, arithmetic):
    monkeypatch.setattr(ARITHMETIC, lambda device: has)
    whole, checkpoint = train(home), tmp_path / "a.pt"
    assert whole.arithmetic == find_decoder(tiny(), tiny().layer(LAYER)).arithmetic == arithmetic
    settings = DecoderSettings(steps=10, batch=8)
    run = train_decoder(tiny(), tiny().layer(LAYER), birds(), settings, home, checkpoint=checkpoint)
    next(run)
    run.close()
    monkeypatch.setattr(ARITHMETIC, lambda device: not has)
    frames = list(train_decoder(tiny(), tiny().layer(LAYER), birds(), settings, home, checkpoint=checkpoint))
    assert frames[0].step == 2
    assert frames[-1].card == whole
    assert train(home).digest != whole.digest


@pytest.mark.long
def test_a_checkpoint_of_an_earlier_version_goes_on_to_the_same_decoder(home, tmp_path, monkeypatch):
    monkeypatch.setattr(ARITHMETIC, lambda device: True)
    whole, checkpoint = train(home), tmp_path / "a.pt"
    settings = DecoderSettings(steps=10, batch=8)
    run = train_decoder(tiny(), tiny().layer(LAYER), birds(), settings, home, checkpoint=checkpoint)
    next(run)
    run.close()
    state = read_checkpoint(checkpoint)
    state["decoder"] = state.pop("model")
    del state["generators"]
    layer = tiny().layer(LAYER)
    seen = hashlib.sha256(birds().train.numpy()).hexdigest()
    assert state["recipe"] == f"{tiny().fingerprint}\n{layer!r}\n{seen}\n{settings!r}"
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_checked(checkpoint, buffer.getvalue())
    frames = list(train_decoder(tiny(), layer, birds(), settings, home, checkpoint=checkpoint))
    assert frames[0].step == 2
    assert frames[-1].card == whole


def test_a_checkpoint_of_other_pictures_or_steps_and_a_damaged_one_are_passed_over(home, tmp_path):
    whole, checkpoint = train(home), tmp_path / "a.pt"
    others = replace(birds(), train=birds().train.flip(2))
    for pictures, steps in ((others, 10), (birds(), 20)):
        settings = DecoderSettings(steps=steps, batch=8)
        run = train_decoder(tiny(), tiny().layer(LAYER), pictures, settings, home, checkpoint=checkpoint)
        next(run)
        run.close()
        assert train(home, checkpoint=checkpoint) == whole
    checkpoint.write_bytes(b"no checkpoint")
    assert train(home, checkpoint=checkpoint) == whole


def test_the_decoder_serves_ru_and_says_what_it_learnt_from(home):
    card = train(home, steps=30)
    assert find_decoder(tiny(), tiny().layer(LAYER)) == card
    assert trained_here(card)
    assert card.data == "rendered birds: 40 to train on, 4 held out"
    x = (birds().held_out[:1].float() / 255 - 0.5) / 0.25
    result = RU(tiny().module, tiny().layer(LAYER), load_decoder(card)).explain(x, CIDSettings(refine=False))
    assert torch.isfinite(result.entropy).all()
    assert 0 < result.error.item() < 0.5


def test_the_oldest_decoders_and_checkpoints_give_way(tmp_path):
    mark = "0123456789ab"
    names = [f"{mark}-d-6.safetensors", f"unfinished-{mark}-c-6-x.pt", f"{mark}-b-6.safetensors", "not-ours.pt"]
    for age, name in enumerate(names):
        (tmp_path / name).write_bytes(bytes(100))
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    trim_decoders(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names[:2], "not-ours.pt"])


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


def test_what_a_step_costs_grows_with_the_batch_and_counts_the_network_too():
    first, last = tiny().layers[0], tiny().layers[-1]
    few, many = (step_flops(tiny(), first, DecoderSettings(batch=batch)) for batch in (2, 4))
    assert many == 2 * few
    assert step_flops(tiny(), last, DecoderSettings(batch=2)) != few


# Pictures


def test_birds_that_judge_have_trained_nothing():
    assert len(birds().train) == 40
    assert not any(torch.equal(one, other) for one in birds().held_out for other in birds().train)


def test_a_folder_without_enough_pictures_is_refused_in_one_sentence(tmp_path, capsys):
    with pytest.raises(ValueError, match="expected at least 20 pictures to train a decoder on, got none"):
        FolderSource(tmp_path)
    for index in range(25):
        (tmp_path / f"{index}.png").write_bytes(noise(24, 20, index) if index < 5 else b"no picture")
    with pytest.raises(ValueError, match="got 5 that can be read"):
        list(prepare_pictures(tiny(), FolderSource(tmp_path)))
    with pytest.raises(SystemExit, match=r"^expected at least 20 .* choose more$"):
        main(["resnet20-cifar10", "--folder", str(tmp_path)])


def test_the_pictures_of_a_folder_are_those_the_network_sees_each_once(tmp_path):
    for index in range(24):
        (tmp_path / f"{index:02}.png").write_bytes(noise(24, 20, index))
    progress = list(prepare_pictures(tiny(), FolderSource(tmp_path)))
    pictures = progress[-1]
    assert [at.count for at in progress[:-1]] == list(range(2, 25, 2))
    seen = {image.numpy().tobytes() for image in torch.cat([pictures.train, pictures.held_out])}
    cut = [tiny().preprocessing.cut(Image.open(io.BytesIO(noise(24, 20, index)))) for index in range(24)]
    assert seen == {np.array(image).transpose(2, 0, 1).tobytes() for image in cut}
    assert (len(pictures.train), len(pictures.held_out)) == (22, 2)


def test_a_zip_gives_its_pictures_and_nothing_hidden():
    files = {
        "a/1.png": noise(24, 20, 1),
        "a/.2.png": noise(24, 20, 2),
        "__MACOSX/1.png": noise(24, 20, 3),
        "notes.txt": b"x",
        "b/4.JPG": b"x",
    }
    assert [name for name, _ in unzip(zipped(files))] == ["a/1.png", "b/4.JPG"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (lambda: b"no zip", "damaged or locked"),
        (lambda: zipped({"a.png": b""}, zipfile.ZIP_LZMA), "damaged or locked"),
        (lambda: zipped({"a.png": bytes(1 << 27)}, zipfile.ZIP_BZIP2), "damaged or locked"),
        (lambda: zipped({f"{i}.txt": b"" for i in range(20_000)}, zipfile.ZIP_DEFLATED), "a zip of many more files"),
        (lambda: zipped({f"{i}.png": b"" for i in range(201)}), "expected at most 200 pictures, got 201"),
        (lambda: zipped({"a.png": bytes(1 << 20)}, zipfile.ZIP_DEFLATED), "expected pictures of at most 0 MB"),
    ],
)
def test_a_zip_that_is_none_or_holds_too_much_is_refused(data, sentence, monkeypatch):
    monkeypatch.setattr(decoder_pictures, "PICTURE_MEGABYTES", 0)
    with pytest.raises(ValueError, match=sentence):
        list(unzip(data()))


def test_pictures_that_unfold_to_too_much_are_refused_before_the_last(monkeypatch):
    monkeypatch.setattr(decoder_pictures, "TOGETHER_MEGABYTES", 2)
    archive = zipped({f"{i}.png": bytes(1 << 20) for i in range(200)}, zipfile.ZIP_DEFLATED)
    opened = []
    monkeypatch.setattr(
        decoder_pictures, "_unfold", lambda *a, unfold=decoder_pictures._unfold: opened.append(a) or unfold(*a)
    )
    with pytest.raises(ValueError, match="expected at most 2 MB of pictures"):
        gather([("a.zip", archive)])
    assert len(opened) == 3
    with pytest.raises(ValueError, match="expected at most 200 pictures"):
        gather((f"{i}.png", b"") for i in range(201))


# The command


@pytest.mark.long
def test_the_command_trains_on_birds_and_the_app_finds_it(home, tmp_path, capsys):
    choice = ["--birds", "20", "--layers", "layer3.2", "--steps", "2", "--batch", "4", "--runs", str(tmp_path)]
    network = load_network("resnet20-cifar10")
    main(["resnet20-cifar10", *choice])
    card = find_decoder(network, network.layer("layer3.2"))
    assert trained_here(card)
    assert card.data.startswith("rendered birds: 20")
    assert "--birds N --batch 4 --steps 2" in (home / "resnet20-cifar10.md").read_text()
    main(["resnet20-cifar10", *choice])
    assert "there is one already" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="expected a layer of"):
        main(["resnet20-cifar10", "--birds", "20", "--layers", "nowhere"])


def test_the_command_trains_for_own_weights_and_leaves_the_shipped_ones_alone(home, tmp_path):
    shipped, file = load_network("resnet20-cifar10"), tmp_path / "mine.pt"
    torch.save({key: 1.01 * value for key, value in shipped.module.state_dict().items()}, file)
    choice = ["--birds", "20", "--layers", "fc", "--steps", "1", "--batch", "4", "--runs", str(tmp_path)]
    main(["resnet20-cifar10", "--checkpoint", str(file), *choice])
    own = load_checkpoint("resnet20-cifar10", file)
    assert trained_here(find_decoder(own, own.layer("fc")))
    assert not trained_here(find_decoder(shipped, shipped.layer("fc")))
    assert "resnet20-cifar10 --checkpoint FILE" in next(home.glob("resnet20-cifar10-*.md")).read_text()
    with pytest.raises(SystemExit, match="expected a weights file"):
        main(["resnet20-cifar10", "--checkpoint", str(tmp_path / "none.pt"), *choice])


def test_without_a_choice_layers_go_from_the_first_to_the_last():
    network = load_network("vgg16-birds")
    names = spread(network)
    depths = [network.layer(name).depth for name in names]
    assert len(names) == 5
    assert (depths[0], depths[-1]) == (0, len(network.layers) - 1)
    assert max(np.diff(depths)) - min(np.diff(depths)) <= 1


def test_the_card_says_where_a_layer_was_trained_otherwise(home):
    card = train(home, steps=2)
    assert "otherwise" not in page("tiny", [card, card])
    text = page("tiny", [card, card, replace(card, layer="fc", steps=7, data="other pictures", arithmetic="half")])
    assert "--steps 2" in text
    assert "| fc | 6 | 7 × 8 (other pictures; half) |" in text
    assert "otherwise" in text


# The app


def training(store: Backend, layer: Layer, owner: str) -> View:
    """How far it is."""
    return store.ask(DecoderRequest(tiny(), layer), owner, start=False)


def begun(store: Backend, network: Network, layer: Layer, owner: str, asked: TrainingRequest) -> View:
    """As the button begins it."""
    return store.ask(DecoderRequest(network, layer, asked), owner)


def test_a_decoder_trained_in_the_app_is_found_afterwards_and_after_a_restart(store):
    layer = tiny().layer(LAYER)
    assert training(store, layer, "me").state == "missing"
    assert begun(store, tiny(), layer, "me", request()).live
    wait(lambda: not training(store, layer, "me").live)
    card = find_decoder(tiny(), layer)
    assert card.steps == 10
    cards._read_card.cache_clear()
    assert find_decoder(tiny(), layer) == card
    assert load_decoder(card).training is False
    # Whoever asked for the same meanwhile finds it done, and does not train it anew.
    begun(store, tiny(), layer, "other", request())
    wait(lambda: not training(store, layer, "other").live)
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
    wait(lambda: store.ask(network_input.request(network, network.layer("fc"), "cid", settings), "me").state == "done")
    key = training(store, layer, "other").key
    store.trainings.drop("me", key)
    threading.Event().wait(0.2)
    assert training(store, layer, "other").live


@pytest.mark.long
def test_cancel_takes_effect_at_once_and_leaves_a_checkpoint_to_go_on_from(store, monkeypatch):
    monkeypatch.setattr("explainers.train.run.STORE_EVERY", 0.0)
    layer, asked = tiny().layer(LAYER), request(800)
    key = begun(store, tiny(), layer, "me", asked).key
    wait(lambda: steps_done(tiny(), layer, asked) > 3)
    job = store.trainings.job(key)
    store.trainings.drop("me", key)
    assert job.ended.wait(5)
    assert job.state == "cancelled"
    done = steps_done(tiny(), layer, asked)
    assert 3 < done < 800
    assert find_decoder(tiny(), layer) is None
    begun(store, tiny(), layer, "me", asked)
    wait(lambda: (view := training(store, layer, "me")).value is not None and "step" in view.value.text)
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
    wait(lambda: training(store, layer, "me").state == "failed")
    assert training(store, layer, "me").message.startswith("Expected a disk on which the decoder can be kept")


def buttons(at: AppTest) -> dict[str, str]:
    return {button.key: button.label for button in at.button}


@pytest.mark.long
def test_the_panel_offers_trains_cancels_goes_on_and_says_what_it_learnt_from(fresh_backend, monkeypatch):
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
    asked = request(STEPS[0])
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


def test_own_pictures_are_taken_from_a_zip_and_too_few_are_one_sentence(fresh_backend, home):
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


def test_a_shipped_decoder_gets_one_sentence_and_no_button(fresh_backend):
    script = PANEL.replace("tiny()", "load_network('resnet20-cifar10')").replace("LAYER, tiny", "LAYER")
    at = AppTest.from_string("from explainers import load_network" + script, default_timeout=60).run()
    assert not at.exception
    assert "shipped with this project" in at.caption[0].value
    assert not at.button


def test_decoders_of_look_alikes_learn_from_look_alikes():
    """Networks of both editions see pictures alike: the edition is part of what prepared pictures are found by."""
    twelve, others = (birds_for(load_network(name)) for name in ("alexnet-birds", "alexnet-lookalikes"))
    count = decoder_work.BIRDS
    assert (twelve.key, others.key) == (f"birds 1 {count}", f"birds 2 {count}")
    network = load_network("alexnet-lookalikes")
    first = next(others.images(network.preprocessing))
    assert first.tobytes() == render_bird(0, 64, TRAINING, edition=LOOKALIKES).image.tobytes()
    assert others.data(1, 2) == "rendered birds, look-alikes: 1 to train on, 2 held out"
