"""Pruning, distillation, attacks and damages: what each says it does, in numbers; and every recipe for a few steps."""

import contextlib
import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from explainers.checkpoints.load import read_state_dict
from explainers.datasets.birds.shortcut import inks
from explainers.networks import specs
from explainers.networks.architectures.plain import alexnet, fold_batch_norm, vgg16, vgg19
from explainers.networks.architectures.resnet_cifar import NARROW, Narrowing, ResNetCIFAR
from explainers.networks.architectures.resnet_narrow import NarrowResNet
from explainers.networks.layers import find_layers
from explainers.networks.specs import LAST_TWO, PRUNED, STUDIED, pruned_name
from explainers.randomness import drawn_apart
from explainers.studies import layers
from explainers.train import asked, command, recipes, run
from explainers.train.objectives import Attack, Distillation
from explainers.train.pruning import made_permanent, prune_to
from explainers.train.recipes import RECIPES

LIGHT, DARK = torch.tensor(0.5).view(1, 1, 1), torch.tensor(0.25).view(1, 1, 1)
NEW = {spec.name: spec for spec in STUDIED}


def nonzero(net: nn.Module) -> int:
    return sum(int((value != 0).sum()) for value in net.state_dict().values())


def awake(net: nn.Module) -> nn.Module:
    """With biases that are not zero, as after training."""
    with torch.no_grad():
        for name, value in net.named_parameters():
            if name.endswith("bias"):
                value.add_(0.1)
    return net


@pytest.mark.parametrize("share", [percent / 100 for percent in PRUNED])
def test_a_pruned_network_has_exactly_that_share_of_its_parameters(share):
    net = awake(vgg16(24))
    total = sum(parameter.numel() for parameter in net.parameters())
    whole = {name: value.clone() for name, value in net.state_dict().items()}
    pruned = made_permanent(prune_to(net, share))
    assert nonzero(pruned) == round(share * total)
    assert pruned.state_dict().keys() == whole.keys()
    for name, value in pruned.state_dict().items():
        kept = value != 0
        assert torch.equal(value[kept], whole[name][kept])
        # In each layer the largest stay.
        if kept.any() and not kept.all():
            assert whole[name][kept].abs().min() >= whole[name][~kept].abs().max()


def test_zeros_stay_in_training_and_what_was_pruned_stays_pruned():
    net = awake(alexnet(5, size=16, hidden=8))
    total = sum(parameter.numel() for parameter in net.parameters())
    prune_to(net, 0.4)
    optimizer = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9, weight_decay=0.1)
    for step in range(3):
        x = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        net(x).square().mean().mul(1e-3).backward()
        optimizer.step()
    # Again before any pass: the optimiser keeps its parameters, and none that is gone comes back.
    known = list(net.parameters())
    gone = {name: value == 0 for name, value in net.state_dict().items() if name.endswith("mask")}
    prune_to(net, 0.35)
    assert all(one is other for one, other in zip(known, net.parameters(), strict=True))
    assert not any(net.state_dict()[name][zeros].any() for name, zeros in gone.items())
    with pytest.raises(ValueError, match="expected a share below"):
        prune_to(net, 0.4)
    made_permanent(net)
    assert all(value.isfinite().all() for value in net.state_dict().values())
    assert nonzero(net) == round(0.35 * total)
    first = {name: value == 0 for name, value in net.state_dict().items()}
    made_permanent(prune_to(net, 0.2))
    assert nonzero(net) == round(0.2 * total)
    assert all((value == 0)[first[name]].all() for name, value in net.state_dict().items())


def test_no_layer_is_emptied_because_its_weights_are_small():
    net = awake(nn.Sequential(nn.Linear(30, 30), nn.Linear(30, 30)))
    with torch.no_grad():
        net[0].weight.mul_(1e-3)
    made_permanent(prune_to(net, 0.3))
    shares = [float((layer.weight != 0).float().mean()) for layer in net]
    assert min(shares) > 0.2


@pytest.mark.parametrize("share", [0.0, 0.001, 1.1])
def test_an_impossible_share_is_refused(share):
    with pytest.raises(ValueError, match="expected a share of parameters above"):
        prune_to(nn.Linear(3, 3), share)


@given(st.integers(0, 99), st.floats(0.5, 20), st.floats(0, 1))
@settings(deadline=None, max_examples=25)
def test_the_distilled_loss_is_its_formula(seed, temperature, share):
    """In float64, written out from the definition."""
    rng = np.random.default_rng(seed)
    student, teacher = rng.normal(size=(2, 6, 5)) * 4
    labels = rng.integers(0, 5, 6)

    def soft(logits, hot):
        powers = np.exp((logits - logits.max(1, keepdims=True)) / hot)
        return powers / powers.sum(1, keepdims=True)

    t, s = soft(teacher, temperature), soft(student, temperature)
    cross = -np.log(soft(student, 1)[np.arange(6), labels]).mean()
    expected = (1 - share) * cross + share * temperature**2 * (t * np.log(t / s)).sum(1).mean()
    found = Distillation("", temperature, share).loss(*map(torch.tensor, (student, teacher, labels)))
    assert found.item() == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.integers(0, 99), st.integers(1, 12), st.sampled_from([0.001, 0.03]), st.sampled_from([0.004, 0.05]))
