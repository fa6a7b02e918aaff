"""Training of noisy networks, with the weights of chosen epochs kept: from these, information is estimated.

A training goes on where it was stopped, as that of any network, and ends as an unbroken one would have.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor
from torch.nn import functional as F

from explainers.datasets.toys.problem import Problem
from explainers.networks.architectures.noisy import orthonormal_penalty
from explainers.randomness import TORCH_RANDOM, Randomness, drawn_apart
from explainers.storage.digest import digest
from explainers.storage.whole_files import read_checked, write_checked
from explainers.train.noisy_recipes import NoisyRecipe
from explainers.train.run import Progress, Run
from explainers.train.snapshots import Snapshots


@dataclass(frozen=True)
class NoisyTraining:
    """The training of `recipe` on `problem`; checkpoint and snapshots lie in a folder of `runs`.

    The folder's name says all that the outcome depends on, so that no other training is taken for this one.
    """

    name: str
    recipe: NoisyRecipe
    problem: Problem
    runs: Path
    seed: int

    @property
    def told(self) -> str:
        """SHA-256 of all that the outcome depends on."""
        data = (self.problem.x, self.problem.y, self.problem.train, self.problem.held_out)
        return digest(repr(self.recipe), str(self.seed), *(part.numpy().tobytes() for part in data))

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return self.runs / f"{self.name}-seed{self.seed}-{self.told[:12]}"

    @property
    def steps_per_epoch(self) -> int:
        """How many batches an epoch has; one of all samples where they are fewer than a batch."""
        return max(1, len(self.problem.train) // self.recipe.batch)

    def train(self) -> Iterator[Progress]:
        """What is left of the training, step by step. Whoever stops iterating stops it, and it is kept."""
        if self.snapshots() is not None:
            return
        folder = self.folder
        due = {epoch * self.steps_per_epoch: folder / f"{epoch:06d}" for epoch in self.recipe.epochs_kept()}
        run = self._begin()
        run.resume(folder / "checkpoint")
        if any(read_checked(path) is None for step, path in due.items() if step < run.step):
            shutil.rmtree(folder)
            run = self._begin()
            run.resume(folder / "checkpoint")
        loss = _Loss(self, run)
        # One that was stopped between a checkpoint and its snapshot lacks that one.
        self._keep(run, due)
        for at in run.train(loss):
            self._keep(run, due)
            yield at

    def snapshots(self) -> Snapshots | None:
        """All of them, once the training has come to its end."""
        states: list[dict[str, Tensor]] = []
        for epoch in self.recipe.epochs_kept():
            data = read_checked(self.folder / f"{epoch:06d}")
            if data is None:
                return None
            states.append(load(data))
        measured = [state.pop("measured") for state in states]
        accuracy, loss = (tuple(float(pair[place]) for pair in measured) for place in (0, 1))
        return Snapshots(self.name, self.seed, self.recipe.epochs_kept(), tuple(states), accuracy, loss)

    def _begin(self) -> Run:
        with drawn_apart():
            TORCH_RANDOM.manual_seed(self.seed)
            network = self.recipe.build()
        optimizer = torch.optim.SGD(network.parameters(), self.recipe.rate, momentum=self.recipe.momentum)
        noise = Randomness(self.seed)("noise")
        return Run(network, optimizer, self.recipe.epochs * self.steps_per_epoch, None, self.told, (noise,))

    @torch.no_grad()
    def _keep(self, run: Run, due: dict[int, Path]) -> None:
        """Writes the snapshot that is due after this step, if any."""
        if run.step not in due:
            return
        drawn = Randomness(self.seed)("measured", run.step)
        x, y = self.problem.kept_back()
        right = (run.model(x, drawn).argmax(1) == y).double().mean()
        x, y = self.problem.trained_on()
        measured = torch.stack([right, F.cross_entropy(run.model(x, drawn), y).double()])
        write_checked(due[run.step], save({**run.model.state_dict(), "measured": measured}))


class _Loss:
    """By step the loss of its batch, with noise of the run's generator. Every epoch's order has its own seed."""

    def __init__(self, training: NoisyTraining, run: Run) -> None:
        self.training, self.run = training, run
        self.x, self.y = training.problem.trained_on()
        self.epoch, self.order = -1, torch.empty(0)

    def __call__(self, step: int) -> Tensor:
        x, y = self._batch(step)
        recipe, network = self.training.recipe, self.run.model
        loss = F.cross_entropy(network(x, self.run.generators[0]), y)
        return loss + recipe.orthonormal * orthonormal_penalty(network) if recipe.orthonormal else loss

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        count = self.training.steps_per_epoch
        if count == 1:
            return self.x, self.y
        epoch, place = divmod(step, count)
        if epoch != self.epoch:
            drawn = Randomness(self.training.seed)("order", epoch)
            self.order, self.epoch = torch.randperm(len(self.y), generator=drawn), epoch
        rows = self.order[place * self.training.recipe.batch :][: self.training.recipe.batch]
        return self.x[rows], self.y[rows]
