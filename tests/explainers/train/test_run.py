"""The one training loop: it stops anywhere, goes on exactly, and passes over what is not its own."""

import io
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from explainers.storage.whole_files import write_checked
from explainers.train.run import Progress, Run, read_checkpoint

STEPS = 6


def training(steps: int = STEPS, rising: float = 0.25, recipe: str = "line") -> Run:
    """Noise from a generator of its own fitted by one weight."""
    drawn = torch.Generator().manual_seed(1)
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    return Run(model, torch.optim.SGD(model.parameters(), 0.1, momentum=0.9), steps, rising, recipe, (drawn,))


def loss(run: Run, step: int) -> Tensor:
    return (run.model(torch.randn(3, 1, generator=run.generators[0])) - step).square().mean()


def train(run: Run, stop: int | None = None) -> list[Progress]:
    stream = run.train(lambda step: loss(run, step))
    found = list(islice(stream, stop))
    stream.close()
    return found


@pytest.mark.parametrize("rising", [0.2, 0.25, 0.5])
@pytest.mark.parametrize("steps", range(1, 9))
def test_any_number_of_steps_is_trained(steps, rising):
    run = training(steps, rising)
    assert [at.step for at in train(run)] == list(range(1, steps + 1))
    assert run.schedule.get_last_lr()[0] <= 0.1


@pytest.mark.parametrize("stop", range(1, STEPS))
def test_what_was_stopped_goes_on_as_an_unbroken_run_would_have(tmp_path, stop):
    whole = training()
    frames = train(whole)
    stopped, resumed = training(), training()
    for run, count in ((stopped, stop), (resumed, None)):
        run.resume(tmp_path / "run.pt")
        found = train(run, count)
    assert [replace(at, remaining=0) for at in found] == [replace(at, remaining=0) for at in frames[stop:]]
    assert torch.equal(resumed.model.weight, whole.model.weight)


def test_a_step_that_is_broken_off_leaves_no_trace(tmp_path):
    run = training()
    run.resume(tmp_path / "run.pt")

    def broken(step: int) -> Tensor:
        if step == 3:
            raise KeyboardInterrupt
        return loss(run, step)

    with pytest.raises(KeyboardInterrupt):
        list(run.train(broken))
    assert not (tmp_path / "run.pt").exists()


@pytest.mark.parametrize("other", [{"recipe": "curve"}, {"steps": STEPS + 1}])
def test_another_training_is_passed_over(tmp_path, other):
    run = training(**other)
    run.resume(tmp_path / "run.pt")
    train(run, 2)
    fresh = training()
    fresh.resume(tmp_path / "run.pt")
    assert fresh.step == 0
    assert fresh.model.weight.item() == 1


def test_the_loss_is_a_running_mean_of_what_each_step_had():
    run, values = training(), []

    def noted(step: int) -> Tensor:
        values.append(loss(run, step))
        return values[-1]

    expected = None
    for at in run.train(noted):
        value = values[-1].item()
        expected = value if expected is None else 0.95 * expected + 0.05 * value
        assert at.loss == pytest.approx(expected)


def _saved(path: Path, content: object) -> Path:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_checked(path, buffer.getvalue())
    return path


def test_checkpoints_of_before_there_was_one_loop_are_read(tmp_path):
    """Networks told the epoch and no recipe, decoders all but the generators: nothing was drawn from one."""
    run = training()
    run.resume(tmp_path / "run.pt")
    train(run, 4)
    now = read_checkpoint(tmp_path / "run.pt")
    parts = {"optimizer": now["optimizer"], "schedule": now["schedule"]}
    network = {"net": now["model"], **parts, "epoch": 2}
    decoder = {"decoder": now["model"], **parts, "step": 4, "loss": 0.5, "recipe": "line"}
    for content, before in ((network, None), (decoder, 0.5)):
        resumed = training()
        resumed.resume(_saved(tmp_path / "old.pt", content))
        assert resumed.step == 4
        assert torch.equal(resumed.model.weight, run.model.weight)
        after = train(resumed, 1)[0].loss
        assert after > 0
        assert before is None or 0.95 * before < after


@pytest.mark.parametrize("content", [[], {}, {"epoch": 1}, {"net": 1, "epoch": 2}, {"model": {}, "step": 3}, 7])
def test_what_is_no_checkpoint_is_passed_over(tmp_path, content):
    assert read_checkpoint(_saved(tmp_path / "run.pt", content)) is None