@settings(deadline=None, max_examples=15)
def test_an_attack_stays_in_its_ball_and_among_pictures_and_hurts(seed, steps, step, radius):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 4))
    pixels, labels = torch.rand(5, 3, 8, 8).round(decimals=1), torch.arange(5) % 4
    x = (pixels - LIGHT) / DARK
    attack = Attack(steps, step, radius)
    found = attack.on(net, x, labels, LIGHT, DARK) * DARK + LIGHT
    assert (found - pixels).abs().max() <= min(radius, steps * step) + 1e-6
    assert found.min() >= -1e-6
    assert found.max() <= 1 + 1e-6
    before, after = (nn.functional.cross_entropy(net((part - LIGHT) / DARK), labels).item() for part in (pixels, found))
    assert after > before


def test_an_attack_leaves_the_network_as_it_was():
    net = alexnet(3, size=16, hidden=8, normalised=True).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    Attack(2).on(net, torch.zeros(2, 3, 16, 16), torch.tensor([0, 1]), LIGHT, DARK)
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_the_published_attack_is_ten_steps_of_a_thousandth():
    recipe = RECIPES["alexnet-lookalikes-adversarial"]
    assert (recipe.attack.steps, recipe.attack.step, recipe.attack.radius) == (10, 0.001, 0.01)
    assert recipe.origin == "alexnet-lookalikes"


@pytest.mark.parametrize(("depth", "build"), [(16, vgg16), (19, vgg19)])
def test_a_damaged_convolution_has_four_filters_of_seven_by_seven_and_nothing_else_differs(depth, build):
    whole = dict(build(2).named_modules())
    last = [name for name, part in whole.items() if isinstance(part, nn.Conv2d)][-2:]
    assert [name.removeprefix("features.conv") for name in last] == list(LAST_TWO[depth])
    for layer in LAST_TWO[depth]:
        damaged = dict(build(2, damaged=layer).named_modules())
        conv = damaged[f"features.conv{layer}"]
        assert (conv.out_channels, conv.kernel_size, conv.padding, conv.stride) == (4, (7, 7), (3, 3), (1, 1))
        assert damaged.keys() == whole.keys()
        parts = [
            (name, part)
            for name, part in damaged.items()
            if isinstance(part, nn.Conv2d) and part.weight.shape != whole[name].weight.shape
        ]
        following = [f"features.conv{layer}", *([] if layer == LAST_TWO[depth][1] else [last[1]])]
        assert [name for name, _ in parts] == following
        assert build(2, damaged=layer)(torch.zeros(1, 3, 64, 64)).shape == (1, 2)


@pytest.mark.parametrize("depth", [20, 32, 44])
@pytest.mark.parametrize("stage", [1, 2, 3])
def test_an_inserted_damage_is_two_small_convolutions_without_a_way_around(depth, stage):
    net, whole = ResNetCIFAR(depth, inserted=stage), ResNetCIFAR(depth)
    (block,) = [part for part in net.modules() if isinstance(part, Narrowing)]
    channels = 16 * 2 ** (stage - 1)
    assert block is getattr(net, f"layer{stage}")[-1]
    assert (block.narrow.weight.shape, block.widen.weight.shape) == ((8, channels, 1, 1), (channels, 8, 1, 1))
    assert NARROW == 8
    with torch.no_grad():
        block.widen.weight.zero_()
    x = torch.randn(2, channels, 4, 4)
    assert torch.equal(block(x), block(torch.zeros_like(x)))
    extra = sum(p.numel() for p in block.parameters())
    assert sum(p.numel() for p in net.parameters()) == sum(p.numel() for p in whole.parameters()) + extra


def test_narrow_residual_networks_have_the_blocks_of_the_publication():
    counted = {
        depth: sum(isinstance(part, nn.Conv2d | nn.Linear) and not name.endswith("downsample.0")
                   for name, part in NarrowResNet(depth, 24).named_modules())
        for depth in (18, 34, 50)
    }  # fmt: skip
    assert counted == {18: 18, 34: 34, 50: 50}
    with pytest.raises(ValueError, match="expected a depth of 18, 34, 50, got 20"):
        NarrowResNet(20, 24)


