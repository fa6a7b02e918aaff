"""Training of noisy networks: the same weights however often it was stopped, and snapshots of all that was promised."""

import sys
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from explainers.datasets.toys.twelve_bits import patterns
from explainers.networks.architectures.noisy import orthonormal_penalty
from explainers.streams import last
from explainers.train import command, run
from explainers.train.noisy import NoisyTraining
from explainers.train.noisy_recipes import NOISY_RECIPES
from explainers.train.snapshots import read_snapshots, write_snapshots

# Three batches an epoch.
SHORT = replace(NOISY_RECIPES["digits-convolutional"], batch=400, epochs=4, snapshots=4)
DIGITS = SHORT.load()


def training(folder, recipe=SHORT, seed=3) -> NoisyTraining:
    return NoisyTraining("short", recipe, DIGITS, folder, seed)


def trained(folder, recipe=SHORT, seed=3):
    made = training(folder, recipe, seed)
    last(made.train())
    return made.snapshots()


def same(one, other) -> bool:
    """Whether all that was kept of two trainings is equal to the bit."""
    states = zip(one.states, other.states, strict=True)
    alike = all(torch.equal(a[name], b[name]) for a, b in states for name in a)
    return alike and one.accuracy == other.accuracy and one.loss == other.loss


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("stops", [[1], [3], [5, 4], [11], [1] * 11])
def test_a_training_that_was_stopped_ends_as_an_unbroken_one(tmp_path, whole, stops):
    for steps in stops:
        part = training(tmp_path)
        stream = part.train()
        assert len(list(islice(stream, steps))) == steps
        stream.close()
        assert part.snapshots() is None
    assert same(trained(tmp_path), whole)


@pytest.mark.parametrize("step", [0, 2, 3, 4, 10])
def test_so_does_one_that_was_broken_off_in_the_middle_of_a_step(tmp_path, monkeypatch, whole, step):
    """With a checkpoint after each step before, and the snapshot of that step not yet written."""
    advance = run.Run._advance

    def broken(self, loss):
        if self.step == step:
            raise KeyboardInterrupt
        advance(self, loss)

    with monkeypatch.context() as patch:
        patch.setattr(run, "STORE_EVERY", 0.0)
        patch.setattr(run, "STORE_SHARE", 0)
        patch.setattr(run.Run, "_advance", broken)
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path)
    if step % 3 == 0:
        (training(tmp_path).folder / f"{step // 3:06d}").unlink(missing_ok=True)
    assert same(trained(tmp_path), whole)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"cut off")])
def test_a_snapshot_that_is_lost_is_made_again(tmp_path, whole, damage):
    made = training(tmp_path)
    assert len(list(islice(made.train(), 8))) == 8
    damage(made.folder / "000001")
    assert same(trained(tmp_path), whole)
    damage(made.folder / "000002")
    assert made.snapshots() is None
    assert same(trained(tmp_path), whole)


def test_what_is_trained_is_not_trained_again(tmp_path, whole):
    trained(tmp_path)
    assert list(training(tmp_path).train()) == []


@pytest.mark.parametrize(
    "other", [replace(SHORT, sigma=0.2), replace(SHORT, orthonormal=0.1), replace(SHORT, rate=0.01), SHORT]
)
def test_seed_and_recipe_are_told_apart_in_one_folder(tmp_path, whole, other):
    trained(tmp_path)
    found = trained(tmp_path, other, seed=4 if other is SHORT else 3)
    assert len(list(tmp_path.iterdir())) == 2
    assert not same(found, whole)


