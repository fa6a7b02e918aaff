r"""The noise that makes a picture hardest to recover from a layer, under CID's constraint on the layer.

.. math:: \max_\sigma \sum_i \tfrac12\log V_i,\quad V_i = \mathbb{E}(x_i - \hat x'_i)^2
          \quad\text{s.t.}\quad \mathbb{E}\|f' - f\|^2 = \beta\,\delta_f^2, \qquad \hat x' = g(h(x+\sigma\circ\delta))

Where h and g are linear on the scale of the noise, V_i = b_i² + Σ_c M_ic q_c with b the decoder's own error,
q_c ≥ 0 the share of the permitted change of f that cell c uses, Σ_c q_c = 1, and M ≥ 0. So exp of twice the
objective is a polynomial in q without negative coefficients, which

.. math:: q_c \leftarrow \frac{p_c}{\sum_k p_k},\qquad
          p_c = q_c\,\frac{\partial}{\partial q_c}\sum_i\log V_i
              = \sigma_c^2\,\mathbb{E}_v\Big[\sum_{i\in c}\big(A^\top V^{-1/2}v\big)_i^2\Big],\quad
          A = \frac{\partial (g\circ h)}{\partial x}

never lowers (Baum and Sell, "Growth transformations for functions on manifolds", 1968); its fixed points
satisfy the optimality conditions. p comes from Jacobian products with random signs v; each product is
taken at another noisy picture, so that A and the shares are those on the scale of the noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explainers.cid.closed_form import closed_form, square_columns
from explainers.cid.constraint import Estimate, check
from explainers.cid.jacobian import random_signs
from explainers.cid.pace import AllTrue
from explainers.cid.records import choose
from explainers.cid.results import CIDSettings
from explainers.cid.sampling import Sampler
from explainers.cid.solver import CHECK_SAMPLES, certify
from explainers.randomness import Randomness
from explainers.ru.sampling import ReconstructionSampler, influence

ROUNDS = 32
# The first steps are doubled: the update alone is slow and never goes too far.
HASTY_ROUNDS, HASTE = 8, 2
# The mean entropy has stopped rising when over so many rounds it was higher by less than so many nats than over as
# many before; errors are remembered from round to round, the newest with this weight.
PATIENCE, RISE, MEMORY = 5, 0.002, 0.4
APPROACH_SAMPLES, FINAL_SAMPLES = 64, 512
# At least and at most, for large and for small pictures.
CERTIFY_SAMPLES = (2048, 16384)
# The error that the mean entropy may have from the scale of σ, in nats, and those of the constraint between which it is
# sought.
SCALE_ACCURACY, CONSTRAINT_ACCURACIES = 0.0005, (0.0025, 0.02)
# Where between the last (0) and the first log σ (1) the best one is looked for, and how many nats less are as good.
WAY = (0.0, 0.25, 0.5, 0.75, 1.0)
SLACK = 0.003
# Errors below a millionth count as one: a perfect reconstruction is not −∞.
SMALLEST_SQUARE = 1e-12
# No cell loses more than three quarters of its logarithm in one round: what is zero could never come back.
SMALLEST_SHARE = 1e-3


@dataclass(frozen=True)
class Reconstruction:
    """σ so far, with E(x_i − x̂'_i)² under it, (B, D'), and the standard error (B,) of its mean entropy."""

    estimate: Estimate
    square_errors: Tensor
    error: Tensor


def solve(
    sampler: Sampler, decoded: ReconstructionSampler, settings: CIDSettings, randomness: Randomness
) -> Iterator[Reconstruction]:
    """Solutions that sharpen; the last one is the answer, with everything measured on noise drawn after it."""
    own = (decoded.f - decoded.picture).square()
    for columns in square_columns(sampler, settings.probes, randomness):
        estimate = closed_form(columns, settings.beta)
        yield Reconstruction(
            replace(estimate, progress=0.2 * columns.progress), own, torch.full_like(columns.delta_f2, torch.nan)
        )
    target = settings.beta * columns.delta_f2
    constant = target == 0
    target = torch.where(constant, 1, target)
    now = Reconstruction(replace(estimate, converged=constant), own, torch.full_like(target, torch.nan))
    if settings.refine:
        for now in _climb(sampler, decoded, now, target, constant, randomness):
            yield now
        # σ is scaled to δ_f² as it was measured; how well that is known is told with the result.
        exact = replace(now.estimate, mean_error=torch.zeros_like(target))
        accuracy = (SCALE_ACCURACY / _scale_matters(now, own).clamp_min(1e-9)).clamp(*CONSTRAINT_ACCURACIES)
        samples = _enough(decoded, *CERTIFY_SAMPLES, pixels=1 << 25)
        for estimate in certify(sampler, exact, target, constant, randomness, samples, accuracy=accuracy):
            yield replace(now, estimate=estimate)
        error = torch.hypot(estimate.constraint_error, 2 * now.estimate.mean_error)
        converged = constant | (estimate.converged & estimate.holds)
        estimate = replace(estimate, converged=converged, constraint_error=error, mean_error=now.estimate.mean_error)
    else:
        for estimate in check(sampler, now.estimate, target, CHECK_SAMPLES, randomness):
            yield replace(now, estimate=replace(estimate, progress=0.5))
        estimate = replace(estimate, converged=constant | estimate.holds)
    for errors, error, share in measure_errors(decoded, estimate, randomness, FINAL_SAMPLES):
        progress = 0.95 + 0.05 * share
        yield Reconstruction(replace(estimate, progress=progress), errors, error)
    yield Reconstruction(replace(estimate, stage="done", progress=1.0), errors, error)


def measure_errors(
    decoded: ReconstructionSampler, estimate: Estimate, randomness: Randomness, samples: int
) -> Iterator[tuple[Tensor, Tensor, float]]:
    """E(x_i − x̂'_i)² (B, D') from pairs ±δ, the standard error (B,) of the mean of ½ log of it, and the share done.

    A pair cancels what a small noise does in first order to the decoder's own error.
    """
    parts, block = [], 32
    samples = _enough(decoded, samples, 4096)
    for place in range(samples // block):
        total = 0.0
        for _, errors in decoded.errors(estimate.log_sigma, pairs(decoded, block, randomness("errors", place))):
            total = total + errors
            yield _mean_errors([*parts, total / block], (place + 1) * block / samples)
        parts.append(total / block)


def _mean_errors(parts: list[Tensor], share: float) -> tuple[Tensor, Tensor, float]:
    stacked = torch.stack(parts)
    means = _mean_logarithm(stacked)
    error = means.std(0) / len(parts) ** 0.5 if len(parts) > 1 else torch.full_like(means[0], torch.nan)
    return stacked.mean(0), error, share


def _scale_matters(now: Reconstruction, own: Tensor) -> Tensor:
    """What the mean entropy gains where E‖f'−f‖² grows by a factor e, to first order: ½ mean (V − b²)/V, (B,)."""
    share = 1 - own / now.square_errors.clamp_min(SMALLEST_SQUARE)
    return 0.5 * share.clamp(0, 1).mean(1)


