"""All ways to the CID map of one layer and picture, side by side.

The mean entropy in nats, scaled so that the constraint holds on fresh noise common to all, that each way loses against
the best of three long runs by different algorithms from different starts (ours, that of version 0.1, and plain averaged
stochastic ascent); what the result itself says of its loss; the constraint that it reports; its passes, forward ones as
a third; and its time as a ratio to the closed form's.
"""

import math
import time
from collections.abc import Callable, Iterator
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
# Backward passes after which the refinement is looked at on its way.
BUDGETS = (64, 128, 256, 400)
SCORE_SAMPLES, SCORE_BLOCK, SCORE_TRIES = 1024, 256, 8
Way = Callable[[Sampler, Randomness], Iterator[Estimate]]


def compare(h: Function, x: Tensor, shape: tuple[int, int], beta: float) -> Iterator[Row]:
    """The rows of one layer and picture."""
    settings = CIDSettings(beta=beta)
    ways: dict[str, Way] = {
        "closed form": lambda s, r: solve(s, CIDSettings(beta=beta, refine=False), r),
        "refined": lambda s, r: solve(s, settings, r),
        "0.1": lambda s, r: solve_at_x(s, settings, r),
        "paper": lambda s, r: descend(s, settings, r),
        "paper, plain": lambda s, r: descend(s, settings, r, adam=False),
        "long": lambda s, r: solve(s, settings, r, LONG_EFFORT),
        "long, 0.1": lambda s, r: solve_at_x(s, settings, r, LONG_EFFORT_AT_X),
    }
    found = {name: _timed(h, x, shape, run) for name, run in ways.items()}
    target = beta * found["long"][0].delta_f2
    scores = {name: score(Sampler(h, x, shape), one[0].log_sigma, target) for name, one in found.items()}
    for place, frame in frames(h, x, shape, settings).items():
        name = "first frame" if place == 0 else f"refined, {place}"
        found[name], scores[name] = frame, score(Sampler(h, x, shape), frame[0].log_sigma, target)
    sampler = Sampler(h, x, shape)
    scores["ascent"] = score(sampler, _ascended(sampler, beta, target), target)
    best, unit = max(scores.values()), found["closed form"][2]
    for name, (estimate, cost, seconds) in found.items():
        yield {
            "way": name,
            "lost": best - scores[name],
            "said": _number(estimate.loss),
            "said_error": _number(estimate.loss_error),
            "constraint": _number(estimate.constraint),
            "backward": cost.backward,
            "passes": cost.backward + cost.forward / 3,
            "time": seconds / unit,
        }
    passes = LONG_ASCENT * 16 * 4 / 3
    yield {"way": "long ascent", "lost": best - scores["ascent"], "said": None, "said_error": None} | {
        "constraint": None,
        "backward": LONG_ASCENT * 16,
        "passes": passes,
        "time": None,
    }


def _ascended(sampler: Sampler, beta: float, target: Tensor) -> Tensor:
    log_sigma = sampler.uniform(beta)
    log_sigma = log_sigma + (score(sampler, log_sigma, target) - log_sigma.mean())
    return ascend(sampler, log_sigma, target, LONG_ASCENT, Randomness(2))


def _number(value: Tensor) -> float | None:
    return None if value.isnan().any() else value.item()


@dataclass(frozen=True)
class Cost:
    """Passes so far."""

    forward: int
    backward: int


def frames(
    h: Function, x: Tensor, shape: tuple[int, int], settings: CIDSettings
) -> dict[int, tuple[Estimate, Cost, float]]:
    """What a refinement shows on its way, with its cost: after the backward passes of `BUDGETS`.

    At 0 is the first frame that has more than equal noise.
    """
    start, sampler = time.monotonic(), Sampler(h, x, shape)
    shown: dict[int, tuple[Estimate, Cost, float]] = {}
    for estimate in solve(sampler, settings, Randomness(0)):
        reached = {budget for budget in BUDGETS if sampler.backward >= budget}
        if (estimate.log_sigma.amax() > estimate.log_sigma.amin()).item():
            reached.add(0)
        for budget in reached - set(shown):
            shown[budget] = estimate, Cost(sampler.forward, sampler.backward), time.monotonic() - start
    return dict(sorted(shown.items()))


def _timed(h: Function, x: Tensor, shape: tuple[int, int], run: Way) -> tuple[Estimate, Cost, float]:
    start = time.monotonic()
    sampler = Sampler(h, x, shape)
    estimate = last(run(sampler, Randomness(0)))
    # Reading a value waits for the device.
    estimate.log_sigma.sum().item()
    return estimate, Cost(sampler.forward, sampler.backward), time.monotonic() - start


def score(sampler: Sampler, log_sigma: Tensor, target: Tensor, samples: int = SCORE_SAMPLES) -> float:
    """Mean log σ of one picture after σ is scaled until the constraint holds on noise that no way has seen.

    By the secant of log E, kept between the last scale that was too small and the last that was too large.
    """

    def excess(shift: float) -> float:
        energies = [
            part
            for block in range(samples // SCORE_BLOCK)
            for part in sampler.energies(log_sigma + shift, sampler.noise(SCORE_BLOCK, Randomness(1)("score", block)))
        ]
        return math.log(max(torch.cat(energies).mean().item(), 1e-30) / target.item())

    low, high, shift, power, before = -math.inf, math.inf, 0.0, 2.0, None
    for _ in range(SCORE_TRIES):
        value = excess(shift)
        if before is not None and shift != before[0]:
            power = min(20.0, max(0.5, (value - before[1]) / (shift - before[0])))
        if abs(value) < 0.01:
            return log_sigma.mean().item() + shift - value / power
        low, high = (low, shift) if value > 0 else (shift, high)
        before, shift = (shift, value), shift - value / power
        if not low < shift < high:
            shift = (low + high) / 2
    return log_sigma.mean().item() + shift
