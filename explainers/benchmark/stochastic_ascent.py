r"""Plain stochastic ascent with averaged iterates: slow, obvious, and with nothing in common with the solvers.

From equal σ that meets the constraint, u = log σ follows u ← u − a_k (r + s), with the residual
r of `refinement.py`, s = log(E/T) for the scale, and steps a_k that fall as k^(−0.6). What is returned is the mean of
the later half of the iterates (Polyak and Juditsky, 1992).
"""

import torch
from torch import Tensor

from explainers.cid.refinement import Totals, residual
from explainers.cid.sampling import Sampler
from explainers.randomness import Randomness

SAMPLES, FIRST_STEP, LARGEST_RESIDUAL = 16, 0.15, 8.0


def ascend(sampler: Sampler, log_sigma: Tensor, target: Tensor, steps: int, randomness: Randomness) -> Tensor:
    """log σ (B, 1, rows, columns) after `steps` of sixteen samples from `log_sigma`; not scaled to the constraint."""
    bounded = torch.ones_like(log_sigma, dtype=torch.bool)
    mean, totals = torch.zeros_like(log_sigma), Totals(target)
    for step in range(steps):
        noise = sampler.noise(SAMPLES, randomness("ascent", step))
        energies: list[Tensor] = []
        gradient = torch.zeros_like(log_sigma)
        for energy, part in sampler.energy_gradients(log_sigma, noise):
            energies.append(energy)
            gradient = gradient + part.sum(0) / SAMPLES
        energy = torch.cat(energies).mean(0)
        totals.add(energy, gradient)
        r = residual(gradient, bounded, totals.gradient).clamp(-LARGEST_RESIDUAL, LARGEST_RESIDUAL)
        excess = (energy / target).clamp_min(1e-3).log().clamp(-3, 3).view(-1, 1, 1, 1)
        log_sigma = log_sigma - FIRST_STEP / (1 + step / 10) ** 0.6 * (r + excess)
        if step >= steps // 2:
            mean = mean + log_sigma / (steps - steps // 2)
    return mean
