"""How well a picture is given back under the noise so far: E(x_i − x̂'_i)² per pixel, and the mean entropy of that."""

from collections.abc import Generator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explainers.cid.constraint import Estimate
from explainers.cid.sampling import Sampler
from explainers.ru.sampling import ReconstructionSampler

# Errors below a millionth count as one: a perfect reconstruction is not −∞.
SMALLEST_SQUARE = 1e-12
# Samples are drawn so many at a time, whatever the chunk, and the spread of their means is the error of all.
BLOCK = 16


@dataclass(frozen=True)
class Reconstruction:
    """σ so far, with E(x_i − x̂'_i)² under it, (B, D'), and how far (B,) its mean entropy may be off."""

    estimate: Estimate
    square_errors: Tensor
    error: Tensor


def entropy_logarithm(square_errors: Tensor) -> Tensor:
    """log V, for V of at least SMALLEST_SQUARE."""
    return square_errors.clamp_min(SMALLEST_SQUARE).log()


def mean_logarithm(square_errors: Tensor) -> Tensor:
    """Mean of ½ log V over the pixels: (..., D') -> (...)."""
    return 0.5 * entropy_logarithm(square_errors).mean(-1)


def own_errors(decoded: ReconstructionSampler) -> Tensor:
    """b², what the decoder gets wrong without any noise, (B, D')."""
    return (decoded.f - decoded.picture).square()


def own_part(own: Tensor, square_errors: Tensor) -> Tensor:
    """Mean of b²/V over the pixels, (B,), at most 1: the mean entropy rises by ½(1 − that) where E grows e-fold."""
    return (own / square_errors.clamp_min(SMALLEST_SQUARE)).clamp(max=1).mean(-1)


def pairs(sampler: Sampler, samples: int, generator: torch.Generator) -> Tensor:
    """δ and −δ, (samples, C, H, W)."""
    half = sampler.noise(samples // 2, generator)
    return torch.cat([half, -half])


def enough(decoded: ReconstructionSampler, least: int, most: int, pixels: int = 1 << 16) -> int:
    """How many samples, a multiple of BLOCK, make so many pixels: a small picture averages over few."""
    wanted = pixels // BLOCK // decoded.picture.shape[1] * BLOCK
    return min(most, max(least, wanted))


@dataclass(frozen=True)
class Measured:
    """Of pairs ±δ: (picture − g(f'))² as means of blocks, (m, B, D'), and ‖f'−f‖² as means of pairs, (k, B).

    A pair cancels what a small noise does in first order to the decoder's own error.
    """

    errors: Tensor
    energies: Tensor

    @property
    def energy_error(self) -> Tensor:
        """Standard error of the mean of the energies relative to it, (B,)."""
        return self.energies.std(0) / self.energies.mean(0).clamp_min(_tiny(self.energies)) / len(self.energies) ** 0.5

    @property
    def largest_share(self) -> Tensor:
        """Of the largest pair in the sum of the energies, (B,)."""
        return self.energies.amax(0) / self.energies.sum(0).clamp_min(_tiny(self.energies))

    def error(self, own: Tensor) -> Tensor:
        """Standard error (B,) of the mean entropy: of its own samples, and of the scale that they set."""
        means = mean_logarithm(self.errors)
        sampling = means.std(0) / len(means) ** 0.5
        return torch.hypot(sampling, 0.5 * (1 - own_part(own, self.errors.mean(0))) * self.energy_error)


def measured(
    decoded: ReconstructionSampler, log_sigma: Tensor, samples: int, generator: torch.Generator
) -> Generator[None, None, Measured]:
    """So many samples, with a pause after every chunk of them."""
    errors: list[Tensor] = []
    energies: list[Tensor] = []
    for _ in range(samples // BLOCK):
        total, block = torch.zeros_like(decoded.picture), decoded.x.new_empty(0, len(decoded.x))
        for energy, part in decoded.errors(log_sigma, pairs(decoded, BLOCK, generator)):
            total, block = total + part, torch.cat([block, energy])
            yield
        errors.append(total / BLOCK)
        energies.append(torch.unflatten(block, 0, (2, BLOCK // 2)).mean(0))
    return Measured(torch.stack(errors), torch.cat(energies))


def at_constraint(found: Measured, now: Reconstruction, own: Tensor, target: Tensor) -> Reconstruction:
    """`now` scaled to E‖f'−f‖² = `target` (B,) by what was measured under it, with the errors that are expected there.

    What the noise adds to the decoder's own error grows as its square.
    """
    reached = found.energies.mean(0) / target
    change = torch.where(reached > 0, -reached.log() / now.estimate.growth, 0)
    errors = found.errors.mean(0)
    scaled = own + (errors - own) * (2 * change).exp().unsqueeze(1)
    log_sigma = now.estimate.log_sigma + change.view(-1, 1, 1, 1)
    return Reconstruction(
        replace(now.estimate, log_sigma=log_sigma), torch.maximum(scaled, errors / 4), found.error(own)
    )


def _tiny(values: Tensor) -> float:
    return torch.finfo(values.dtype).tiny