def entropy_logarithm(square_errors: Tensor) -> Tensor:
    """log V, for V of at least SMALLEST_SQUARE."""
    return square_errors.clamp_min(SMALLEST_SQUARE).log()


def _mean_logarithm(square_errors: Tensor) -> Tensor:
    return 0.5 * entropy_logarithm(square_errors).mean(-1)


def pairs(sampler: Sampler, samples: int, generator: torch.Generator) -> Tensor:
    """δ and −δ, (samples, C, H, W)."""
    half = sampler.noise(samples // 2, generator)
    return torch.cat([half, -half])


def _climb(
    sampler: Sampler,
    decoded: ReconstructionSampler,
    start: Reconstruction,
    target: Tensor,
    constant: Tensor,
    randomness: Randomness,
) -> Iterator[Reconstruction]:
    """Rounds of the module's update, until the mean entropy at the constraint stops rising."""
    for estimate in certify(sampler, start.estimate, target, constant, randomness, APPROACH_SAMPLES, "approach"):
        yield replace(start, estimate=replace(estimate, stage="refinement", progress=0.25))
    unknown = torch.full_like(target, torch.nan)
    now = replace(start, estimate=replace(estimate, stage="refinement", progress=0.25, constraint=unknown))
    start, columns, finished, best = now, now.estimate.square_columns, constant, now
    means, recent, risen = [], [], AllTrue()
    for index in range(ROUNDS + 1):
        for judged in _judge(decoded, now, target, index, randomness):
            yield now
        means.append(_mean_logarithm(judged.square_errors))
        recent = [*recent, judged.estimate.log_sigma][-PATIENCE:]
        # What is averaged of the steps is less noisy than the last of them.
        log_sigma = torch.stack(recent).mean(0)
        remembered = judged.square_errors if index == 0 else now.square_errors.lerp(judged.square_errors, MEMORY)
        best = choose(finished, best, replace(judged, estimate=replace(judged.estimate, log_sigma=log_sigma)))
        if len(means) >= 2 * PATIENCE:
            before, after = (
                torch.stack(part).mean(0) for part in (means[-2 * PATIENCE : -PATIENCE], means[-PATIENCE:])
            )
            finished = finished | (after - before < RISE)
        if risen(finished) or index == ROUNDS:
            break
        now = replace(judged, square_errors=remembered)
        for columns, step in _round(sampler, decoded, now, columns, index, randomness):
            yield now
        progress = 0.25 + 0.65 * (index + 1) / ROUNDS
        # A cell without influence at x that has some within the noise is not unused.
        bounded = now.estimate.bounded | (columns > 0)
        estimate = replace(now.estimate, log_sigma=now.estimate.log_sigma + step, bounded=bounded, progress=progress)
        now = replace(now, estimate=estimate)
        yield now
    best = replace(best, estimate=replace(best.estimate, converged=finished))
    yield from _best_on_the_way(decoded, start, best, target, randomness)


def _best_on_the_way(
    decoded: ReconstructionSampler, first: Reconstruction, last: Reconstruction, target: Tensor, randomness: Randomness
) -> Iterator[Reconstruction]:
    """Of some points between the `first` and the `last` log σ, on one noise, the nearest to the first that is best.

    Jacobian products do not see how the reconstruction bends; where the decoder's own error is large, that counts. And
    where nothing but that error is left, a gain below `SLACK` would go to a few cells that bear nearly all the noise,
    whose heavy tails leave the constraint uncertain.
    """
    found, means = [], []
    for share in WAY:
        log_sigma = last.estimate.log_sigma.lerp(first.estimate.log_sigma, share)
        tried = replace(last, estimate=replace(last.estimate, log_sigma=log_sigma))
        for judged in _judge(decoded, tried, target, ROUNDS + 1, randomness):
            yield last
        found.append(judged)
        means.append(_mean_logarithm(judged.square_errors))
    enough = torch.stack(means).amax(0) - SLACK
    best = last
    for judged, mean in zip(found, means, strict=True):
        best = choose(mean >= enough, judged, best)
    yield best


def _round(
    sampler: Sampler,
    decoded: ReconstructionSampler,
    now: Reconstruction,
    columns: Tensor,
    index: int,
    randomness: Randomness,
) -> Iterator[tuple[Tensor, Tensor]]:
    """G on the scale of the noise, averaged over the rounds so far, and the step of log σ; whole with the last one."""
    log_sigma = now.estimate.log_sigma
    probes = _enough(decoded, 16, 256)
    noise, signs = pairs(decoded, probes, randomness("round", index)), randomness("signs", index)
    unchanged = columns, torch.zeros_like(log_sigma)
    weight = now.square_errors.clamp_min(SMALLEST_SQUARE).rsqrt()
    v = random_signs(probes, weight.shape[1], like=weight, generator=signs) * weight.unsqueeze(1)
    gain = 0.0
    for part in influence(decoded, v, log_sigma, noise):
        gain = gain + part.sum(0)
        yield unchanged
    v = random_signs(probes, sampler.f.shape[1], like=weight, generator=signs).expand(len(weight), -1, -1)
    change = 0.0
    for part in sampler.square_columns(v, sampler.scaled(log_sigma, noise)):
        change = change + part.sum(0)
        yield unchanged
    # Against the same probes at x itself, where G is known: without any noise where h is linear.
    for part in sampler.square_columns(v):
        change = change - part.sum(0)
        yield unchanged
    known = now.estimate.square_columns
    measured = torch.maximum(known + change / probes, known / 4)
    columns = columns + (measured - columns) / (index + 1)
    bounded = columns > 0
    used = torch.where(bounded, log_sigma.mul(2).exp() * columns, 0)
    # A decoder that ignores the feature leaves nothing to choose between.
    idle = gain.sum(dim=(1, 2, 3), keepdim=True) == 0
    wanted = _shares(torch.where(idle, used, gain).where(bounded, 0))
    wanted = wanted + SMALLEST_SHARE * wanted.mean(dim=(2, 3), keepdim=True)
    step = 0.5 * (wanted / _shares(used)).log()
    yield columns, torch.where(bounded, step * (HASTE if index < HASTY_ROUNDS else 1), 0)


def _enough(decoded: ReconstructionSampler, least: int, most: int, pixels: int = 1 << 16) -> int:
    """How many samples, an even number, make so many pixels: a small picture averages over few, and costs little."""
    return min(most, max(least, pixels // 2 // decoded.picture.shape[1] * 2))


def _shares(values: Tensor) -> Tensor:
    return values / values.sum(dim=(1, 2, 3), keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)


def _judge(
    decoded: ReconstructionSampler, now: Reconstruction, target: Tensor, index: int, randomness: Randomness
) -> Iterator[Reconstruction]:
    """`now` scaled to the constraint, with the errors under it."""
    samples = _enough(decoded, 64, 1024)
    energies, total, noise = [], 0.0, pairs(decoded, samples, randomness("judge", index))
    for energy, errors in decoded.errors(now.estimate.log_sigma, noise):
        energies.append(energy)
        total = total + errors
        yield now
    reached = torch.cat(energies).mean(0) / target
    change = torch.where(reached > 0, -reached.log() / now.estimate.growth, 0)
    # What the noise adds to the decoder's own error grows as its square.
    own, errors = (decoded.f - decoded.picture).square(), total / samples
    scaled = own + (errors - own) * (2 * change).exp().unsqueeze(1)
    log_sigma = now.estimate.log_sigma + change.view(-1, 1, 1, 1)
    yield Reconstruction(
        replace(now.estimate, log_sigma=log_sigma),
        torch.maximum(scaled, errors / 4),
        torch.full_like(target, torch.nan),
    )
