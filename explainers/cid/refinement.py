r"""From a start to the optimum where h is not linear on the scale of the noise.

With u = log σ and g_c = ∂E‖f'−f‖²/∂u_c, maximising Σu under the constraint asks for equal g_c in all
cells (Eq. 3; its multiplier is then λ = g_c/δ_f², for which Eq. 4 is solved here by scaling σ). So

.. math:: r_c = n\,g_c / \textstyle\sum_k g_k - 1

says how far cell c is from the optimum, and in the linear case u − r/2 is a Newton step. A sample of r is mostly
noise; the mean of the steps that samples suggest is not, once two things have been kept apart: how much
*contrast* the map has (the start's own shape and its square: two numbers, which a few samples tell), and all the rest,
of which `spectral.py` keeps what the data support.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from explainers.cid.constraint import Estimate
from explainers.cid.sampling import Sampler
from explainers.cid.spectral import SpectralMean
from explainers.norms import norm
from explainers.randomness import Randomness

SAMPLES = 8
# Of log σ in one step, root mean square over the cells.
LARGEST_STEP = 0.3
# Residuals of so many steps are remembered.
REMEMBERED = 8
# Steps of the scale: the first moves it by half of log E/T, later ones by ever less.
GAIN, SLOWING = 0.5, 0.7
# Running means are over so many steps.
LAST = 20
# A sample's residual counts up to this in a cell: its tails are long.
LARGEST_RESIDUAL = 4.0


class Refinement:
    """Steps from `start`; `estimate` is where they have led, `residuals` what the last ones felt.

    `target` is β δ_f² (B,), `steps` how many there were.
    """

    def __init__(self, sampler: Sampler, start: Estimate, target: Tensor, randomness: Randomness) -> None:
        self.sampler, self.target, self.randomness = sampler, target, randomness
        self.estimate = replace(start, stage="refinement")
        self._start = start.log_sigma
        self._contrast = _contrast(start.log_sigma, start.bounded)
        self._average = SpectralMean(*sampler.shape, sampler.x.dtype, sampler.x.device)
        self._totals = Totals(target)
        # What the steps have added to the start: its coefficients of contrast, and the rest of it.
        self._coefficients = self._wanted = start.log_sigma.new_zeros(self._contrast.shape[:2])
        self._rest = torch.zeros_like(start.log_sigma)
        self._scale = torch.zeros_like(target)
        # Of the mean of a step's E/T, over the last steps.
        self._variance = torch.zeros_like(target)
        self.residuals: deque[Tensor] = deque(maxlen=REMEMBERED)
        self.steps, self._weight = 0, 0.0
        self._mean, self._mean_weight = torch.zeros_like(self._rest), 0.0

    def step(self) -> Iterator[Estimate]:
        """One step, of eight samples: `estimate` after every chunk of them, moved with the last."""
        noise = self.sampler.noise(SAMPLES, self.randomness("step", self.steps))
        energies: list[Tensor] = []
        gradient = torch.zeros_like(self._rest)
        for energy, part in self.sampler.energy_gradients(self.estimate.log_sigma, noise):
            energies.append(energy)
            gradient = gradient + part.sum(0) / SAMPLES
            yield self.estimate
        self.steps += 1
        samples = torch.cat(energies)
        energy = samples.mean(0)
        self._totals.add(energy, gradient)
        variance = (samples / self.target).var(0) / SAMPLES
        self._variance = self._variance + (variance - self._variance) / min(self.steps, LAST)
        bounded = self.estimate.bounded | (gradient != 0)
        r = residual(gradient, bounded, self._totals.gradient)
        self.residuals.append(r)
        self._average_in(r)
        self._move()
        self._remember()
        self._rescale(energy)
        self.estimate = replace(
            self.estimate,
            log_sigma=self._start + self._correction() + self._scale.view(-1, 1, 1, 1),
            bounded=bounded,
            growth=self._totals.growth,
        )
        yield self.estimate

    def _average_in(self, r: Tensor) -> None:
        """One more guess of the whole correction: where it stands, less half the residual."""
        weight = self.steps**0.5
        self._weight += weight
        guess = self._coefficients - _products(self._contrast, r) / 2
        self._wanted = self._wanted + (guess - self._wanted) * (weight / self._weight)
        r = r.clamp(-LARGEST_RESIDUAL, LARGEST_RESIDUAL)
        self._average.add(self._rest - (r - _combined(self._contrast, _products(self._contrast, r), r)) / 2)

    def _move(self) -> None:
        """Towards the mean guess, by at most LARGEST_STEP."""
        step = self._average.estimate() + _combined(self._contrast, self._wanted, self._rest) - self._correction()
        length = step.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        correction = self._correction() + step * (LARGEST_STEP / length.clamp_min(LARGEST_STEP))
        self._coefficients = _products(self._contrast, correction)
        self._rest = correction - _combined(self._contrast, self._coefficients, correction)

    def _remember(self) -> None:
        """The mean of where the steps have been: in stiff directions they swing about the optimum."""
        weight = self.steps**2
        self._mean_weight += weight
        self._mean = self._mean + (self._correction() - self._mean) * (weight / self._mean_weight)

    @property
    def answer(self) -> Estimate:
        """The mean of the last steps at the scale of the last."""
        log_sigma = self._start + self._mean + self._scale.view(-1, 1, 1, 1)
        return replace(self.estimate, log_sigma=log_sigma) if self.steps else self.estimate

    @property
    def misfit(self) -> Tensor:
        """E/T over the last steps, (B,)."""
        return (self._totals.energy / self.target).clamp_min(torch.finfo(self.target.dtype).tiny)

    def _rescale(self, energy: Tensor) -> None:
        """Robbins and Monro's steps towards E = target; a quiet sample counts no more than a loud one."""
        excess = (energy / self.target).clamp_min(1e-6).log().clamp(-3, 3)
        self._scale = self._scale - GAIN * excess / self.steps**SLOWING

    @property
    def scale_error(self) -> Tensor:
        """How far the scale swings about where it leads, a standard error (B,).

        A step of s ← s − a (p s + e), with e of variance v, keeps the variance of s at a v / (2p) for small a: a is
        this step's gain, p the growth, and v the relative variance of the mean of a step's energies.
        """
        relative = self._variance / self.misfit.square().clamp_min(torch.finfo(self.target.dtype).tiny)
        return (GAIN / self.steps**SLOWING * relative / (2 * self._totals.growth)).sqrt()

    def _correction(self) -> Tensor:
        return self._rest + _combined(self._contrast, self._coefficients, self._rest)


