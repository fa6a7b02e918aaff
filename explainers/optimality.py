r"""How much mean entropy a solution can have lost, measured on noise that had no part in it.

With F(u) the mean of u after it has been scaled to the constraint, ∂F/∂u_c = −r_c/n with the residual
r of `refinement.py`. To second order a solution with residual r has lost

.. math:: \mathrm{loss} = \tfrac12\,\overline{r\,K^{-1}r} \;\le\; \frac{\overline{r^2}}{2p},
          \qquad p = \frac{\mathrm{d}\log E}{\mathrm{d}\log\,\mathrm{scale}}

K is the curvature of −nF: 2 in every direction for a linear h, where p = 2 and the bound is an equality. Where h is
curved most directions are stiffer than p, and the bound is several times the loss. r is known from samples, whose
noise would count as residual: it drops out of the products of residuals from *different* noise,
so r² is the mean over all pairs of groups of samples, and the spread of those products is its error.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import torch
from torch import Tensor

from explainers.constraint import Estimate
from explainers.randomness import Randomness
from explainers.refinement import growth, residual
from explainers.sampling import Sampler

GROUPS = 8


def bound_loss(
    sampler: Sampler, estimate: Estimate, target: Tensor, samples: int, randomness: Randomness, place: int
) -> Iterator[Estimate]:
    """`estimate` with `loss` and `loss_error` (B,) of the module's equation, in nats; whole with the last one.

    It is scaled by what the same samples say of E against `target` (B,).
    """
    gradients, energies = [], []
    for index in range(GROUPS):
        noise = sampler.noise(samples // GROUPS, randomness(f"optimality {place}", index))
        total = 0.0
        for energy, part in sampler.energy_gradients(estimate.log_sigma, noise):
            energies.append(energy)
            total = total + part.sum(0)
            yield estimate
        gradients.append(total / len(noise))
    gradient = torch.stack(gradients)
    bounded = estimate.bounded | (gradient != 0).any(0)
    sums = gradient.mean(0).sum(dim=(1, 2, 3))
    count = bounded.sum(dim=(1, 2, 3)).clamp_min(1)
    residuals = [residual(part, bounded, sums).flatten(1) for part in gradient]
    products = torch.stack([(a * b).sum(1) / count for a, b in combinations(residuals, 2)])
    energy = torch.cat(energies).mean(0)
    power = growth(energy, sums)
    scale = torch.where(energy > 0, (energy / target).log() / power, 0).clamp(-1, 1).view(-1, 1, 1, 1)
    estimate = replace(estimate, log_sigma=estimate.log_sigma - scale, growth=power)
    loss = (products.mean(0) / (2 * power)).clamp_min(0)
    error = products.std(0) / len(products) ** 0.5 / (2 * power)
    yield replace(estimate, bounded=bounded, loss=loss, loss_error=error)
