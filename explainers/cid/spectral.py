r"""Averaging a noisy correction of a map, trusting each spatial frequency as far as the data allow.

A stochastic gradient of the entropy under the constraint carries, per pixel and sample, about √n times
more noise than signal, but the noise is white while corrections are smooth. Each step k gives an
unbiased guess y_k of the whole correction. Its mean over steps is kept in the orthonormal cosine basis,
and in each band b of frequencies shrunk by the share of its energy that is not noise,

.. math:: w_b = \max\Big(0, 1 - \frac{R_b}{S_b}\Big),\qquad
          S_b = \overline{\bar y^2},\quad R_b = \overline{\mathrm{Var}(\bar y)},

the empirical Wiener filter (Efron & Morris, 1973, is the same estimate without frequencies).
"""

import math

import torch
from torch import Tensor

from explainers.randomness import sent

# Lower ends of the bands, in half periods per picture: finer where corrections live.
BAND_EDGES = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91)


class SpectralMean:
    """The running mean of maps (B, 1, rows, columns), shrunk band by band; later maps weigh more.

    >>> mean = SpectralMean(8, 8, torch.float64, torch.device("cpu"))
    >>> truth = torch.linspace(-1, 1, 8, dtype=torch.float64).expand(1, 1, 8, 8)
    >>> for _ in range(50): mean.add(truth + torch.randn(1, 1, 8, 8))
    >>> bool((mean.estimate() - truth).square().mean() < 0.02)
    True
    """

    def __init__(self, rows: int, columns: int, dtype: torch.dtype, device: torch.device) -> None:
        self._left = sent(cosine_basis(rows).to(dtype), device)
        self._right = sent(cosine_basis(columns).to(dtype), device)
        bands = _bands(rows, columns)
        self._bands, self._band = int(bands.max()) + 1, sent(bands, device)
        self._steps = 0
        self._weight = self._weight2 = 0.0
        self._mean = self._scatter = torch.zeros(1, 1, rows, columns, dtype=dtype, device=device)

    def add(self, guess: Tensor) -> None:
        """One more guess. Guess k weighs √k: the first ones were made farthest from the answer."""
        self._steps += 1
        weight = math.sqrt(self._steps)
        self._weight += weight
        self._weight2 += weight**2
        change = self._left @ guess @ self._right.T - self._mean
        self._mean = self._mean + change * (weight / self._weight)
        self._scatter = self._scatter + weight * change * (change * (1 - weight / self._weight))

    def estimate(self) -> Tensor:
        """The shrunk mean, without its constant part; zero before there are enough guesses to judge noise."""
        if self._steps < 4:
            return torch.zeros_like(self._mean)
        effective = self._weight**2 / self._weight2
        noise = self._scatter / self._weight / (effective - 1)
        signal, noise = self._per_band(self._mean.square()), self._per_band(noise)
        trust = (1 - noise / signal.clamp_min(torch.finfo(signal.dtype).tiny)).clamp(0, 1)
        trust[..., 0] = 0
        kept = self._mean * trust[..., self._band]
        return self._left.T @ kept @ self._right

    def _per_band(self, values: Tensor) -> Tensor:
        """Means over the bands: (B, 1, rows, columns) -> (B, 1, bands)."""
        index = self._band.flatten().expand(*values.shape[:2], -1)
        sums = values.new_zeros(*values.shape[:2], self._bands)
        counts = sums.scatter_add(-1, index, torch.ones_like(index, dtype=values.dtype))
        return sums.scatter_add(-1, index, values.flatten(2)) / counts.clamp_min(1)


def cosine_basis(n: int) -> Tensor:
    """The orthonormal discrete cosine transform (DCT-II) as an n × n matrix, float64.

    >>> basis = cosine_basis(5)
    >>> torch.allclose(basis @ basis.T, torch.eye(5, dtype=torch.float64))
    True
    """
    k = torch.arange(n, dtype=torch.float64)
    basis = torch.cos(math.pi / n * torch.outer(k, k + 0.5)) * math.sqrt(2 / n)
    basis[0] /= math.sqrt(2)
    return basis


def _bands(rows: int, columns: int) -> Tensor:
    """The band of every frequency; band 0 is the constant part."""
    frequency = torch.hypot(
        torch.arange(rows, dtype=torch.float64).unsqueeze(1), torch.arange(columns, dtype=torch.float64)
    )
    return torch.bucketize(frequency, torch.tensor(BAND_EDGES, dtype=torch.float64), right=True)
