"""A solution so far, and how well it satisfies the constraint on fresh noise."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explainers.cid.moments import Moments
from explainers.cid.pace import AllTrue
from explainers.cid.records import choose
from explainers.cid.results import CIDResult
from explainers.cid.sampling import Sampler
from explainers.randomness import Randomness

CONSTRAINT_TOLERANCE = 0.01
# How many samples are drawn at once: fixed, so that the draws do not depend on the device's memory.
BLOCK = 32
# The ξ at which h is taken for linear: small against the noise, large against rounding.
LINEAR_STEP = 0.03


@dataclass(frozen=True)
class Estimate:
    """A solution so far for B pictures.

    - `log_sigma` and `bounded`, per cell (B, 1, rows, columns).
    - `square_columns` (B, 1, rows, columns): G per cell.
    - `delta_f2` and `mean_error`, `constraint` and `constraint_error` as in `CIDResult`, (B,).
    - `growth` (B,): the power with which E‖f'−f‖² grows with a common factor of σ; 2 for a linear h.
    - `apart` (B,): how far h's changes were seen to be from those of a linear h (`curvature.py`), 0 before that.
    - `known`: what samples that had no part in the shape of σ say of `constraint` at its present scale.
    - `loss` and `loss_error` (B,): as in `CIDResult`; NaN where they have not been measured.
    - `largest_share` (B,): as in `CIDResult`.
    - `converged` (B,): the constraint holds, and the loss is known to be small.
    """

    log_sigma: Tensor
    bounded: Tensor
    square_columns: Tensor
    delta_f2: Tensor
    mean_error: Tensor
    constraint: Tensor
    constraint_error: Tensor
    growth: Tensor
    apart: Tensor
    known: Moments
    loss: Tensor
    loss_error: Tensor
    largest_share: Tensor
    converged: Tensor
    stage: str
    progress: float

    @property
    def holds(self) -> Tensor:
        """As the function, (B,)."""
        return holds(self)

    @property
    def scale_error(self) -> Tensor:
        """Standard error of the mean of log σ that comes from its scale: the constraint is 1 only about, (B,)."""
        return torch.hypot(self.constraint_error, self.constraint - 1) / self.growth

    @property
    def mean_log_sigma(self) -> Tensor:
        """Mean of log σ over the bounded cells, (B,)."""
        count = self.bounded.sum(dim=(1, 2, 3))
        return torch.where(self.bounded, self.log_sigma, 0).sum(dim=(1, 2, 3)) / count.clamp_min(1)


def holds(found: Estimate | CIDResult) -> Tensor:
    """The constraint holds within 1 % or two standard errors, (B,)."""
    return (found.constraint - 1).abs() <= (2 * found.constraint_error).clamp_min(CONSTRAINT_TOLERANCE)


def measure(
    sampler: Sampler,
    estimate: Estimate,
    target: Tensor,
    samples: int,
    randomness: Randomness,
    place: str,
    accuracy: float | Tensor = CONSTRAINT_TOLERANCE / 4,
) -> Iterator[Estimate]:
    """The estimate with E‖f'−f‖²/`target` and its standard error, sharper with every group of samples.

    They join those that are `known` already; both together are at most about `samples`. A picture is finished early
    when the error of sampling is down to `accuracy`; the error of δ_f², which more samples do not lessen, is part of
    the standard error.
    """
    energies = target.new_empty(0, *target.shape)
    enough, best, finished = torch.zeros_like(target, dtype=torch.bool), estimate, AllTrue()
    for block in range(math.ceil(samples / BLOCK)):
        for energy in sampler.energies(estimate.log_sigma, sampler.noise(BLOCK, randomness(place, block))):
            energies = torch.cat([energies, energy / target])
            if len(energies) >= BLOCK:
                felt = estimate.known.joined(Moments.of(energies))
                error = torch.hypot(felt.error, 2 * estimate.mean_error)
                measured = replace(
                    estimate, constraint=felt.mean, constraint_error=error, largest_share=felt.largest_share
                )
                best = choose(enough, best, measured)
                if len(energies) % BLOCK == 0:
                    enough = enough | (felt.error <= accuracy) | (felt.count >= samples)
            yield best
        if finished(enough):
            return


def check(
    sampler: Sampler, estimate: Estimate, target: Tensor, samples: int, randomness: Randomness
) -> Iterator[Estimate]:
    r"""`measure` for the closed form, where h may well be linear: exact then, from few samples.

    Every sample is paired with ‖h(x+ξσ∘δ) − f‖²/ξ² at a small ξ, whose mean is Σσ_c²G_c where h is nearly
    linear: the two rise and fall together, and the difference is known well (a control variate, with the
    regression coefficient as its weight). Where h is far from linear that mean is wrong, but so is the
    closed form, by more. A picture is finished early when that is plain. How far the two changes are `apart` is
    told with it.
    """
    compared = target.new_empty(0, *target.shape, 3)
    expected = (estimate.log_sigma.mul(2).exp() * estimate.square_columns).sum(dim=(1, 2, 3)) / target
    enough, best, finished = torch.zeros_like(target, dtype=torch.bool), estimate, AllTrue()
    for block in range(math.ceil(samples / BLOCK)):
        noise = sampler.noise(BLOCK, randomness("check", block))
        for part in sampler.departures(estimate.log_sigma, noise, LINEAR_STEP):
            compared = torch.cat([compared, part / target.unsqueeze(-1)])
            yield best
        energies, linear, apart = compared.unbind(-1)
        mean, sampling_error, weight = _controlled_mean(energies, linear, expected)
        error = torch.hypot(sampling_error, 2 * weight * expected * estimate.mean_error)
        measured = replace(estimate, constraint=mean, constraint_error=error, apart=share_apart(apart, linear))
        best = choose(enough, best, measured)
        gap = (mean - 1).abs() - CONSTRAINT_TOLERANCE
        enough = enough | (sampling_error <= CONSTRAINT_TOLERANCE / 4) | (gap > 4 * error)
        yield best
        if finished(enough):
            return


def share_apart(apart: Tensor, linear: Tensor) -> Tensor:
    """‖d − d_ξ‖² of samples (m, B) against their ‖d_ξ‖², (B,)."""
    total = apart.sum(0)
    return torch.where(total == 0, 0, total / linear.sum(0))


def _controlled_mean(values: Tensor, control: Tensor, expected: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean of `values` (m, B) given that `control` (m, B) has the mean `expected`; its error; the weight used."""
    deviation = control - control.mean(0)
    weight = (deviation * values).sum(0) / deviation.square().sum(0).clamp_min(torch.finfo(values.dtype).tiny)
    adjusted = values - weight * (control - expected)
    return adjusted.mean(0), adjusted.std(0) / len(values) ** 0.5, weight.abs()
