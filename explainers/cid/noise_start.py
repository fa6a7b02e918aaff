r"""A start at the scale of the noise, where the Jacobian at x says little about it.

First the equal σ that meets the constraint is looked for, by forward passes alone. Then the closed form is
applied to Jacobians *under the noise*, averaged while σ changes:

.. math:: \sigma_c \propto A_c^{-1/2},\qquad
          A_c = \mathbb{E}_{\delta,v}\sum_{i\in c}\big(J(x+\sigma\circ\delta)^\top v\big)_i^2

with random signs v. Every sample's energy ‖f'−f‖² comes from the same pass and moves the common scale.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from explainers.cid.constraint import Estimate
from explainers.cid.sampling import Sampler
from explainers.randomness import Randomness, random_signs

SCALINGS, ROUNDS, SAMPLES = 4, 6, 8
# Of log(E/T) in one move of the scale; half of it is exact for a linear h.
LARGEST_MOVE = 6.0


def noise_start(sampler: Sampler, estimate: Estimate, target: Tensor, randomness: Randomness) -> Iterator[Estimate]:
    """`estimate` with σ from the module's equations, sharper round by round; `target` is β δ_f² (B,)."""
    for index in range(SCALINGS):
        noise = sampler.noise(SAMPLES, randomness("scaling", index))
        energy = torch.cat(list(sampler.energies(estimate.log_sigma, noise))).mean(0)
        moved = estimate.log_sigma - 0.5 * _excess(energy, target)
        estimate = replace(estimate, log_sigma=moved)
        yield estimate
    mean = torch.zeros_like(estimate.log_sigma)
    for index in range(ROUNDS):
        noise, signs = sampler.noise(SAMPLES, randomness("start", index)), randomness("start signs", index)
        v = random_signs(SAMPLES, sampler.f.shape[1], like=sampler.x, generator=signs)
        energies: list[Tensor] = []
        columns = torch.zeros_like(estimate.log_sigma)
        for energy, part in sampler.noisy_columns(v, estimate.log_sigma, noise):
            energies.append(energy)
            columns = columns + part.sum(0) / SAMPLES
            yield estimate
        mean = mean + (columns - mean) / (index + 1) ** 0.6
        bounded = mean > 0
        # Half way to the closed form of what has been averaged, at the common scale that the energies ask for. Divided
        # by the target it is the same to the last bit for a feature of any unit.
        relative = mean / target.view(-1, 1, 1, 1)
        shape = torch.where(bounded, -0.5 * relative.clamp_min(torch.finfo(mean.dtype).tiny).log(), 0)
        count = bounded.sum(dim=(1, 2, 3), keepdim=True).clamp_min(1)
        step = torch.where(bounded, shape - estimate.log_sigma, 0)
        step = torch.where(bounded, step - step.sum(dim=(1, 2, 3), keepdim=True) / count, 0)
        log_sigma = estimate.log_sigma + 0.5 * step - 0.25 * _excess(torch.cat(energies).mean(0), target)
        progress = 0.2 + 0.05 * (index + 1) / ROUNDS
        estimate = replace(estimate, log_sigma=log_sigma, bounded=bounded, square_columns=mean, progress=progress)
        yield estimate


def _excess(energy: Tensor, target: Tensor) -> Tensor:
    """log(E/T), bounded, as (B, 1, 1, 1); as far as it goes where no noise was felt at all."""
    ratio = (energy / target).clamp_min(torch.finfo(energy.dtype).tiny)
    return ratio.log().clamp(-LARGEST_MOVE, LARGEST_MOVE).view(-1, 1, 1, 1)
