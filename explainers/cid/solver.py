r"""The constrained maximum-entropy problem, for any function h.

.. math:: \max_\sigma \frac1n\sum_c \log\sigma_c \quad\text{subject to}\quad
          \mathbb{E}_\delta\|h(x+\sigma\circ\delta) - h(x)\|^2 = \beta\,\delta_f^2

Two stages, one answer. Where h is linear on the scale of the noise the closed form of `closed_form.py` is the
answer. Where a few pairs of passes (`curvature.py`) or the constraint on fresh noise show that it is not, σ starts
from Jacobians under the noise (`noise_start.py`), or from a closed form that nearly meets the constraint, and
`refinement.py` follows until the loss that `optimality.py` can still see is small or the passes are spent; the result
is scaled by what the last look says, until the constraint holds on that noise together with more that nothing was
fitted to. Pictures of a batch take their ways one by one and every draw is found by its place, so a picture's map is
the same alone and in company.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explainers.cid.closed_form import ERROR_TOLERANCE, ROUND, closed_form, square_columns
from explainers.cid.constraint import BLOCK, CONSTRAINT_TOLERANCE, Estimate, check, measure
from explainers.cid.curvature import LINEAR_TOLERANCE, bend, nearly_linear_loss
from explainers.cid.moments import Moments
from explainers.cid.nearness import STARTED, near_answer, near_closed_form, near_refined
from explainers.cid.noise_start import noise_start
from explainers.cid.optimality import bound_loss, roughly_bounded
from explainers.cid.pace import AllTrue
from explainers.cid.records import choose
from explainers.cid.refinement import Refinement
from explainers.cid.results import HEAVY_TAIL, LOSS_TOLERANCE, CIDSettings
from explainers.cid.sampling import Sampler
from explainers.randomness import Randomness
from explainers.streams import relay

CHECK_SAMPLES, CERTIFY_SAMPLES, CERTIFY_TRIES = 256, 448, 6
# Of the constraint: noise of which a part already tells so much needs no more.
CERTIFY_ACCURACY = CONSTRAINT_TOLERANCE / 4
# Backward passes at x before the question is asked whether h is curved; and at most, where only δ_f² is wanted of them.
LOOK_PASSES, TOTAL_PASSES = 32, 96
HOPEFUL = 0.5
# |log constraint| of a closed form that is no place to start from.
FAR = 0.25


@dataclass(frozen=True)
class Effort:
    """How long to refine: so many steps of eight samples, and so many samples for a look at what is lost, by turns.

    A picture whose loss is known to be below `enough` at a look is finished. Before the last one there is no look where
    the steps themselves leave no hope of that: where they say more than `HOPEFUL` of it.
    """

    stages: tuple[tuple[int, int], ...] = ((16, 64), (32, 256))
    enough: float = 0.005


STANDARD = Effort()


def solve(
    sampler: Sampler, settings: CIDSettings, randomness: Randomness, effort: Effort | None = None
) -> Iterator[Estimate]:
    """Estimates, each sharper than the one before; the last one is the answer. Without `effort` that is `STANDARD`."""
    effort = effort or STANDARD
    at_x = yield from relay(_at_x(sampler, settings, randomness), lambda found: found.frame(found.estimate))
    estimate, curved, cost = at_x.estimate, at_x.curved, at_x.cost
    # A constant h permits any noise, so there is nothing to measure.
    target, constant = _target(estimate, settings)
    linear, estimate = constant, replace(estimate, stage="probes", progress=0.2)
    if not curved.all():
        checks = check(sampler, estimate, target, CHECK_SAMPLES, randomness)
        checked = (choose(curved, estimate, checked) for checked in checks)
        estimate = yield from relay(checked, at_x.frame)
        linear = constant | (~curved & _is_linear(estimate) & ~_awake(sampler, estimate, randomness))
        curved = curved | ((estimate.constraint.log().abs() > FAR) & ~linear & settings.refine)
        loss, error = nearly_linear_loss(cost, estimate.apart, sampler.f.shape[1])
        loss, error = (torch.where(linear, value.where(~constant, 0), torch.nan) for value in (loss, error))
        estimate = replace(estimate, loss=loss, loss_error=error)
    if settings.refine and not linear.all():
        gap = torch.where(curved, STARTED, at_x.frame(estimate).mean_error)
        if curved.any():
            flat = replace(
                estimate, log_sigma=sampler.uniform(settings.beta), bounded=torch.ones_like(estimate.bounded)
            )
            starts = noise_start(sampler, flat, target, randomness)
            started = (choose(curved, start, estimate) for start in starts)
            estimate = yield from relay(started, lambda start: replace(start, stage="start"))
        refined = yield from _refine(sampler, estimate, target, linear, gap, randomness, effort)
        estimate = replace(refined, mean_error=torch.where(linear, refined.mean_error, refined.scale_error))
    heavy = estimate.largest_share > HEAVY_TAIL
    near = estimate.loss + 2 * estimate.loss_error <= LOSS_TOLERANCE
    yield replace(estimate, converged=constant | (estimate.holds & near & ~heavy), stage="done", progress=1.0)


@dataclass(frozen=True)
class AtX:
    """What the Jacobian at x has told so far: the closed form, and of every picture (B,) whether h is `curved`.

    With it the mean entropy that errors of G `cost` a linear h, and h's `bend`, 0 where that was not asked for.
    """

    estimate: Estimate
    curved: Tensor
    cost: Tensor
    bend: Tensor

    def frame(self, estimate: Estimate) -> Estimate:
        """The closed form, perhaps with its constraint, and how far its mean may be from the end's."""
        bend = torch.where(estimate.constraint.isnan(), self.bend, estimate.constraint - 1)
        return near_closed_form(estimate, self.cost, bend)


