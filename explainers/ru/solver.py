r"""The noise that makes a picture hardest to recover from a layer, under CID's constraint on the layer.

.. math:: \max_\sigma \sum_i \tfrac12\log V_i,\quad V_i = \mathbb{E}(x_i - \hat x'_i)^2
          \quad\text{s.t.}\quad \mathbb{E}\|f' - f\|^2 = \beta\,\delta_f^2, \qquad \hat x' = g(h(x+\sigma\circ\delta))

The first errors are those under equal noise. σ starts from the closed form at x where that nearly meets the constraint,
else from Jacobians under the noise (`cid/noise_start.py`), and `ascent.py` follows until the loss that it can still see
is small; where the error is the decoder's own there is nothing to follow. The best that was met (`answer.py`) is
scaled until the constraint holds on noise drawn after the scaling, and the map comes from that noise.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from explainers.cid.closed_form import ROUND, SquareColumns, closed_form, square_columns
from explainers.cid.constraint import CONSTRAINT_TOLERANCE, Estimate, check
from explainers.cid.nearness import SETTLED, near_end
from explainers.cid.noise_start import SCALINGS, noise_start
from explainers.cid.pace import AllTrue
from explainers.cid.records import choose
from explainers.cid.results import CIDSettings
from explainers.cid.sampling import Sampler
from explainers.cid.solver import CHECK_SAMPLES
from explainers.randomness import Randomness
from explainers.ru.answer import FINAL_SAMPLES, best_of, certified
from explainers.ru.ascent import Ascent
from explainers.ru.reconstruction import (
    Reconstruction,
    at_constraint,
    enough,
    entropy_logarithm,
    measured,
    own_errors,
    pairs,
)
from explainers.ru.sampling import ReconstructionSampler
from explainers.streams import meanwhile, relay

FIRST_SAMPLES, JUDGE_SAMPLES = 16, 64
# |log constraint| of a closed form at x that is a place to start from: better ones are found from there.
NEAR = 1.4
# Backward passes at x at least, and how well ½ log δ_f², all that is wanted of them, has to be known.
LEAST_PASSES, NORM_ERROR = 32, CONSTRAINT_TOLERANCE
# Rounds between two looks at what is lost, how many looks, and the loss that is small enough for no more of them.
ROUNDS, LOOKS, SMALL_LOSS = 4, 4, 0.005
# Looks where nothing can be said of the loss.
MOST_LOOKS = 8
# Of a nat, by which the noise moves a pixel's entropy on average: with less, σ does not matter.
SMALL_SHARE = 0.01
# As so many times what the noise adds so far, what is left to gain counts before it has been looked at; at ResNet-20's
# `layer3.2` it is about twice that.
LARGEST_GAIN = 3.0


def solve(
    sampler: Sampler, decoded: ReconstructionSampler, settings: CIDSettings, randomness: Randomness
) -> Iterator[Reconstruction]:
    """Solutions that sharpen; the last one is the answer, with everything measured on noise drawn after it."""
    if not settings.refine:
        yield from _closed_form(sampler, decoded, settings, randomness)
        return
    flat = _equal(sampler, decoded, settings, randomness)
    yield flat

    def normed(columns: SquareColumns) -> Reconstruction:
        norm, error, progress = columns.delta_f2, columns.mean_error, 0.15 * columns.progress
        return replace(flat, estimate=replace(flat.estimate, delta_f2=norm, mean_error=error, progress=progress))

    columns = yield from relay(_norm(sampler, settings, randomness), normed)
    now = normed(columns)
    target = settings.beta * columns.delta_f2
    constant = target == 0
    target = torch.where(constant, 1, target)
    starts: list[Estimate] = []
    for started in noise_start(sampler, now.estimate, target, randomness):
        starts.append(started)
        yield replace(now, estimate=replace(now.estimate, progress=0.15 + started.progress / 5))
    now = replace(now, estimate=replace(now.estimate, progress=0.2))
    equal, started = starts[SCALINGS - 1], starts[-1]
    own, samples = own_errors(decoded), enough(decoded, JUDGE_SAMPLES, 1024)
    at_x = closed_form(columns, settings.beta)
    found = yield from meanwhile(measured(decoded, at_x.log_sigma, samples, randomness("at x")), now)
    # What sleeps at x and is awake under the noise has no influence there.
    awake = (started.bounded & ~at_x.bounded).flatten(1).any(1)
    near = ((found.energies.mean(0) / target).log().abs() <= NEAR) & ~awake
    started = choose(near, at_x, started)
    first = replace(now, estimate=replace(started, stage="refinement", progress=0.25))
    found = yield from meanwhile(measured(decoded, first.estimate.log_sigma, samples, randomness("judge")), now)
    first = at_constraint(found, first, own, target)
    # Where the error is the decoder's own in every pixel there is nothing to gain by another σ.
    moved = _moved(first.square_errors, own)
    settled = constant | (moved <= SMALL_SHARE)
    estimate = replace(first.estimate, loss=torch.where(settled, moved, torch.nan), loss_error=torch.zeros_like(moved))

    def shown(solution: Reconstruction) -> Reconstruction:
        return replace(solution, error=_possible(solution, own))

    now = first = replace(first, estimate=estimate)
    yield shown(first)
    if not settled.all():
        now = yield from relay(_climb(sampler, decoded, first, target, settled, randomness), shown)
        same = replace(first, estimate=replace(now.estimate, log_sigma=equal.log_sigma))
        now = yield from relay(best_of(decoded, [now, first, same], settled, target, randomness), shown)
    yield from certified(sampler, decoded, now, target, constant, randomness)


def _equal(
    sampler: Sampler, decoded: ReconstructionSampler, settings: CIDSettings, randomness: Randomness
) -> Reconstruction:
    """Errors under the equal σ that meets the constraint of a linear h."""
    flat = sampler.uniform(settings.beta)
    errors = torch.zeros_like(decoded.picture)
    for _, part in decoded.errors(flat, pairs(decoded, FIRST_SAMPLES, randomness("first"))):
        errors = errors + part / FIRST_SAMPLES
    unknown = torch.full_like(sampler.x[:, 0, 0, 0], torch.nan)
    nothing = SquareColumns(torch.ones_like(flat), torch.zeros_like(flat), unknown, unknown, 0.0, 0)
    estimate = replace(closed_form(nothing, settings.beta), log_sigma=flat)
    return Reconstruction(estimate, errors, _gain(errors, own_errors(decoded)) + SETTLED)


def _moved(errors: Tensor, own: Tensor) -> Tensor:
    """By how much the noise moves the entropy of a pixel from that of the decoder's own error, on average, (B,)."""
    return 0.5 * (entropy_logarithm(errors) - entropy_logarithm(own)).abs().mean(1)


