"""The training command: resuming, what it writes, and the pictures it makes."""

import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from explainers.datasets import cifar10
from explainers.networks.architectures.plain import alexnet
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.storage.whole_files import write_checked
from explainers.train import batches, command, run
from explainers.train.augmentation import shifted
from explainers.train.recipes import RECIPES, Recipe


def _pictures(folder, split):
    generator = torch.Generator().manual_seed(len(split))
    labels = torch.arange(96) % 3
    pictures = torch.randint(0, 60, (96, 3, 16, 16), generator=generator) + 80 * labels.view(-1, 1, 1, 1)
    return pictures.to(torch.uint8), labels


def _slices(folder, split):
    pictures = torch.randint(0, 256, (4, 3, 24, 24), generator=torch.Generator().manual_seed(len(split)))
    return pictures.to(torch.uint8), (pictures[:, 0] > 128).long()


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


class Seen(nn.Sequential):
    """Notes what it is shown."""

    def __init__(self, *layers):
        super().__init__(*layers)
        self.digest = hashlib.sha256()

    def forward(self, x):
        self.digest.update(hashlib.sha256(x.contiguous().numpy().tobytes()).hexdigest().encode())
        return super().forward(x)


CLASSIFYING = replace(TINY, build=lambda: Seen(nn.Flatten(), nn.Linear(768, 3)), sizes=((0, 16),), epochs=2)
SEGMENTING = replace(CLASSIFYING, build=lambda: Seen(nn.Conv2d(3, 2, 3, padding=1)), load=_slices, views=12, segments=1)


@pytest.mark.parametrize(
    ("recipe", "digest", "norm", "bias"),
    [
        (CLASSIFYING, "5d07c0a63871fbd48a5ef59e75c1948a44ab3696e606fdf060c8ea819f440217", 2.567, -0.21041),
        (SEGMENTING, "6f639ddcdc81817021c8fe47f0ad54f40aff7ae951b2ff6fd4f1283781a1c433", 0.8654, 0.12631),
    ],
)
def test_a_recipe_looks_at_what_shipped_weights_were_trained_on_in_that_order(tmp_path, recipe, digest, norm, bias):
    """Written down with the loop that trained them. Pictures are the same to the bit; arithmetic is the processor's."""
    net = command.train("tiny", recipe, tmp_path, tmp_path, seed=3, device="cpu")
    assert net.digest.hexdigest() == digest
    assert net[-1].weight.norm().item() == pytest.approx(norm, rel=1e-3)
    assert net[-1].bias[0].item() == pytest.approx(bias, rel=1e-3)


def broken_off(monkeypatch, step: int, *arguments) -> None:
    """Trains until somebody presses Ctrl-C in the middle of a step, with checkpoints after each step before."""
    calls = iter(range(step))

    def view(*inputs):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return shifted(*inputs)

    with monkeypatch.context() as patch:
        patch.setattr(run, "STORE_EVERY", 0.0)
        patch.setattr(run, "STORE_SHARE", 0)
        patch.setattr(batches, "shifted", view)
        with pytest.raises(KeyboardInterrupt):
            command.train(*arguments)


@pytest.mark.long
@pytest.mark.parametrize("step", [1, 6, 9, 17])
@pytest.mark.parametrize("build", [TINY.build, lambda: alexnet(3, size=16, hidden=8, normalised=True)])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path, monkeypatch, build, step):
    """Within an epoch as well, and with dropout."""
    recipe = TINY if build is TINY.build else replace(TINY, build=build, sizes=((0, 16),), float32=True)
    whole = command.train("tiny", recipe, tmp_path, tmp_path / "whole", 3, "cpu")
    broken_off(monkeypatch, step, "tiny", recipe, tmp_path, tmp_path / "parts", 3, "cpu")
    assert run.read_checkpoint(tmp_path / "parts" / "tiny-seed3-epochs3.pt")["step"] == step
    resumed = command.train("tiny", recipe, tmp_path, tmp_path / "parts", 3, "cpu")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_another_seed_gives_another_network(tmp_path):
    one, other = (command.train("tiny", CLASSIFYING, tmp_path, tmp_path, seed, "cpu") for seed in (3, 4))
    assert not torch.equal(one[-1].weight, other[-1].weight)


@pytest.mark.long
def test_a_checkpoint_that_an_earlier_version_left_between_two_epochs_goes_on(tmp_path, monkeypatch, capsys):
    whole = command.train("tiny", TINY, tmp_path, tmp_path / "whole", 3, "cpu")
    broken_off(monkeypatch, 12, "tiny", TINY, tmp_path, tmp_path, 3, "cpu")
    path = tmp_path / "tiny-seed3-epochs3.pt"
    state = run.read_checkpoint(path)
    old = {"net": state["model"], "optimizer": state["optimizer"], "schedule": state["schedule"], "epoch": 2}
    buffer = io.BytesIO()
    torch.save(old, buffer)
    write_checked(path, buffer.getvalue())
    capsys.readouterr()
    resumed = command.train("tiny", TINY, tmp_path, tmp_path, 3, "cpu")
    printed = capsys.readouterr().out
    assert "epoch 3/3" in printed
    assert "epoch 2/3" not in printed
    assert torch.equal(resumed.conv1.weight, whole.conv1.weight)


