"""A training that may be stopped between any two steps and goes on as an unbroken one would have.

For networks and decoders alike: one cycle of the learning rate, a checkpoint every so often.
"""

import io
import math
import pickle
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from explainers.nested import is_mapping
from explainers.storage.whole_files import read_checked, write_checked

# A checkpoint is written once so many seconds have passed since the last: what a crash or a step broken off may cost.
# Large ones take long: writing may take a twentieth of the time.
STORE_EVERY, STORE_SHARE = 3.0, 20
KEYS = {"model", "optimizer", "schedule", "generators", "step", "loss", "recipe"}


@dataclass(frozen=True)
class Progress:
    """`loss` is the running mean over about twenty steps, `remaining` is in seconds.

    `unkept` where what has been learnt so far could not be written down: the disk is full or read-only.
    """

    step: int
    steps: int
    loss: float
    remaining: float
    unkept: bool = False


class Run:
    """The training of a model as far as it has come: `step` of `steps`, and the running mean of the loss.

    The learning rate rises to the optimiser's during the share `rising` of the steps, then falls; with None it stays
    the optimiser's. `recipe` names all that the outcome depends on. What a step draws depends on its number, or on
    `generators`, which are stored too.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        steps: int,
        rising: float | None,
        recipe: str,
        generators: Sequence[torch.Generator] = (),
    ) -> None:
        self.model, self.optimizer = model, optimizer
        self.schedule = _schedule(optimizer, steps, rising)
        self._parts = {"model": model, "optimizer": optimizer, "schedule": self.schedule}
        self.steps, self.recipe, self.generators = steps, recipe, generators
        self.step, self.loss = 0, math.nan
        self.checkpoint: Path | None = None

    def train(self, loss: Callable[[int], Tensor]) -> Generator[Progress, None, None]:
        """Steps down `loss(step)`, a scalar; one item each. Whoever stops iterating stops the training, which is kept.

        A disk that refuses checkpoints does not end it.
        """
        self.model.train()
        start, first = time.monotonic(), self.step
        due, unkept = start + STORE_EVERY, False
        try:
            while self.step < self.steps:
                self._advance(loss(self.step))
                now = time.monotonic()
                if self.checkpoint is not None and now >= due:
                    unkept = not self.store()
                    due = now + max(STORE_EVERY, STORE_SHARE * (time.monotonic() - now))
                left = (now - start) / (self.step - first) * (self.steps - self.step)
                yield Progress(self.step, self.steps, self.loss, left, unkept)
        except GeneratorExit:
            # Between two steps the run is whole; one that is broken off in the middle is not.
            self.store()
            raise

    def _advance(self, loss: Tensor) -> None:
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        value = loss.item()
        self.loss = value if math.isnan(self.loss) else 0.95 * self.loss + 0.05 * value

    def resume(self, path: Path) -> None:
        """Goes on where that file says, and stores there; a damaged file or another recipe's is passed over."""
        self.checkpoint = path
        state = read_checkpoint(path, next(self.model.parameters()).device)
        # Checkpoints of networks did not name their recipe once.
        told = None if state is None else (state["schedule"]["total_steps"], state["recipe"])
        if state is None or told not in ((self.steps, self.recipe), (self.steps, None)):
            return
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        for generator, drawn in zip(self.generators, state["generators"], strict=False):
            generator.set_state(drawn.cpu())
        self.step, self.loss = state["step"], state["loss"]

    def store(self) -> bool:
        """Writes the run down where it was resumed from; whether there is such a place and the disk took it."""
        if self.checkpoint is None:
            return False
        state: dict[str, Any] = {name: part.state_dict() for name, part in self._parts.items()}
        state["generators"] = [generator.get_state() for generator in self.generators]
        state |= {"step": self.step, "loss": self.loss, "recipe": self.recipe}
        # Written to memory first: on a full disk torch's own writer raises what nobody can tell from a mistake.
        buffer = io.BytesIO()
        torch.save(state, buffer)
        try:
            write_checked(self.checkpoint, buffer.getvalue())
        except OSError:
            return False
        return True


def _schedule(optimizer: torch.optim.Optimizer, steps: int, rising: float | None) -> OneCycleLR:
    cycle = partial(OneCycleLR, optimizer, optimizer.defaults["lr"], total_steps=steps)
    if rising is None:
        return cycle(div_factor=1, final_div_factor=1, cycle_momentum=False)
    # PyTorch divides by zero where the rise is one step.
    return cycle(pct_start=1.5 / steps if rising * steps == 1 else rising)


def read_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any] | None:
    """What a stopped training left; None where there is no such file, it is none of ours or it is damaged."""
    data = read_checked(path)
    if data is None:
        return None
    try:
        state = torch.load(io.BytesIO(data), weights_only=True, map_location=device)
    except (RuntimeError, EOFError, pickle.UnpicklingError):
        return None
    state = _renewed(state) if is_mapping(state) else {}
    return state if state.keys() == KEYS else None


def _renewed(state: Mapping[Any, Any]) -> dict[str, Any]:
    """A checkpoint of before one loop trained networks ("net", "epoch") and decoders, in today's words."""
    if set(state) == {"net", "optimizer", "schedule", "epoch"}:
        state = {**state, "step": state["schedule"]["last_epoch"], "loss": math.nan, "recipe": None}
        del state["epoch"]
    state = {"model" if key in ("net", "decoder") else key: value for key, value in state.items()}
    return {"generators": [], **state}