def _norm(sampler: Sampler, settings: CIDSettings, randomness: Randomness) -> Iterator[SquareColumns]:
    """δ_f², as well as it has to be known."""
    known, finished = None, AllTrue()
    settled = torch.zeros(len(sampler.x), dtype=torch.bool, device=sampler.x.device)
    for columns in square_columns(sampler, settings.probes, randomness):
        known = columns if known is None else choose(settled, known, columns)
        yield known
        # The first directions are those in which noise moves h most: of the others they say nothing.
        if columns.progress < 1 and (columns.passes < LEAST_PASSES or columns.passes % ROUND):
            continue
        settled = settled | (columns.mean_error <= NORM_ERROR)
        if finished(settled):
            return


def _climb(
    sampler: Sampler,
    decoded: ReconstructionSampler,
    start: Reconstruction,
    target: Tensor,
    done: Tensor,
    randomness: Randomness,
) -> Iterator[Reconstruction]:
    """Rounds of the update with looks at what is lost, until that is small or the rounds are spent.

    Pictures that are `done` (B,) are left as they are.
    """
    astray, small = torch.zeros_like(done), AllTrue()
    ascent, best, progress = Ascent(sampler, decoded, start, target, randomness), start, 0.25
    for look in range(MOST_LOOKS):
        for place in range(ROUNDS):
            progress = 0.25 + 0.6 * (look * ROUNDS + place) / (MOST_LOOKS * ROUNDS)
            for now in ascent.round():
                yield _at(choose(done, best, now), progress)
        found = ascent.answer
        # Where the products did not tell what the noise does, near the start apart, they agree with it by chance later.
        if look:
            astray = astray | found.estimate.loss.isnan()
        loss = torch.where(astray, torch.nan, found.estimate.loss)
        best = choose(done, best, replace(found, estimate=replace(found.estimate, loss=loss)))
        yield _at(best, progress)
        loss = best.estimate.loss + 2 * best.estimate.loss_error
        done = done | (loss <= (SMALL_LOSS if look + 1 < LOOKS else torch.inf))
        if small(done):
            return


def _at(found: Reconstruction, progress: float) -> Reconstruction:
    return replace(found, estimate=replace(found.estimate, progress=progress))


def _possible(found: Reconstruction, own: Tensor) -> Tensor:
    """How far the mean of a preview may be from the end's, (B,): by its samples, and by what is left to gain."""
    loss = found.estimate.loss + 2 * found.estimate.loss_error
    return near_end(found.error) + torch.where(loss.isnan(), _gain(found.square_errors, own), loss)


def _gain(errors: Tensor, own: Tensor) -> Tensor:
    """What may be left to gain before that has been looked at, (B,): the hardest noise adds more than equal noise."""
    return LARGEST_GAIN * _moved(errors, own)


def _closed_form(
    sampler: Sampler, decoded: ReconstructionSampler, settings: CIDSettings, randomness: Randomness
) -> Iterator[Reconstruction]:
    """CID's own noise for a linear h, and whether it meets the constraint."""
    now = _equal(sampler, decoded, settings, randomness)
    yield now

    def shown(estimate: Estimate) -> Reconstruction:
        return replace(now, estimate=replace(estimate, progress=0.5 * estimate.progress))

    work = square_columns(sampler, settings.probes, randomness)
    columns = yield from relay(work, lambda columns: shown(closed_form(columns, settings.beta)))
    target = settings.beta * columns.delta_f2
    constant = target == 0
    target = torch.where(constant, 1, target)
    estimate = replace(closed_form(columns, settings.beta), progress=1.0)
    checked = yield from relay(check(sampler, estimate, target, CHECK_SAMPLES, randomness), shown)
    estimate = replace(checked, converged=constant | checked.holds, progress=0.9)
    work = measured(decoded, estimate.log_sigma, enough(decoded, *FINAL_SAMPLES), randomness("final"))
    found = yield from meanwhile(work, replace(now, estimate=estimate))
    own = own_errors(decoded)
    estimate = replace(estimate, largest_share=found.largest_share, stage="done", progress=1.0)
    yield Reconstruction(estimate, found.errors.mean(0), found.error(own))