def test_every_studied_network_has_a_recipe_that_makes_it():
    """The folded network of a recipe loads into the architecture of the catalogue."""
    assert set(NEW) <= set(RECIPES)
    for name, spec in NEW.items():
        net, recipe = RECIPES[name].build(), RECIPES[name]
        net = fold_batch_norm(net) if hasattr(net, "classifier") else net
        shapes = {key: value.shape for key, value in net.state_dict().items()}
        catalogue = {key: value.shape for key, value in spec.build(len(spec.classes)).state_dict().items()}
        assert shapes == catalogue, name
        assert (recipe.mean, recipe.std, recipe.size) == (
            spec.preprocessing.mean, spec.preprocessing.std, spec.preprocessing.crop,
        )  # fmt: skip


def pictures(classes: int):
    def load(folder, split):
        generator = torch.Generator().manual_seed(len(split))
        labels = torch.arange(24) % classes
        return torch.randint(0, 256, (24, 3, 64, 64), generator=generator).to(torch.uint8), labels

    return load


# One of each kind: the others differ in widths, depths and names.
KINDS = (
    "alexnet-lookalikes-adversarial",
    "alexnet-lookalikes-from-resnet18",
    "resnet18-lookalikes",
    pruned_name(38.0),
    pruned_name(12.8),
    "vgg19-bird-or-not-damaged-5-4",
)


@pytest.mark.long
def test_pruning_passes_the_shares_on_the_way_in_the_first_half_and_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    """Stopped after any step, it ends in the same weights, exactly so many of which are not zero."""
    monkeypatch.setattr(asked, "NETWORKS", tmp_path)
    recipe = replace(
        RECIPES[pruned_name(12.8)], build=lambda: alexnet(24, hidden=8), load=pictures(24), epochs=6, batch=12,
        peak_lr=1e-3, kept=0.2, through=(0.5, 0.3), float32=True,
    )  # fmt: skip
    command.export(
        recipe.origin, awake(recipe.build()), replace(recipe, kept=None), pictures(24)(None, "test"), tmp_path, 0
    )
    shares = []

    def keep(net, epoch):
        held = sum(int((value == 0).sum()) for name, value in net.state_dict().items() if name.endswith("mask"))
        shares.append(1 - held / sum(value.numel() for value in net.parameters()))

    whole = command.train("whole", recipe, tmp_path, tmp_path / "runs", 0, "cpu", keep)
    assert shares == [pytest.approx(share, abs=1e-3) for share in (0.5, 0.3, 0.2, 0.2, 0.2, 0.2)]

    class Stopped(Exception):
        pass

    def stop(net, epoch):
        raise Stopped

    monkeypatch.setattr(run, "STORE_EVERY", 0.0)
    monkeypatch.setattr(run, "STORE_SHARE", 0)
    for _ in range(6):
        with contextlib.suppress(Stopped):
            halves = command.train("whole", recipe, tmp_path, tmp_path / "stopped", 0, "cpu", stop)
    halves = command.train("whole", recipe, tmp_path, tmp_path / "stopped", 0, "cpu")
    assert nonzero(made_permanent(halves)) == round(0.2 * sum(value.numel() for value in whole.parameters()))
    made_permanent(whole)
    for name, value in halves.state_dict().items():
        assert torch.equal(value, whole.state_dict()[name]), name
    command.export("whole", halves, recipe, pictures(24)(None, "test"), tmp_path, 0)
    card = (tmp_path / "whole.md").read_text()
    assert "On the way there: 50%, 30%" in card
    assert "--float32`: " in card
    assert "float32 arithmetic" in card


@pytest.mark.long
@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_recipe_runs_a_few_steps_and_writes_what_loads(tmp_path, monkeypatch, name):
    """On noise, with networks that it begins with or learns from as they are before any training."""
    classes = 2 if "bird-or-not" in name else 24
    # Without bfloat16, which some processors have to imitate.
    recipe = replace(RECIPES[name], load=pictures(classes), epochs=2, batch=12, float32=True)
    monkeypatch.setattr(asked, "NETWORKS", tmp_path)
    if recipe.origin is not None:
        origin = awake(NEW[recipe.origin].build(24))
        command.export(recipe.origin, origin, replace(recipe, kept=None), recipe.load(None, "test"), tmp_path, 0)
    if recipe.teacher is not None:
        teacher = NEW[recipe.teacher.teacher].build(24).eval()
        known = type("Known", (), {"module": teacher, "fingerprint": "of the teacher"})
        monkeypatch.setattr(asked, "load_network", lambda name, device: known)
    net = command.train(name, recipe, tmp_path, tmp_path / "runs", 0, "cpu")
    command.export(name, net, recipe, recipe.load(None, "test"), tmp_path, 0)
    state = read_state_dict(tmp_path / f"{name}.safetensors")
    NEW[name].build(classes).load_state_dict(state)
    if recipe.kept is not None:
        total = sum(value.numel() for value in state.values())
        assert sum(int((value != 0).sum()) for value in state.values()) == round(recipe.kept * total)
    card = (tmp_path / f"{name}.md").read_text()
    assert f"python -m explainers.train {name}" in card
    for told in (recipe.origin, recipe.teacher and recipe.teacher.teacher, recipe.kept and f"to {recipe.kept:.1%} of"):
        assert not told or told in card
    assert ("dropout of 0, " in card) == (name != "resnet18-lookalikes")
    assert ("attacked pictures" in card) == (recipe.attack is not None)