def test_training_leaves_the_random_numbers_of_others_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained(tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_accuracy_and_loss_are_those_of_the_snapshots(whole):
    x, y = DIGITS.kept_back()
    for epoch, accuracy in zip(whole.epochs, whole.accuracy, strict=True):
        network = whole.network(SHORT, epoch)
        drawn = torch.Generator().manual_seed(0)
        again = [(network(x, drawn).argmax(1) == y).float().mean().item() for _ in range(5)]
        assert np.mean(again) == pytest.approx(accuracy, abs=0.05)
    assert whole.loss[-1] < whole.loss[0]
    with pytest.raises(ValueError, match=r"expected an epoch with a snapshot, got 3; choose one of \(0, 1, 2, 4\)"):
        whole.network(SHORT, 3)


def test_the_penalty_brings_weights_nearer_to_orthonormal(tmp_path, whole):
    bound = replace(SHORT, orthonormal=0.05)
    kept = trained(tmp_path, bound)
    plain, held = (orthonormal_penalty(found.network(SHORT, 4)).item() for found in (whole, kept))
    assert held < plain / 2


@pytest.mark.parametrize("name", NOISY_RECIPES)
def test_every_recipe_trains(tmp_path, name):
    recipe = replace(NOISY_RECIPES[name], epochs=3, snapshots=3)
    made = NoisyTraining(name, recipe, recipe.load(), tmp_path, 0)
    rates = {made._begin().schedule.get_last_lr()[0]}
    steps = list(made.train())
    assert len(steps) == 3 * made.steps_per_epoch
    snapshots = made.snapshots()
    assert snapshots.epochs == recipe.epochs_kept() == (0, 1, 3)
    assert all(np.isfinite(snapshots.loss))
    first, last = snapshots.states[0], snapshots.states[-1]
    assert any(not torch.equal(first[key], last[key]) for key in first)
    assert rates == {recipe.rate}
    network, problem = snapshots.network(recipe, 3), recipe.load()
    assert (network.sigma == 0) == ("deterministic" in name)
    assert network(problem.x[:4]).shape == (4, problem.classes)


@pytest.mark.parametrize("name", NOISY_RECIPES)
def test_snapshots_lie_evenly_on_the_logarithm_from_before_the_first_to_the_last(name):
    epochs = NOISY_RECIPES[name].epochs_kept()
    assert epochs[0] == 0
    assert epochs[-1] == NOISY_RECIPES[name].epochs
    ratios = np.diff(np.log(epochs[8:]))
    assert ratios.max() < 1.5 * ratios.min()


def test_the_learning_rate_stays(tmp_path):
    begun = training(tmp_path)._begin()
    for step in range(begun.steps):
        assert begun.optimizer.param_groups[0]["lr"] == SHORT.rate
        assert begun.optimizer.param_groups[0]["momentum"] == SHORT.momentum
        if step < begun.steps - 1:
            begun.optimizer.step()
            begun.schedule.step()


def test_snapshots_are_read_as_they_were_written(tmp_path, whole):
    write_snapshots(tmp_path / "short.safetensors", whole)
    read = read_snapshots(tmp_path / "short.safetensors")
    assert read.epochs == whole.epochs
    assert (read.name, read.seed) == ("short", 3)
    assert read.accuracy == pytest.approx(whole.accuracy, abs=1e-5)
    assert same(replace(read, accuracy=(), loss=()), replace(whole, accuracy=(), loss=()))


@pytest.mark.parametrize("content", [b"", b"text", b"\x02\0\0\0\0\0\0\0{}"])
def test_what_are_no_snapshots_is_one_sentence(tmp_path, content):
    (tmp_path / "one.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"expected snapshots of a noisy network, got something else in 'one"):
        read_snapshots(tmp_path / "one.safetensors")


def call(monkeypatch, *words) -> None:
    monkeypatch.setattr(sys, "argv", ["train", *map(str, words)])
    command.main()


def test_the_command_trains_a_rule_of_ones_own(tmp_path, monkeypatch, capsys):
    """The label is the first bit: learnt within a few steps."""
    bits = (patterns().numpy() > 0).astype(np.uint8)
    np.savez(tmp_path / "rule.npz", F=bits, y=bits[:, 0])
    places = ["--out", tmp_path, "--runs", tmp_path / "runs", "--epochs", "60"]
    call(monkeypatch, "bits-tanh-0.05", "--rule", tmp_path / "rule.npz", *places)
    snapshots = read_snapshots(tmp_path / "bits-tanh-0.05.safetensors")
    assert snapshots.accuracy[-1] > 0.95
    assert f"{snapshots.accuracy[-1]:.2%} of the held-out samples" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "told"), [("spirals-tanh", "expected a problem of twelve bits"), ("bits-tanh-0.05", "arrays F and y")]
)
def test_a_rule_that_is_none_and_one_of_another_problem_are_one_sentence(tmp_path, monkeypatch, capsys, name, told):
    (tmp_path / "rule.npz").write_bytes(b"text")
    with pytest.raises(SystemExit):
        call(monkeypatch, name, "--rule", tmp_path / "rule.npz", "--out", tmp_path)
    assert told in capsys.readouterr().err
