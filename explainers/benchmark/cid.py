"""All ways to the CID map of one layer and picture, side by side.

The mean entropy in nats, scaled so that the constraint holds on fresh noise common to all, that each way loses against
the best of three long runs by different algorithms from different starts (ours, that of version 0.1, and plain averaged
stochastic ascent); what the result itself says of its loss; the constraint that it reports; its passes, forward ones as
a third; and its seconds, on a processor those that it has worked for this process, so that other work does not count.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explainers.benchmark.refinement_at_x import Effort as EffortAtX
from explainers.benchmark.refinement_at_x import solve_at_x
from explainers.benchmark.request import Row
from explainers.benchmark.stochastic_ascent import ascend
from explainers.cid.constraint import Estimate
from explainers.cid.descent import descend
from explainers.cid.jacobian import Function
from explainers.cid.results import CIDSettings
from explainers.cid.sampling import Sampler
from explainers.cid.solver import Effort, solve
from explainers.randomness import Randomness
from explainers.streams import last

LONG_EFFORT = Effort(stages=((16, 64), (480, 192)), enough=-math.inf)
LONG_EFFORT_AT_X = EffortAtX(rounds=3, samples=64, judge_samples=1024, rise=-math.inf)
LONG_ASCENT = 250
EQUAL, CLOSED_FORM, FIRST, REFINED = "equal noise", "closed form", "first frame", "refined"
BEFORE, PAPER, PAPER_PLAIN = "0.1", "paper", "paper, plain"
LONG, LONG_BEFORE, ASCENT = "long", "long, 0.1", "long ascent"
# Backward passes after which the refinement is looked at on its way.
BUDGETS = (64, 128, 256, 400)
SCORE_SAMPLES, SCORE_BLOCK, SCORE_TRIES = 1024, 256, 8
Way = Callable[[Sampler, Randomness], Iterator[Estimate]]


def look(budget: int) -> str:
    """What the refinement is called after `budget` backward passes."""
    return f"{REFINED}, {budget}"


def compare(h: Function, x: Tensor, shape: tuple[int, int], beta: float) -> Iterator[Row]:
    """The rows of one layer and picture: equal noise, every way, and what the refinement shows on its way."""
    settings = CIDSettings(beta=beta)
    ways: dict[str, Way] = {
        CLOSED_FORM: lambda s, r: solve(s, CIDSettings(beta=beta, refine=False), r),
        REFINED: lambda s, r: solve(s, settings, r),
        BEFORE: lambda s, r: solve_at_x(s, settings, r),
        PAPER: lambda s, r: descend(s, settings, r),
        PAPER_PLAIN: lambda s, r: descend(s, settings, r, adam=False),
        LONG: lambda s, r: solve(s, settings, r, LONG_EFFORT),
        LONG_BEFORE: lambda s, r: solve_at_x(s, settings, r, LONG_EFFORT_AT_X),
    }
    found: dict[str, Found] = {}
    for name, run in ways.items():
        found |= answers(name, h, x, shape, run, BUDGETS if name == REFINED else ())
    target = beta * found[LONG].estimate.delta_f2
    sampler = Sampler(h, x, shape)
    scores = {name: score(sampler, one.estimate.log_sigma, target) for name, one in found.items()}
    equal = sampler.uniform(beta)
    scores[EQUAL] = score(sampler, equal, target)
    start, used = equal + (scores[EQUAL] - equal.mean()), Sampler(h, x, shape)
    began = clock(x.device)
    ascended = ascend(used, start, target, LONG_ASCENT, Randomness(2))
    seconds = clock(x.device) - began
    scores[ASCENT] = score(sampler, ascended, target)
    best = max(scores.values())
    yield _row(EQUAL, best - scores[EQUAL], Cost(0, 0, 0.0))
    for name, one in found.items():
        said = one.estimate if one.ended else None
        yield _row(name, best - scores[name], one.cost, said)
    yield _row(ASCENT, best - scores[ASCENT], Cost(used.forward, used.backward, seconds))


@dataclass(frozen=True)
class Cost:
    """Passes, and seconds as `clock` counts them."""

    forward: int
    backward: int
    seconds: float


@dataclass(frozen=True)
class Found:
    """What a way shows, at its end or before, with what it has cost by then."""

    estimate: Estimate
    cost: Cost
    ended: bool


def _row(way: str, lost: float, cost: Cost, said: Estimate | None = None) -> Row:
    """What `said` holds is None where a way says nothing of it, or has not ended."""
    return {
        "way": way,
        "lost": lost,
        "said": said and number(said.loss),
        "said_error": said and number(said.loss_error),
        "constraint": said and number(said.constraint),
        "converged": said and bool(said.converged.item()),
        "forward": cost.forward,
        "backward": cost.backward,
        "passes": cost.backward + cost.forward / 3,
        "seconds": cost.seconds,
    }


def number(value: Tensor) -> float | None:
    """The value, None where it is not a number."""
    return None if value.isnan().any() else value.item()


def clock(device: torch.device) -> float:
    """Seconds: of the processor for this process, or those that pass where another device computes."""
    return time.process_time() if device.type == "cpu" else time.monotonic()


def answers(
    name: str, h: Function, x: Tensor, shape: tuple[int, int], run: Way, budgets: Sequence[int]
) -> dict[str, Found]:
    """The way's answer, and before it what it shows on its way where there are `budgets`."""
    began, sampler = clock(x.device), Sampler(h, x, shape)

    def cost() -> Cost:
        return Cost(sampler.forward, sampler.backward, clock(x.device) - began)

    shown: dict[str, Found] = {}

    def looked_at(estimate: Estimate) -> Estimate:
        reached = {look(budget) for budget in budgets if sampler.backward >= budget}
        if budgets and (estimate.log_sigma.amax() > estimate.log_sigma.amin()).item():
            reached.add(FIRST)
        for place in reached - set(shown):
            shown[place] = Found(estimate, cost(), ended=False)
        return estimate

    estimate = last(map(looked_at, run(sampler, Randomness(0))))
    # Reading a value waits for the device.
    estimate.log_sigma.sum().item()
    ordered = [place for place in (FIRST, *map(look, budgets)) if place in shown]
    return {place: shown[place] for place in ordered} | {name: Found(estimate, cost(), ended=True)}


