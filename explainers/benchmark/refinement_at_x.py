r"""The solver of version 0.1, kept to be measured against: from the closed form at x until the entropy stagnates.

With u = log σ and g_c = ∂E‖f'−f‖²/∂u_c, maximising Σu under the constraint asks for equal g_c in all
cells (Eq. 3; its multiplier is then λ = g_c/δ_f², for which Eq. 4 is solved here by scaling σ). So

.. math:: r_c = n\,g_c / \textstyle\sum_k g_k - 1

says how far cell c is from the optimum, and in the linear case u − r/2 is a Newton step. Single
samples of r are mostly noise; the mean of the steps they suggest is not, once `spectral.py` has kept of
it what the data support. In a very curved network it stops far from the optimum: the Jacobian at x says nothing about
the noise there, and a mean entropy that has stopped rising proves nothing.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explainers.cid.closed_form import closed_form, square_columns
from explainers.cid.constraint import CONSTRAINT_TOLERANCE, Estimate, check
from explainers.cid.records import choose
from explainers.cid.refinement import Totals, residual
from explainers.cid.results import CIDSettings
from explainers.cid.sampling import Sampler
from explainers.cid.solver import CHECK_SAMPLES, certify
from explainers.cid.spectral import SpectralMean
from explainers.randomness import Randomness
from explainers.streams import last, meanwhile, relay


@dataclass(frozen=True)
class Effort:
    """How long to refine: a round that raises the mean entropy by less than `rise` nats is the last."""

    rounds: int = 20
    steps: int = 25
    samples: int = 16
    judge_samples: int = 256
    rise: float = 0.004


STANDARD = Effort()
# Of log σ in one step, root mean square over the cells.
LARGEST_STEP = 0.1


def solve_at_x(
    sampler: Sampler, settings: CIDSettings, randomness: Randomness, effort: Effort = STANDARD
) -> Iterator[Estimate]:
    """Estimates along the way; the last one is the answer of this solver."""
    columns = square_columns(sampler, settings.probes, randomness)
    estimate = yield from relay(closed_form(found, settings.beta) for found in columns)
    target = settings.beta * estimate.delta_f2
    estimate = yield from relay(check(sampler, estimate, target, CHECK_SAMPLES, randomness))
    finished = ((estimate.constraint - 1).abs() <= CONSTRAINT_TOLERANCE) & (
        estimate.constraint_error <= CONSTRAINT_TOLERANCE
    )
    if not finished.all():
        estimate = yield from relay(refine(sampler, estimate, target, finished, randomness, effort))
        yield from certify(sampler, estimate, target, finished, randomness)


def refine(
    sampler: Sampler, estimate: Estimate, target: Tensor, finished: Tensor, randomness: Randomness, effort: Effort
) -> Iterator[Estimate]:
    """Estimates that get better round by round, until the mean entropy at the constraint stops rising.

    `target` is β δ_f² (B,); pictures that are `finished` (B,) are left as they are.
    """
    estimate = replace(estimate, stage="refinement", constraint=torch.full_like(target, torch.nan))
    judged = _judge(sampler, estimate, target, randomness, effort.judge_samples)
    best, best_entropy = yield from relay(judged, lambda found: found[0])
    start = estimate = best
    average = SpectralMean(*sampler.shape, sampler.x.dtype, sampler.x.device)
    totals = Totals(target)
    scale = torch.zeros_like(target)
    correction = torch.zeros_like(start.log_sigma)
    for index in range(effort.rounds):
        for step in range(index * effort.steps, (index + 1) * effort.steps):
            noise = sampler.noise(effort.samples, randomness("step", step))
            energy, gradient = yield from meanwhile(_mean_gradient(sampler, estimate.log_sigma, noise), estimate)
            totals.add(energy, gradient)
            bounded = estimate.bounded | (gradient != 0)
            r = residual(gradient, bounded, totals.gradient)
            average.add(estimate.log_sigma - start.log_sigma - r / 2)
            scale = scale - 0.5 * (energy / target).log() / (step + 1) ** 0.7 * (0.5 if step else 1.0)
            correction = _step_towards(average.estimate(), correction)
            estimate = replace(
                estimate,
                log_sigma=start.log_sigma + correction + scale.view(-1, 1, 1, 1),
                bounded=bounded,
                growth=totals.growth,
                progress=0.25 + 0.65 * (1 - 2 ** (-(step + 1) / 75)),
            )
            yield estimate
        judged, entropy = last(_judge(sampler, estimate, target, randomness, effort.judge_samples))
        yield estimate
        risen = entropy - best_entropy
        better = (risen > 0) & ~finished
        best = choose(better, judged, replace(best, progress=judged.progress))
        best_entropy = torch.where(better, entropy, best_entropy)
        finished = finished | (risen < effort.rise)
        best = replace(best, converged=finished)
        if finished.all():
            break
    yield best


def _step_towards(goal: Tensor, correction: Tensor) -> Tensor:
    """A step of at most LARGEST_STEP (root mean square, per picture): the first goals are mostly noise."""
    step = goal - correction
    length = step.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    return correction + step * (LARGEST_STEP / length.clamp_min(LARGEST_STEP))


def _mean_gradient(sampler: Sampler, u: Tensor, noise: Tensor) -> Generator[None, None, tuple[Tensor, Tensor]]:
    """The mean energy (B,) and mean gradient (B, 1, rows, columns), with a pause after every group of noise."""
    energies: list[Tensor] = []
    gradient = torch.zeros_like(u)
    for energy, part in sampler.energy_gradients(u, noise):
        energies.append(energy)
        gradient = gradient + part.sum(0)
        yield
    return torch.cat(energies).mean(0), gradient / len(noise)


def _judge(
    sampler: Sampler, estimate: Estimate, target: Tensor, randomness: Randomness, samples: int
) -> Iterator[tuple[Estimate, Tensor]]:
    """The estimate scaled to the constraint, and its mean log σ there (B,).

    The noise is the same at every call, so that two judgements differ by their σ and not by their luck.
    """
    energies: list[Tensor] = []
    noise = sampler.noise(samples, randomness("judge"))
    for part in sampler.energies(estimate.log_sigma, noise):
        energies.append(part)
        ratio = torch.cat(energies).mean(0) / target
        scaled = estimate.log_sigma - (ratio.log() / estimate.growth).view(-1, 1, 1, 1)
        judged = replace(estimate, log_sigma=scaled)
        yield judged, judged.mean_log_sigma