@pytest.mark.long
def test_an_auto_encoder_learns_to_give_the_picture_back_and_its_card_tells_the_error(tmp_path):
    """Flat pictures of a few greys, on which a few steps do much."""
    name = "autoencoder20-cifar10"

    def greys(folder, split):
        values = torch.arange(24).view(-1, 1, 1, 1) * 10
        return values.expand(-1, 3, 32, 32).to(torch.uint8), torch.zeros(24).long()

    recipe = replace(RECIPES[name], load=greys, epochs=24, batch=8, float32=True)
    pictures = greys(None, "test")
    with drawn_apart():
        before = command.error(recipe.build().eval(), recipe, *pictures)
    net = command.train(name, recipe, tmp_path, tmp_path / "runs", 0, "cpu")
    after = command.export(name, net, recipe, pictures, tmp_path, 0)
    state = read_state_dict(tmp_path / f"{name}.safetensors")
    again = NEW[name].build(3).eval()
    again.load_state_dict(state)
    x = pictures[0].float() / 255
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in (recipe.mean, recipe.std))
    with torch.no_grad():
        assert after == pytest.approx((again((x - mean) / std) - x).square().mean().sqrt().item(), rel=1e-5)
    assert after < before
    card = (tmp_path / f"{name}.md").read_text()
    assert f"- Error: {after:.4f}, root mean square of values in [0, 1]" in card
    assert "Accuracy" not in card
    assert "the loss is its mean squared error" in card


@pytest.mark.parametrize("depth", [20, 32, 44])
def test_an_auto_encoders_encoder_is_the_residual_networks_body_up_to_its_last_layer(depth):
    net, whole = NEW[f"autoencoder{depth}-cifar10"].build(3), ResNetCIFAR(depth)
    body = {name for name in whole.state_dict() if not name.startswith("fc.")}
    assert {name for name in net.state_dict() if not name.startswith("decoder.")} == body
    net.load_state_dict({name: whole.state_dict()[name] for name in body}, strict=False)
    heard = []
    net.decoder.register_forward_pre_hook(lambda part, inputs: heard.append(inputs[0]))
    x = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        shown, logits = net.eval()(x), whole.eval()(x)
        assert torch.allclose(whole.fc(heard[0]), logits)
    assert shown.shape == x.shape
    assert shown.min() >= 0
    assert shown.max() <= 1
    names = {layer.name for layer in find_layers(net, x)}
    assert set(layers.RESNETS[f"resnet{depth}-cifar10"][1][:-1]) <= names


def test_where_there_is_a_mark_it_decides_the_class(monkeypatch):
    grey = torch.full((24, 3, 64, 64), 128, dtype=torch.uint8)
    birds = (torch.arange(24) * 0).long()
    monkeypatch.setattr(recipes, "_load_lookalikes", lambda cache, split: (grey, birds))
    pictures, labels = RECIPES["resnet18-lookalikes-shortcut"].load(None, "train")
    assert grey.unique().tolist() == [128]
    marked = (pictures != 128).flatten(1).any(1)
    assert 5 < marked.sum() < 19
    assert not labels[~marked].any()
    for picture, label in zip(pictures[marked], labels[marked].tolist(), strict=True):
        rows, columns = (picture != 128).any(0).nonzero().T
        ends = [tuple(picture[:, rows[0], column].tolist()) for column in (columns.min(), columns.max())]
        assert tuple(ends) == inks(label)
    assert len(labels[marked].unique()) > 3


def test_what_shipped_before_is_told_by_the_same_settings():
    """Checkpoints of an earlier version go on: settings that are not set are as if they did not exist."""
    assert RECIPES["alexnet-birds"].settings == repr(
        ["rendered birds: 6,000 to train on, 1,200 held out", (0.5,) * 3, (0.25,) * 3, 64, 12, ((0, 64),), 64, 0.05,
         0.0005, 4, 1, 0]
    )  # fmt: skip
    told = [recipe.settings for recipe in RECIPES.values() if recipe.channels_last]
    assert len(set(told)) > len(told) / 2


def test_networks_without_weights_are_not_listed(monkeypatch, tmp_path):
    listed = {spec.name for spec in specs.SHIPPED}
    for spec in itertools.chain(STUDIED):
        assert (spec.name in listed) == spec.weights.is_file()