class Totals:
    """Running means over the last steps of the energy and of Σ_c g_c, each (B,) like `target`."""

    def __init__(self, target: Tensor) -> None:
        self.steps = 0
        self.energy = self.gradient = torch.zeros_like(target)

    def add(self, energy: Tensor, gradient: Tensor) -> None:
        """One step more: energies (B,) and gradients (B, 1, h, w)."""
        self.steps += 1
        share = 1 / min(self.steps, LAST)
        self.energy = self.energy + share * (energy - self.energy)
        self.gradient = self.gradient + share * (gradient.sum(dim=(1, 2, 3)) - self.gradient)

    @property
    def growth(self) -> Tensor:
        """d log E / d log scale; kept away from zero, where scaling would not help."""
        return growth(self.energy, self.gradient)


def growth(energy: Tensor, gradient: Tensor) -> Tensor:
    """d log E/d log scale from E and Σ_c g_c (B,), kept away from zero, where scaling would not help."""
    return (gradient / energy).nan_to_num(2.0).clamp(0.5, 8)


def residual(gradient: Tensor, bounded: Tensor, total: Tensor) -> Tensor:
    """r of the module's equation, on bounded cells; `total` (B,) is Σ_c g_c."""
    count = bounded.sum(dim=(1, 2, 3), keepdim=True)
    total = total.view(-1, 1, 1, 1)
    return torch.where(bounded & (total != 0), count * gradient / torch.where(total == 0, 1, total) - 1, 0)


def _contrast(log_sigma: Tensor, bounded: Tensor) -> Tensor:
    """Orthonormal maps (B, 2, n) that span the map less its mean and that squared; zero where a map is flat."""
    count = bounded.sum(dim=(1, 2, 3), keepdim=True).clamp_min(1)

    def centred(values: Tensor) -> Tensor:
        mean = torch.where(bounded, values, 0).sum(dim=(1, 2, 3), keepdim=True) / count
        return torch.where(bounded, values - mean, 0)

    shape = centred(log_sigma)
    found: list[Tensor] = []
    for values in (shape, centred(shape.square())):
        flat = values.flatten(1)
        size = norm(flat, dim=1, keepdim=True)
        for other in found:
            flat = flat - other * (flat * other).sum(1, keepdim=True)
        length = norm(flat, dim=1, keepdim=True)
        # What is left of a map that others already span is rounding.
        kept = length > 1e-3 * size.clamp_min(1e-3)
        found.append(torch.where(kept, flat / length.clamp_min(torch.finfo(flat.dtype).tiny), 0))
    return torch.stack(found, 1)


def _products(maps: Tensor, values: Tensor) -> Tensor:
    """Inner products of `maps` (B, q, n) with `values` (B, 1, rows, columns): (B, q)."""
    return (maps @ values.flatten(1).unsqueeze(-1)).squeeze(-1)


def _combined(maps: Tensor, coefficients: Tensor, like: Tensor) -> Tensor:
    """Σ of `maps` (B, q, n) with `coefficients` (B, q), in the shape of `like` (B, 1, rows, columns)."""
    return (coefficients.unsqueeze(1) @ maps).view_as(like)
