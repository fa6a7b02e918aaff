"""Decoders trained here: that they learn, resume exactly, stop when told, and are found again."""

import hashlib
import io
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from explainers import RU, CIDSettings, load_network
from explainers.decoders.cards import find_decoder, load_decoder, trained_here, trim_decoders
from explainers.decoders.command import main, page, spread
from explainers.decoders.cost import step_flops
from explainers.decoders.pictures import DecoderPictures, FolderSource, prepare_pictures
from explainers.decoders.training import DecoderSettings, batch, train_decoder
from explainers.networks.catalogue import load_checkpoint
from explainers.storage.whole_files import write_checked
from explainers.train.run import read_checkpoint
from tests.support.decoders import LAYER, SIDE, birds, tiny, train
from tests.support.picture_files import noise

pytestmark = pytest.mark.usefixtures("home")

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


# The command


@pytest.mark.long
def test_the_command_trains_on_birds_and_finds_it_again(home, tmp_path, capsys):
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
