"""Damaged weights, decoders and checkpoints are named or passed over, never used; a full disk ends no training."""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from streamlit.testing.v1 import AppTest

from app.inputs.sentences import sentence
from app.learn.lessons import LESSONS
from app.parts.glossary import explain, glossary
from explainers import assets as shipped
from explainers import load_network
from explainers.assets import DamagedFile, check_shipped, read_sums, write_sums
from explainers.decoders import cards
from explainers.decoders.cards import find_decoder, load_decoder, read_card, trim_decoders
from explainers.decoders.training import DecoderSettings, train_decoder
from explainers.networks.catalogue import _spec
from explainers.networks.downloads import WeightsUnavailable
from explainers.train.run import read_checkpoint
from tests.support.decoders import LAYER, birds, tiny, train
from tests.support.disks import small_disk

pytestmark = pytest.mark.usefixtures("home")
NETWORK = "resnet20-cifar10"
ORIGINAL = shipped.ASSETS


def flipped(path: Path, generator: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    path.write_bytes(data)


def test_the_list_of_what_ships_is_whole_and_true():
    folders = [
        shipped.ASSETS / name
        for name in ("networks", "decoders", "lessons", "sweeps", "information_flow", "results", "studies")
    ]
    read = {path for folder in folders for path in folder.iterdir()}
    # The cards beside weights are for people.
    read -= {path for path in read if path.suffix == ".md" and path.parent.name != "lessons"}
    assert read_sums().keys() == {path.relative_to(shipped.ASSETS).as_posix() for path in read}
    for path in read:
        check_shipped(path)
    # As `sha256sum` reads it; `make sums` writes it anew.
    subprocess.run(["sha256sum", "-c", "--quiet", shipped.SUMS], cwd=shipped.ASSETS, check=True)


@pytest.fixture
def assets(tmp_path, monkeypatch) -> Iterator[Path]:
    """A copy of what ships of one network."""
    folder = tmp_path / "assets"
    for name in ("networks", "decoders"):
        folder.joinpath(name).mkdir(parents=True)
    shutil.copy(shipped.ASSETS / shipped.SUMS, folder)
    shutil.copy(_spec(NETWORK).weights, folder / "networks")
    network = load_network(NETWORK)
    for path in cards.DECODERS.glob(f"{network.fingerprint[:12]}-conv1-*"):
        shutil.copy(path, folder / "decoders")
    monkeypatch.setattr(shipped, "ASSETS", folder)
    monkeypatch.setattr(cards, "DECODERS", folder / "decoders")
    monkeypatch.setattr("explainers.networks.specs.NETWORKS", folder / "networks")
    glossary.cache_clear()
    yield folder
    glossary.cache_clear()


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_network_is_named_wherever_the_damage_is(assets, seed):
    load_network(NETWORK)
    flipped(assets / "networks" / f"{NETWORK}.safetensors", random.Random(seed))
    with pytest.raises(WeightsUnavailable, match=f"{NETWORK}.safetensors is damaged") as caught:
        load_network(NETWORK)
    assert str(assets) not in sentence(caught.value)


LESSON = "from app.learn.lessons import LESSONS; from app.learn import frame; frame.words(LESSONS[0])"
GLOSSARY = "from app.glossary import page; page.page()"


@pytest.mark.parametrize("damage", ["another byte", "missing"])
@pytest.mark.parametrize(
    ("file", "script"),
    [(f"{LESSONS[0].slug}.md", LESSON), ("glossary.md", GLOSSARY), ("references.md", GLOSSARY)],
)
def test_a_damaged_text_is_named_and_not_shown(assets, file, script, damage):
    shutil.copytree(ORIGINAL / "lessons", assets / "lessons")
    path = assets / "lessons" / file
    assert not AppTest.from_string(script).run().error
    glossary.cache_clear()
    path.write_bytes(path.read_bytes()[:-1] + b"!") if damage == "another byte" else path.unlink()
    at = AppTest.from_string(script).run()
    assert not at.exception
    (told,) = at.error
    assert told.value.startswith(f"Expected {file} as it ships")
    assert str(assets) not in told.value


def test_a_damaged_glossary_costs_tooltips_and_no_page(assets):
    assert explain("nats").startswith("Expected glossary.md as it ships")


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_decoder_is_named_or_none_wherever_the_damage_is(assets, seed):
    network = load_network(NETWORK)
    layer = network.layer("conv1")
    card = find_decoder(network, layer)
    flipped(assets / "decoders" / card.file, random.Random(seed))
    with pytest.raises(ValueError, match="expected") as caught:
        load_decoder(find_decoder(network, layer) or card)
    assert "damaged" in str(caught.value) or "gone" in str(caught.value)
    assert sentence(caught.value).startswith("Expected")


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_decoder_of_one_s_own_is_named_or_none_wherever_the_damage_is(home, seed):
    card = train(home, steps=1)
    expected = load_decoder(card).state_dict()
    flipped(home / card.file, random.Random(seed))
    found = read_card(home / card.file)
    message, weights = "", expected
    try:
        weights = load_decoder(found or card).state_dict()
    except ValueError as error:
        message = sentence(error)
    # What changes neither card nor weights does no harm: a bit of the spaces behind the header, for instance.
    assert message.startswith("Expected the decoder of") or found == card
    assert all(torch.equal(value, expected[key]) for key, value in weights.items())


def test_decoders_from_before_cards_had_sums_are_read(home):
    card = train(home, steps=1)
    path = home / card.file
    save_file(load_file(path), path, {"card": json.dumps(asdict(card))})
    assert load_decoder(read_card(path)) is not None


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_checkpoint_is_passed_over_wherever_the_damage_is(home, tmp_path, seed):
    checkpoint, settings = tmp_path / "a.pt", DecoderSettings(steps=10, batch=8)
    run = train_decoder(tiny(), tiny().layer(LAYER), birds(), settings, home, checkpoint=checkpoint)
    next(run)
    run.close()
    assert read_checkpoint(checkpoint)["step"] == 1
    flipped(checkpoint, random.Random(seed))
    assert read_checkpoint(checkpoint) is None


def test_what_training_writes_into_the_shipped_folder_is_listed(assets):
    added = assets / "decoders" / "new.safetensors"
    added.write_bytes(b"weights")
    write_sums(assets.parent)
    assert "decoders/new.safetensors" not in read_sums()
    write_sums(assets / "decoders")
    check_shipped(added)
    added.write_bytes(b"Weights")
    with pytest.raises(DamagedFile, match=r"new\.safetensors"):
        check_shipped(added)


@pytest.fixture
def full_disk(tmp_path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 16) as disk:
        yield disk


def test_a_full_disk_costs_checkpoints_and_not_the_training(home, full_disk, monkeypatch):
    monkeypatch.setattr("explainers.train.run.STORE_EVERY", 0.0)
    monkeypatch.setattr("explainers.train.run.STORE_SHARE", 0)
    settings = DecoderSettings(steps=10, batch=8)
    found = list(train_decoder(tiny(), tiny().layer(LAYER), birds(), settings, home, checkpoint=full_disk / "a.pt"))
    assert all(at.unkept for at in found[:-1])
    assert found[-1].card == train(home, steps=10)
    assert not list(full_disk.iterdir())
    run = train_decoder(tiny(), tiny().layer(LAYER), birds(), settings, home, checkpoint=full_disk / "a.pt")
    next(run)
    run.close()
    with pytest.raises(OSError, match="No space"):
        train(full_disk, steps=1)
    assert not list(full_disk.iterdir())


def test_what_a_writer_left_half_done_counts_and_gives_way(home):
    mark = "0123456789ab"
    for name in (f"{mark}-d-6.safetensors.1.partial", f"unfinished-{mark}-c-6-x.pt.2.partial", f"{mark}-e-6.7.partial"):
        home.mkdir(exist_ok=True)
        home.joinpath(name).write_bytes(bytes(100))
        os.utime(home / name, (1e9, 1e9))
    card = train(home, steps=1)
    trim_decoders(home, home.joinpath(card.file).stat().st_size + 150)
    assert len(list(home.iterdir())) == 2
    assert home.joinpath(card.file).is_file()
