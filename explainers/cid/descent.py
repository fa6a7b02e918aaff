r"""The published way to a map, kept as the reference.

.. math:: \mathrm{Loss}(\sigma) = \frac{1}{\delta_f^2}\,\mathbb{E}\|f'-f\|^2 - \lambda\sum_i H_i(\sigma)

is descended on σ itself for 100 steps with learning rate 1e-4 (ICML 2022, Eq. 3 and section 4), while λ
is adjusted until E‖f'−f‖² = β δ_f² holds (Eq. 4). The optimiser is Adam, since a plain gradient step of
that size depends on the scale of the loss, which the paper leaves open (with `adam=False` it is the step as printed,
which hardly moves where there are many cells). The descent starts from equal σ that meet the constraint for a linear
h. `steps_down` is the descent for any H_i.
"""

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from explainers.cid.closed_form import SquareColumns, closed_form, square_columns
from explainers.cid.constraint import Estimate, measure
from explainers.cid.results import CIDSettings
from explainers.cid.sampling import Sampler
from explainers.randomness import Randomness
from explainers.streams import meanwhile, relay

STEPS, SAMPLES, LEARNING_RATE = 100, 8, 1e-4
MEASURE_SAMPLES = 256
# ∂Σ H_i/∂log σ_c at log σ for one batch of noise, (B, 1, rows, columns), with a pause after every chunk.
Rise = Callable[[Tensor, Tensor], Generator[None, None, Tensor]]


def descend(
    sampler: Sampler, settings: CIDSettings, randomness: Randomness, steps: int = STEPS, adam: bool = True
) -> Iterator[Estimate]:
    """CID's estimates along the descent; the last one is its end, whatever constraint it reached."""
    # One unit per input variable: a cell stands for all of its pixels and channels.
    variables = sampler.x[0].numel() / math.prod(sampler.shape)

    def rise(log_sigma: Tensor, noise: Tensor) -> Generator[None, None, Tensor]:
        yield
        return torch.full_like(log_sigma, variables)

    # How far it is from its end nobody knows before.
    found = steps_down(sampler, settings, randomness, rise, steps, adam)
    estimate = yield from relay(found, lambda found: replace(found, mean_error=found.mean_error * torch.nan))
    yield replace(estimate, converged=estimate.holds, stage="done", progress=1.0)


def steps_down(
    sampler: Sampler, settings: CIDSettings, randomness: Randomness, rise: Rise, steps: int, adam: bool = True
) -> Iterator[Estimate]:
    """The descent for the entropies whose derivatives `rise` gives; the last estimate has its constraint measured."""

    def at_x(columns: SquareColumns) -> Estimate:
        return replace(closed_form(columns, settings.beta), progress=0.2 * columns.progress)

    columns = yield from relay(square_columns(sampler, settings.probes, randomness), at_x)
    estimate = at_x(columns)
    delta_f2 = columns.delta_f2.view(-1, 1, 1, 1).clamp_min(torch.finfo(columns.delta_f2.dtype).tiny)
    sigma = torch.full_like(estimate.log_sigma, settings.beta**0.5)
    lam: Tensor | None = None
    moment = moment2 = torch.zeros_like(sigma)
    for step in range(1, steps + 1):
        noise = sampler.noise(SAMPLES, randomness("descent", step))
        energies: list[Tensor] = []
        gradient = torch.zeros_like(sigma)
        for energy, part in sampler.energy_gradients(sigma.log(), noise):
            energies.append(energy)
            gradient = gradient + part.sum(0) / SAMPLES
            yield estimate
        slope = yield from meanwhile(rise(sigma.log(), noise), estimate)
        energy = torch.cat(energies).mean(0).view(-1, 1, 1, 1)
        if lam is None:
            # At an optimum of a linear h the two terms' derivatives by a common factor of σ are equal.
            total = slope.sum(dim=(1, 2, 3), keepdim=True).abs().clamp_min(torch.finfo(slope.dtype).tiny)
            lam = 2 * settings.beta / total
        slope = (gradient / delta_f2 - lam * slope) / sigma
        moment, moment2 = 0.9 * moment + 0.1 * slope, 0.999 * moment2 + 0.001 * slope.square()
        change = (moment / (1 - 0.9**step)) / ((moment2 / (1 - 0.999**step)).sqrt() + 1e-30)
        change = change if adam else slope
        sigma = (sigma - LEARNING_RATE * change).clamp_min(LEARNING_RATE / 100)
        lam = lam * (settings.beta * delta_f2 / energy.clamp_min(1e-30)).pow(0.1).clamp(0.5, 2)
        estimate = replace(estimate, log_sigma=sigma.log(), stage="refinement", progress=0.2 + 0.7 * step / steps)
        yield estimate
    target = settings.beta * delta_f2.flatten()
    for measured in measure(sampler, estimate, target, MEASURE_SAMPLES, randomness, "check"):
        yield replace(measured, progress=0.95)
