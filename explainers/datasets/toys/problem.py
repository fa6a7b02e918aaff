"""What a small problem is: samples with labels, some of them held out."""

from dataclasses import dataclass

import torch
from torch import Tensor

from explainers.randomness import Randomness


@dataclass(frozen=True)
class Problem:
    """Samples `x` (n, …) with labels `y` (n,), int64; `train` and `held_out` are rows of both.

    `discrete` where X takes the values `x` and no others, each with the same probability: then H(X) = log n. Else `x`
    are samples of a density, and log n is no more than how many there are.
    """

    x: Tensor
    y: Tensor
    train: Tensor
    held_out: Tensor
    discrete: bool

    @property
    def classes(self) -> int:
        """How many labels there are, 0 to classes − 1."""
        return int(self.y.max()) + 1

    def trained_on(self) -> tuple[Tensor, Tensor]:
        """The samples and labels to train on."""
        return self.x[self.train], self.y[self.train]

    def kept_back(self) -> tuple[Tensor, Tensor]:
        """The samples and labels to judge by."""
        return self.x[self.held_out], self.y[self.held_out]

    def some(self, most: int) -> tuple[Tensor, Tensor]:
        """`most` of the samples with their labels, the same each time, in the order in which they stand; or all."""
        if len(self.y) <= most:
            return self.x, self.y
        rows = torch.randperm(len(self.y), generator=Randomness(0)("some"))[:most].sort().values
        return self.x[rows], self.y[rows]


def split(x: Tensor, y: Tensor, held_out: float, discrete: bool) -> Problem:
    """The problem of these samples, of which the share `held_out`, drawn once for all, is kept back.

    >>> split(torch.arange(10.0), torch.arange(10) % 2, 0.2, True).kept_back()[0].shape
    torch.Size([2])
    """
    order = torch.randperm(len(y), generator=Randomness(0)("held out"))
    count = round(len(y) * held_out)
    return Problem(x, y, order[count:].sort().values, order[:count].sort().values, discrete)