def score(sampler: Sampler, log_sigma: Tensor, target: Tensor, samples: int = SCORE_SAMPLES) -> float:
    """Mean log σ of one picture after σ is scaled until the constraint holds on noise that no way has seen."""

    def excess(shift: float) -> float:
        energies = [
            part
            for block in range(samples // SCORE_BLOCK)
            for part in sampler.energies(log_sigma + shift, sampler.noise(SCORE_BLOCK, Randomness(1)("score", block)))
        ]
        return over(torch.cat(energies), target)

    return log_sigma.mean().item() + shift_to_meet(excess)


def over(energies: Tensor, target: Tensor) -> float:
    """By how much the mean of the energies is more than aimed at, as a logarithm."""
    return math.log(max(energies.mean().item(), 1e-30) / target.item())


def shift_to_meet(excess: Callable[[float], float]) -> float:
    """What is to be added to log σ until `excess` of it is zero.

    By the secant, kept between the last scale that was too small and the last that was too large.
    """
    low, high, shift, power, before = -math.inf, math.inf, 0.0, 2.0, None
    for _ in range(SCORE_TRIES):
        value = excess(shift)
        if before is not None and shift != before[0]:
            power = min(20.0, max(0.5, (value - before[1]) / (shift - before[0])))
        if abs(value) < 0.01:
            return shift - value / power
        low, high = (low, shift) if value > 0 else (shift, high)
        before, shift = (shift, value), shift - value / power
        if not low < shift < high:
            shift = (low + high) / 2
    return shift