def _at_x(sampler: Sampler, settings: CIDSettings, randomness: Randomness) -> Iterator[AtX]:
    """What the Jacobian at x says: δ_f², and the closed form where h may be linear.

    Nothing is shown of the closed form before that is known, and of a curved picture only δ_f² is asked for: σ is equal
    in all cells then, and the stage "start".
    """
    known, flat = None, sampler.uniform(settings.beta)
    curved = settled = torch.zeros(len(flat), dtype=torch.bool, device=flat.device)
    bent = apart = torch.zeros_like(flat[:, 0, 0, 0])
    looked, finished = not settings.refine, AllTrue()
    stage = "probes" if looked else "start"
    for columns in square_columns(sampler, settings.probes, randomness):
        known = columns if known is None else choose(settled, known, columns)
        estimate = closed_form(known, settings.beta)
        whole = columns.passes % ROUND == 0 or columns.progress >= 1
        if not looked and whole and (columns.passes >= LOOK_PASSES or columns.progress >= 1):
            (bent, apart), looked = bend(sampler, estimate.log_sigma, randomness), True
            curved = bent.abs() > LINEAR_TOLERANCE
            stage = "start" if curved.any() else "probes"
        shown = torch.where((curved | (not looked)).view(-1, 1, 1, 1), flat, estimate.log_sigma)
        estimate = replace(estimate, log_sigma=shown, apart=apart, stage=stage, progress=0.2 * columns.progress)
        yield AtX(estimate, curved, known.loss, bent)
        if not (looked and whole):
            continue
        settled = settled | curved & ((columns.mean_error <= ERROR_TOLERANCE) | (columns.passes >= TOTAL_PASSES))
        if finished(settled):
            return


def _target(estimate: Estimate, settings: CIDSettings) -> tuple[Tensor, Tensor]:
    """β δ_f² (B,), and where it is zero (there 1)."""
    target = settings.beta * estimate.delta_f2
    constant = target == 0
    return torch.where(constant, 1, target), constant


