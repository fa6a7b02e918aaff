r"""The constrained maximum-entropy problem, for any function h.

.. math:: \max_\sigma \frac1n\sum_c \log\sigma_c \quad\text{subject to}\quad
          \mathbb{E}_\delta\|h(x+\sigma\circ\delta) - h(x)\|^2 = \beta\,\delta_f^2

Two stages, one answer. The closed form of `closed_form.py` comes first. Where fresh noise shows that the
constraint does not hold with it, h is not linear on the scale of σ: `refinement.py` follows, and the
result is scaled until the constraint holds on noise that nothing was fitted to. Pictures of a batch
finish one by one and every draw is found by its place, so a picture's map is the same alone and in company.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from explainers.closed_form import closed_form, square_columns
from explainers.constraint import BLOCK, CONSTRAINT_TOLERANCE, Estimate, check, measure
from explainers.randomness import Randomness
from explainers.records import choose
from explainers.refinement import STANDARD, Effort, refine
from explainers.results import CIDSettings
from explainers.sampling import Sampler

CHECK_SAMPLES, CERTIFY_SAMPLES, CERTIFY_TRIES = 256, 512, 6


def solve(
    sampler: Sampler, settings: CIDSettings, randomness: Randomness, effort: Effort = STANDARD
) -> Iterator[Estimate]:
    """Estimates, each sharper than the one before; the last one is the answer."""
    for columns in square_columns(sampler, settings.probes, randomness):
        estimate = closed_form(columns, settings.beta)
        yield replace(estimate, progress=0.2 * columns.progress)
    target = settings.beta * columns.delta_f2
    # A constant h permits any noise, so there is nothing to measure.
    constant = target == 0
    target = torch.where(constant, 1, target)
    for estimate in check(sampler, estimate, target, CHECK_SAMPLES, randomness):
        estimate = replace(estimate, progress=0.25)
        yield estimate
    awake = _awake(sampler, estimate, randomness)
    finished = constant | (_is_linear(estimate) & ~awake)
    if settings.refine and not finished.all():
        refined = estimate
        for refined in refine(sampler, estimate, target, finished, randomness, effort):
            yield choose(finished, estimate, refined)
        for certified in certify(sampler, refined, target, finished, randomness):
            yield choose(finished, estimate, certified)
        estimate = choose(finished, estimate, certified)
    converged = constant | (estimate.holds & (finished | estimate.converged))
    yield replace(estimate, converged=converged, stage="done", progress=1.0)


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
    samples: int = CERTIFY_SAMPLES,
    place: str = "certify",
    accuracy: float = CONSTRAINT_TOLERANCE / 4,
) -> Iterator[Estimate]:
    """Scale σ by what was measured until the constraint holds on noise drawn after the scaling.

    `target` is β δ_f² (B,); pictures that are `finished` (B,) are left as they are.
    """
    before: Estimate | None = None
    for trial in range(CERTIFY_TRIES):
        count = samples * 2 ** (trial // 2)
        for measured in measure(sampler, estimate, target, count, randomness, f"{place} {trial}", accuracy):
            yield replace(choose(finished, estimate, measured), progress=0.9 + 0.1 * trial / CERTIFY_TRIES)
        estimate = choose(finished, estimate, measured)
        finished = finished | estimate.holds
        if finished.all():
            return
        if before is not None:
            # The power law between the last two trials: steeper in places than its derivative under noise.
            rise = (estimate.constraint / before.constraint).log()
            step = (estimate.mean_log_sigma - before.mean_log_sigma).where(~finished, 1)
            growth = (rise / step).nan_to_num(2.0).clamp(1, 16)
            estimate = replace(estimate, growth=torch.where(finished, estimate.growth, growth))
        before = estimate
        rescaled = estimate.log_sigma - (estimate.constraint.log() / estimate.growth).view(-1, 1, 1, 1)
        estimate = choose(finished, estimate, replace(estimate, log_sigma=rescaled))
