"""The training command: resuming, what it writes, and the pictures it makes."""

import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from explainers.datasets import cifar10
from explainers.networks.architectures.plain import alexnet
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.train import command
from explainers.train.augmentation import shifted
from explainers.train.recipes import RECIPES, Recipe


def _pictures(folder, split):
    generator = torch.Generator().manual_seed(len(split))
    labels = torch.arange(96) % 3
    pictures = torch.randint(0, 60, (96, 3, 16, 16), generator=generator) + 80 * labels.view(-1, 1, 1, 1)
    return pictures.to(torch.uint8), labels


TINY = Recipe(
    build=lambda: ResNetCIFAR(8, classes=3),
    load=_pictures,
    data="three shades of grey",
    mean=(0.5, 0.5, 0.5),
    std=(0.3, 0.3, 0.3),
    size=16,
    epochs=3,
    sizes=((0, 12), (1, 16)),
    batch=16,
    peak_lr=0.05,
)


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path, monkeypatch):
    whole = command.train("tiny", TINY, tmp_path, tmp_path / "whole", seed=3, device="cpu")

    store = command._store

    def stop_after_two(path, net, optimizer, schedule, epoch):
        store(path, net, optimizer, schedule, epoch)
        if epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "_store", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        command.train("tiny", TINY, tmp_path, tmp_path / "parts", seed=3, device="cpu")
    monkeypatch.setattr(command, "_store", store)
    resumed = command.train("tiny", TINY, tmp_path, tmp_path / "parts", seed=3, device="cpu")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    other = command.train("tiny", TINY, tmp_path, tmp_path / "other", seed=4, device="cpu")
    assert not torch.equal(other.conv1.weight, whole.conv1.weight)


@pytest.mark.parametrize("build", [TINY.build, lambda: alexnet(3, size=16, hidden=8, normalised=True)])
def test_what_is_written_is_what_was_measured(tmp_path, build):
    recipe = replace(TINY, build=build, sizes=((0, 16),), epochs=8)
    net = command.train("tiny", recipe, tmp_path, tmp_path, seed=0, device="cpu")
    reached = command.export("tiny", net, recipe, _pictures(None, "test"), tmp_path, seed=0)
    state = load_file(tmp_path / "tiny.safetensors")
    assert all(v.dtype == torch.float16 for v in state.values() if v.is_floating_point())
    bare = ResNetCIFAR(8, classes=3) if "conv1.weight" in state else alexnet(3, size=16, hidden=8)
    bare.load_state_dict(state)
    assert command.accuracy(bare.eval(), recipe, *_pictures(None, "test")) == reached
    card = (tmp_path / "tiny.md").read_text()
    assert f"{reached:.2%}" in card
    assert "three shades of grey" in card
    assert reached > 0.9


def test_augmented_pictures_are_crops_and_flips_of_their_own():
    x = torch.arange(2 * 3 * 8 * 8, dtype=torch.float32).view(2, 3, 8, 8)
    for seed in range(8):
        out = shifted(x, 2, torch.Generator().manual_seed(seed))
        padded = torch.nn.functional.pad(x, (2, 2, 2, 2), mode="reflect")
        for picture, found in zip(padded, out, strict=True):
            windows = picture.unfold(1, 8, 1).unfold(2, 8, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
            assert any(torch.equal(w, found) or torch.equal(w.flip(-1), found) for w in windows)


def test_every_recipe_builds_a_network_for_its_pictures():
    for recipe in RECIPES.values():
        logits = recipe.build().eval()(torch.zeros(1, 3, recipe.size, recipe.size))
        assert logits.shape[1] in (2, 10, 12)
        assert recipe.sizes[0][0] == 0
        assert max(side for _, side in recipe.sizes) == recipe.size


@pytest.mark.parametrize("packed", [False, True])
def test_cifar_is_read_from_a_folder_and_from_its_archive(tmp_path, packed):
    colours = {"frog/0001.jpg": 200, "cat/0002.jpg": 40, "cat/0001.jpg": 120}
    with tarfile.open(tmp_path / "cifar10-jpeg-test.tar.gz", "w:gz") if packed else io.BytesIO() as archive:
        for name, shade in colours.items():
            buffer = io.BytesIO()
            Image.fromarray(np.full((32, 32, 3), shade, np.uint8)).save(buffer, "JPEG")
            if packed:
                member = tarfile.TarInfo(f"test/{name}")
                member.size = len(buffer.getvalue())
                archive.addfile(member, io.BytesIO(buffer.getvalue()))
            else:
                path = tmp_path / "test" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(buffer.getvalue())
    pictures, labels = cifar10.load_cifar10(tmp_path, "test")
    assert [cifar10.CLASSES[i] for i in labels] == ["cat", "cat", "frog"]
    assert pictures.float().mean((1, 2, 3)).sub(torch.tensor([120.0, 40, 200])).abs().max() < 3


def test_missing_data_is_said_in_a_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cifar10-jpeg-train\.tar\.gz"):
        cifar10.load_cifar10(tmp_path, "train")