def _refine(
    sampler: Sampler,
    start: Estimate,
    target: Tensor,
    finished: Tensor,
    gap: Tensor,
    randomness: Randomness,
    effort: Effort,
) -> Generator[Estimate, None, Estimate]:
    """Steps and looks by turns, then the constraint; pictures that are `finished` (B,) are left as they are.

    `gap` (B,) is how far the mean of the start may be from the end's.
    """

    def frame(progress: float) -> Estimate:
        settled = choose(finished, start, near_answer(answer))
        found = choose(done, settled, near_refined(refinement, gap))
        return replace(found, stage="refinement", progress=progress)

    refinement, answer, done = Refinement(sampler, start, target, randomness), start, finished
    total, before, progress = sum(steps for steps, _ in effort.stages), 0, 0.25
    for place, (steps, samples) in enumerate(effort.stages):
        for step in range(before, before + steps):
            progress = 0.25 + 0.65 * step / total
            for _ in refinement.step():
                yield frame(progress)
        before += steps
        hopeful = torch.ones_like(done)
        if place + 1 < len(effort.stages):
            hopeful = roughly_bounded(refinement.answer, refinement.residuals) <= HOPEFUL * effort.enough
            if not (hopeful & ~done).any():
                continue
        looks = bound_loss(sampler, refinement.answer, target, samples, randomness, place)
        shown = frame(progress)
        looked = yield from relay(looks, lambda _, shown=shown: shown)
        answer = choose(done, answer, looked)
        done = done | hopeful & (answer.loss + 2 * answer.loss_error <= effort.enough)
        if done.all():
            break
    certified = certify(sampler, answer, target, finished, randomness)
    last = yield from relay(certified, lambda found: choose(finished, start, near_answer(found)))
    return choose(finished, start, last)


def _is_linear(estimate: Estimate) -> Tensor:
    """The constraint holds with the closed form, and was measured well enough to know."""
    gap = (estimate.constraint - 1).abs()
    return (gap <= CONSTRAINT_TOLERANCE) & (estimate.constraint_error <= CONSTRAINT_TOLERANCE)


def _awake(sampler: Sampler, estimate: Estimate, randomness: Randomness) -> Tensor:
    """Where a cell without influence at x has some within the noise, (B,): it is not unused after all."""
    awake = torch.zeros_like(estimate.constraint, dtype=torch.bool)
    if not estimate.bounded.all():
        noise = sampler.noise(BLOCK, randomness("awake"))
        for _, gradient in sampler.energy_gradients(estimate.log_sigma, noise):
            awake |= (~estimate.bounded & (gradient != 0)).any(0).flatten(1).any(1)
    return awake


def certify(
    sampler: Sampler,
    estimate: Estimate,
    target: Tensor,
    finished: Tensor,
    randomness: Randomness,
    samples: int | None = None,
    place: str = "certify",
    accuracy: float | Tensor | None = None,
) -> Iterator[Estimate]:
    """Scale σ by what was measured until the constraint holds on noise drawn after the scaling.

    What is `known` of the first scale counts with that noise: it had no part in the shape of σ.

    `target` is β δ_f² (B,); pictures that are `finished` (B,) are left as they are. Without more, `samples` are
    `CERTIFY_SAMPLES` and the `accuracy` of the constraint that ends them early is `CERTIFY_ACCURACY`.
    """
    samples = CERTIFY_SAMPLES if samples is None else samples
    accuracy = CERTIFY_ACCURACY if accuracy is None else accuracy
    before: Estimate | None = None
    for trial in range(CERTIFY_TRIES):
        count = samples * 2 ** (trial // 2)
        estimate = replace(estimate, progress=0.9 + 0.1 * trial / CERTIFY_TRIES)
        measured = measure(sampler, estimate, target, count, randomness, f"{place} {trial}", accuracy)
        estimate = yield from relay(choose(finished, estimate, one) for one in measured)
        finished = finished | estimate.holds
        if finished.all():
            return
        if before is not None:
            estimate = with_growth_between(before, estimate, finished)
        before = estimate
        log_sigma = estimate.log_sigma - (estimate.constraint.log() / estimate.growth).view(-1, 1, 1, 1)
        rescaled = replace(estimate, log_sigma=log_sigma, known=Moments.none(target))
        estimate = choose(finished, estimate, rescaled)


def with_growth_between(before: Estimate, after: Estimate, finished: Tensor) -> Estimate:
    """`after` with the power law between two scales of σ: steeper in places than its derivative under noise.

    Pictures that are `finished` (B,) keep theirs.
    """
    rise = (after.constraint / before.constraint).log()
    step = (after.mean_log_sigma - before.mean_log_sigma).where(~finished, 1)
    growth = (rise / step).nan_to_num(2.0).clamp(1, 16)
    # Two trials that differ by no more than their noise say nothing of it.
    noise = torch.hypot(after.constraint_error / after.constraint, before.constraint_error / before.constraint)
    told = ~finished & (rise.abs() > 4 * noise)
    return replace(after, growth=torch.where(told, growth, after.growth))
