r"""How much mean entropy a solution can have lost, measured on noise that had no part in it.

With F(u) the mean of u after it has been scaled to the constraint, ∂F/∂u_c = −r_c/n with the residual
r of `refinement.py`. To second order a solution with residual r has lost

.. math:: \mathrm{loss} = \tfrac12\,\overline{r\,K^{-1}r} \;\approx\; \frac{\overline{r_d^2}}{2K_d}
          + \frac{\overline{r^2} - \overline{r_d^2}}{2\min(2, p)},\qquad
          p = \frac{\mathrm{d}\log E}{\mathrm{d}\log\,\mathrm{scale}}

where K is the curvature of −nF: 2 in every direction for a linear h, where the second term alone is exact. In a curved
network K is 2 still for what changes from cell to cell, but many times that for what is smooth, where most of a
residual lies. So r is split: along d, what `spectral.py` makes of half of the samples, the curvature K_d is
measured, by the residual at a small step along d under the same noise; all the rest counts with the least
curvature. r is known from samples, whose noise would count as residual: it drops out of the products of residuals
from *different* noise, and the spread of those products is the error.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import torch
from torch import Tensor

from explainers.cid.constraint import Estimate
from explainers.cid.moments import Moments
from explainers.cid.refinement import growth, residual
from explainers.cid.sampling import Sampler
from explainers.cid.spectral import SpectralMean
from explainers.randomness import Randomness

# Of samples: the first half finds d, the second measures along it, and two of those the curvature.
GROUPS, FINDING, CURVATURE_GROUPS = 8, 4, 2
# Of log σ along d, root mean square over the cells.
PROBED_STEP = 0.03


def bound_loss(
    sampler: Sampler, estimate: Estimate, target: Tensor, samples: int, randomness: Randomness, place: int
) -> Iterator[Estimate]:
    """`estimate` with `loss` and `loss_error` (B,) of the module's equation, in nats; whole with the last one.

    It is scaled by what the same samples say of E against `target` (B,), and `known` is what they say of it then.
    """

    def noise(index: int) -> Tensor:
        return sampler.noise(samples // GROUPS, randomness(f"optimality {place}", index))

    gradients: list[Tensor] = []
    energies: list[Tensor] = []
    for index in range(GROUPS):
        total = torch.zeros_like(estimate.log_sigma)
        for energy, part in sampler.energy_gradients(estimate.log_sigma, noise(index)):
            energies.append(energy)
            total = total + part.mean(0) * (len(part) / (samples // GROUPS))
            yield estimate
        gradients.append(total)
    gradient = torch.stack(gradients)
    bounded = estimate.bounded | (gradient != 0).any(0)
    energy, sums = torch.cat(energies).mean(0), gradient.mean(0).sum(dim=(1, 2, 3))
    residuals = [residual(part, bounded, sums) for part in gradient]
    d = _direction(residuals[:FINDING], bounded)
    length = d.square().sum(dim=(1, 2, 3), keepdim=True)
    step = PROBED_STEP * d / d.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(1e-12)
    moved = estimate.log_sigma - step
    moved_gradients: list[Tensor] = []
    for index in range(FINDING, FINDING + CURVATURE_GROUPS):
        total = torch.zeros_like(moved)
        for _, part in sampler.energy_gradients(moved, noise(index)):
            total = total + part.mean(0) * (len(part) / (samples // GROUPS))
            yield estimate
        moved_gradients.append(total)
    here = gradient[FINDING : FINDING + CURVATURE_GROUPS].mean(0)
    there = torch.stack(moved_gradients).mean(0)
    fall = residual(here, bounded, _sum(here)) - residual(there, bounded, _sum(there))
    curvature = _sum(fall * step) / _sum(step.square()).clamp_min(1e-12)

    count = bounded.sum(dim=(1, 2, 3)).clamp_min(1)
    unit = d / length.sqrt().clamp_min(1e-12)
    along = [_sum(r * unit) for r in residuals]
    power = growth(energy, sums)
    least = power.clamp(max=2)
    pairs = list(combinations(range(GROUPS), 2))
    products = [_sum(residuals[a] * residuals[b]) - along[a] * along[b] for a, b in pairs if b >= FINDING]
    rest = torch.stack([product / count / (2 * least) for product in products])
    products = [along[a] * along[b] for a, b in pairs if a >= FINDING]
    smooth = torch.stack([product / count / (2 * torch.maximum(curvature, least)) for product in products])
    error = torch.hypot(rest.std(0) / len(rest) ** 0.5, smooth.std(0) / len(smooth) ** 0.5)
    loss = (rest.mean(0) + smooth.mean(0)).clamp_min(0)
    scale = torch.where(energy > 0, (energy / target).log() / power, 0).clamp(-1, 1)
    known = Moments.of(torch.cat(energies) / target).times((-power * scale).exp())
    estimate = replace(estimate, log_sigma=estimate.log_sigma - scale.view(-1, 1, 1, 1), growth=power, known=known)
    yield replace(estimate, bounded=bounded, loss=loss, loss_error=error)


def roughly_bounded(estimate: Estimate, residuals: Sequence[Tensor]) -> Tensor:
    """What `loss` with two of its errors may come to, (B,), from `residuals` on the way to `estimate`: for nothing.

    All of r counts with the least curvature, and it swings more on the way than at the end.
    """
    count = estimate.bounded.sum(dim=(1, 2, 3)).clamp_min(1)
    products = torch.stack([_sum(a * b) for a, b in combinations(residuals, 2)]) / count
    return (products.mean(0) + 2 * products.std(0) / len(products) ** 0.5) / (2 * estimate.growth.clamp(max=2))


def _direction(residuals: list[Tensor], bounded: Tensor) -> Tensor:
    """What of the residuals' mean is not noise, (B, 1, rows, columns), zero where nothing is."""
    rows, columns = residuals[0].shape[-2:]
    mean = SpectralMean(rows, columns, residuals[0].dtype, residuals[0].device)
    for r in residuals:
        mean.add(r)
    return torch.where(bounded, mean.estimate(), 0)


def _sum(values: Tensor) -> Tensor:
    return values.sum(dim=(1, 2, 3))
