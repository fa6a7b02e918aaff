"""From what the ascent has found to the answer: the best on its way, at a constraint that holds on fresh noise."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from explainers.cid.nearness import near_end
from explainers.cid.records import choose
from explainers.cid.results import HEAVY_TAIL, LOSS_TOLERANCE
from explainers.cid.sampling import Sampler
from explainers.cid.solver import certify, with_growth_between
from explainers.randomness import Randomness
from explainers.ru.reconstruction import (
    Reconstruction,
    at_constraint,
    enough,
    mean_logarithm,
    measured,
    own_errors,
    own_part,
)
from explainers.ru.sampling import ReconstructionSampler
from explainers.streams import meanwhile, relay

# Where between the ascent's answer (0) and its start (1) the best σ is looked for, and how many nats less are as good.
WAY, ENDS = (0.0, 0.25, 0.5, 0.75, 1.0), (0, 4)
SLACK, WAY_SAMPLES = 0.003, 64
# With the layer alone, to come near; then with the decoder, for large and for small pictures, and how often at most.
APPROACH_SAMPLES, FINAL_SAMPLES, FINAL_TRIES = 64, (512, 8192), 5
FINAL_PIXELS = 1 << 20


def best_of(
    decoded: ReconstructionSampler,
    found: list[Reconstruction],
    settled: Tensor,
    target: Tensor,
    randomness: Randomness,
) -> Iterator[Reconstruction]:
    """Of the ascent's answer, its start, points between, and equal noise: on one noise, the simplest that is best.

    Jacobian products do not see how the reconstruction bends; where the decoder's own error is large, that counts. And
    where nothing but that error is left, a gain below `SLACK` would go to a few cells that bear nearly all the noise,
    whose heavy tails leave the constraint uncertain. Where the products tell the loss, only the two ends are compared:
    few samples choose worse than the ascent. Pictures that are `settled` (B,) are left at the start.
    """
    last, first, equal = found
    own = own_errors(decoded)
    tries: list[Reconstruction] = []
    means: list[Tensor] = []
    told, samples = ~last.estimate.loss.isnan(), enough(decoded, WAY_SAMPLES, 1024)
    between = [last.estimate.log_sigma.lerp(first.estimate.log_sigma, share) for share in WAY]
    for log_sigma in [*between, equal.estimate.log_sigma]:
        tried = replace(last, estimate=replace(last.estimate, log_sigma=log_sigma))
        one = yield from meanwhile(measured(decoded, log_sigma, samples, randomness("way")), last)
        tries.append(at_constraint(one, tried, own, target))
        means.append(mean_logarithm(tries[-1].square_errors))
    # An ascent that ends below its start was led by products that do not tell the loss.
    told = told & (means[ENDS[0]] >= means[ENDS[1]] - SLACK)
    means = [mean if at in ENDS else torch.where(told, -torch.inf, mean) for at, mean in enumerate(means)]
    nearly = torch.stack(means).amax(0) - SLACK
    best = last
    for tried, mean in zip(tries, means, strict=True):
        best = choose(mean >= nearly, tried, best)
    loss = torch.where(told, best.estimate.loss, torch.nan)
    yield choose(settled, first, replace(best, estimate=replace(best.estimate, loss=loss)))


def certified(
    sampler: Sampler,
    decoded: ReconstructionSampler,
    now: Reconstruction,
    target: Tensor,
    constant: Tensor,
    randomness: Randomness,
) -> Iterator[Reconstruction]:
    """`now` scaled until the constraint holds on noise drawn after the scaling; the map is that of the same noise.

    Pictures that are `constant` (B,) permit any noise and are not scaled.
    """
    own, samples = own_errors(decoded), enough(decoded, *FINAL_SAMPLES, pixels=FINAL_PIXELS)
    norm_error, done, answer = 2 * now.estimate.mean_error, torch.zeros_like(constant), now
    exact = replace(now.estimate, mean_error=torch.zeros_like(target))
    shown = replace(now, estimate=replace(now.estimate, progress=0.9), error=near_end(now.error))
    approach = certify(sampler, exact, target, constant, randomness, APPROACH_SAMPLES, "approach")
    estimate = yield from relay(approach, lambda _: shown)
    now, before = replace(now, estimate=estimate), None
    for trial in range(FINAL_TRIES):
        estimate = replace(answer.estimate, progress=0.9 + 0.1 * trial / FINAL_TRIES)
        shown = replace(answer, estimate=estimate, error=near_end(answer.error))
        work = measured(decoded, now.estimate.log_sigma, samples, randomness("final", trial))
        found = yield from meanwhile(work, shown)
        reached, error = found.energies.mean(0) / target, found.energy_error
        estimate = replace(
            now.estimate, constraint=reached, constraint_error=reached * error, largest_share=found.largest_share
        )
        errors = found.errors.mean(0)
        # While the constraint does not hold, what that does to the mean is part of its error.
        scale = 0.5 * (1 - own_part(own, errors)) * torch.where(estimate.holds, 0, reached.log().abs())
        answer = choose(done, answer, Reconstruction(estimate, errors, torch.hypot(found.error(own), scale)))
        done = done | constant | answer.estimate.holds
        if done.all():
            break
        measured_now = replace(now.estimate, constraint=reached, constraint_error=estimate.constraint_error)
        if before is not None:
            measured_now = with_growth_between(before, measured_now, done)
        before, now = measured_now, at_constraint(found, replace(now, estimate=measured_now), own, target)
    estimate = answer.estimate
    sure = (estimate.loss + 2 * estimate.loss_error <= LOSS_TOLERANCE) & (estimate.largest_share <= HEAVY_TAIL)
    # σ is scaled to δ_f² as it was measured; how well that is known is told with the result.
    error = torch.hypot(estimate.constraint_error, norm_error)
    estimate = replace(estimate, converged=constant | (estimate.holds & sure), constraint_error=error)
    yield replace(answer, estimate=replace(estimate, stage="done", progress=1.0))