def test_a_checkpoint_of_another_recipe_is_passed_over_in_a_sentence(tmp_path, capsys):
    whole = command.train("tiny", CLASSIFYING, tmp_path, tmp_path / "whole", 3, "cpu")
    command.train("tiny", replace(CLASSIFYING, peak_lr=0.1), tmp_path, tmp_path, 3, "cpu")
    assert "begins anew" not in capsys.readouterr().out
    again = command.train("tiny", CLASSIFYING, tmp_path, tmp_path, 3, "cpu")
    assert "tiny-seed3-epochs2.pt is damaged or of other pictures or settings" in capsys.readouterr().out
    assert torch.equal(again[-1].weight, whole[-1].weight)


def test_a_disk_that_takes_no_checkpoints_costs_these_alone_and_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "STORE_EVERY", 0.0)
    (tmp_path / "file").write_text("where the folder should be")
    whole = command.train("tiny", CLASSIFYING, tmp_path, tmp_path / "whole", 3, "cpu")
    assert "takes no checkpoint" not in capsys.readouterr().out
    unkept = command.train("tiny", CLASSIFYING, tmp_path, tmp_path / "file", 3, "cpu")
    assert torch.equal(unkept[-1].weight, whole[-1].weight)
    assert "the disk takes no checkpoint" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.parametrize("build", [TINY.build, lambda: alexnet(3, size=16, hidden=8, normalised=True)])
def test_what_is_written_is_what_was_measured(tmp_path, build):
    recipe = replace(TINY, build=build, sizes=((0, 16),), epochs=8, float32=build is not TINY.build)
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


def test_without_flips_a_picture_that_is_not_moved_stays_as_it_is():
    x = torch.rand(8, 3, 6, 6)
    assert torch.equal(shifted(x, 0, torch.Generator().manual_seed(1), flips=False), x)
    assert not torch.equal(shifted(x, 0, torch.Generator().manual_seed(1)), x)


def test_every_recipe_builds_a_network_for_its_pictures():
    for recipe in RECIPES.values():
        logits = recipe.build().eval()(torch.zeros(1, 3, recipe.size, recipe.size))
        if recipe.reconstructs:
            assert logits.shape == (1, 3, recipe.size, recipe.size)
            continue
        assert logits.shape[1] in (2, 10, 12, 24)
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


def test_snapshots_are_the_weights_after_those_epochs_and_change_nothing(tmp_path, monkeypatch):
    recipe = replace(CLASSIFYING, build=lambda: nn.Sequential(nn.Flatten(), nn.Linear(768, 3)))
    alone = command.train("tiny", recipe, tmp_path, tmp_path / "alone", 3, "cpu").state_dict()
    monkeypatch.setitem(command.RECIPES, "tiny", recipe)
    folders = ["--data", str(tmp_path), "--out", str(tmp_path), "--runs", str(tmp_path / "runs"), "--device", "cpu"]
    monkeypatch.setattr("sys.argv", ["train", "tiny", *folders, "--seed", "3", "--snapshots", "1", "2"])
    command.main()
    first, last, whole = (
        load_file(tmp_path / f"{name}.safetensors") for name in ("tiny-epoch1", "tiny-epoch2", "tiny")
    )
    assert not torch.equal(first["1.weight"], whole["1.weight"])
    assert torch.equal(last["1.weight"], whole["1.weight"])
    assert torch.equal(whole["1.weight"], alone["1.weight"].half())
    card = (tmp_path / "tiny-epoch1.md").read_text()
    assert card.startswith("# tiny-epoch1")
    assert " --seed 3 --snapshots 1`" in card


def test_a_seed_joins_the_name_of_a_network_to_study(tmp_path, monkeypatch):
    recipe = replace(CLASSIFYING, build=lambda: nn.Sequential(nn.Flatten(), nn.Linear(768, 3)))
    monkeypatch.setitem(command.RECIPES, "alexnet-lookalikes", recipe)
    folders = ["--data", str(tmp_path), "--out", str(tmp_path), "--runs", str(tmp_path / "runs"), "--device", "cpu"]
    for seed in ("0", "2"):
        monkeypatch.setattr("sys.argv", ["train", "alexnet-lookalikes", *folders, "--seed", seed])
        command.main()
    names = {path.stem for path in tmp_path.glob("*.safetensors")}
    assert names == {"alexnet-lookalikes", "alexnet-lookalikes-seed2"}
