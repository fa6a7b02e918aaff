"""What samples of E‖f'−f‖² have said so far, in four numbers that join with those of other samples."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Of samples of a quantity that is not negative: how many, their mean, Σ(x − mean)² and the largest, each (B,).

    >>> parts = torch.tensor([[1.0], [2.0], [6.0]]), torch.tensor([[3.0], [3.0]])
    >>> joined, whole = Moments.of(parts[0]).joined(Moments.of(parts[1])), Moments.of(torch.cat(parts))
    >>> joined.count.item(), joined.mean.item(), joined.scatter.item(), joined.largest_share.item()
    (5.0, 3.0, 14.0, 0.4000000059604645)
    >>> torch.allclose(joined.error, whole.error)
    True
    """

    count: Tensor
    mean: Tensor
    scatter: Tensor
    largest: Tensor

    @classmethod
    def none(cls, like: Tensor) -> Moments:
        """Of no samples at all; `like` is (B,)."""
        zero = torch.zeros_like(like)
        return cls(zero, zero, zero, zero)

    @classmethod
    def of(cls, samples: Tensor) -> Moments:
        """Of `samples` (m, B)."""
        mean = samples.mean(0)
        return cls(torch.full_like(mean, len(samples)), mean, (samples - mean).square().sum(0), samples.amax(0))

    def joined(self, other: Moments) -> Moments:
        """Of these samples and those together."""
        count = self.count + other.count
        share = other.count / count.clamp_min(1)
        apart = other.mean - self.mean
        scatter = self.scatter + other.scatter + apart.square() * share * self.count
        return Moments(count, self.mean + share * apart, scatter, torch.maximum(self.largest, other.largest))

    def times(self, factor: Tensor) -> Moments:
        """Of the same samples, each times `factor` (B,)."""
        return replace(
            self, mean=self.mean * factor, scatter=self.scatter * factor.square(), largest=self.largest * factor
        )

    @property
    def error(self) -> Tensor:
        """Standard error of the mean."""
        return (self.scatter / (self.count - 1).clamp_min(1) / self.count.clamp_min(1)).sqrt()

    @property
    def largest_share(self) -> Tensor:
        """Of the largest sample in the sum."""
        return self.largest / (self.mean * self.count).clamp_min(torch.finfo(self.mean.dtype).tiny)
