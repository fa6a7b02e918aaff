"""The entropy of a Gaussian mixture, by Monte Carlo."""

from dataclasses import replace

import torch
from torch import Tensor

from explainers.information_flow.checks import (
    check_confidence,
    check_count,
    check_points,
    check_seed,
    check_sigma,
    check_units,
)
from explainers.information_flow.density import log_density
from explainers.information_flow.monte_carlo import averaged
from explainers.information_flow.records import CONFIDENCE, MANY_UNITS, Estimate
from explainers.randomness import Randomness, normal

# Noise is drawn for so many centres at a time, whatever is computed at once.
BLOCK = 1024


def gaussian_mixture_entropy(
    centers: Tensor,
    sigma: float,
    *,
    draws: int = 10,
    seed: int = 0,
    chunk: int | None = None,
    confidence: float = CONFIDENCE,
    force: bool = False,
) -> Estimate:
    r"""The differential entropy of the mean of N(s_j, σ²I) over the m rows of `centers` (m, d), in nats.

    .. math:: \hat h = -\frac1{mk}\sum_{j=1}^m\sum_{i=1}^k \log g(s_j + \sigma z_{ji}),\qquad
              g(t) = \frac1m\sum_j N(t; s_j, \sigma^2 I)

    with k `draws` of z ~ N(0, I) for each centre, less b(‖z‖² − d)/2, whose mean is 0 (`averaged`). The same arguments
    give the same number, on every device but for the rounding; `chunk` centres are looked at together, which changes
    nothing but memory: beside the centres it does not grow with their number. Flag: "many dimensions".

    Raises ValueError for a σ that is not positive, centres that are not finite or not (m, d), more than 32 units
    without `force`, and fewer than two draws in all.

    Source: Goldfeld et al., "Estimating Information Flow in Deep Neural Networks", ICML 2019.

    >>> one = gaussian_mixture_entropy(torch.zeros(1, 1), 1.0)
    >>> round(one.value, 3)
    1.419
    """
    sigma, centers = check_sigma(sigma), check_points(centers)
    check_seed(seed)
    m, d = centers.shape
    check_units(d, force)
    check_count("draws of T in all", m * check_count("draws", draws), 2)
    values, control = torch.empty(2, m, draws, dtype=torch.float64, device=centers.device)
    for start in range(0, m, BLOCK):
        block = slice(start, start + BLOCK)
        noise = mixture_noise(centers[block], draws, seed, start)
        points = (centers[block, None] + sigma * noise).flatten(0, 1)
        values[block] = -log_density(points, centers, sigma, chunk).view(-1, draws)
        control[block] = excess(noise)
    estimate = averaged(values, control, check_confidence(confidence))[0]
    return replace(estimate, flags=("many dimensions",) if d >= MANY_UNITS else ())


def mixture_noise(block: Tensor, draws: int, seed: int, start: int) -> Tensor:
    """z ~ N(0, I) for `block` (b, d), the inputs from `start` on: (b, draws, d)."""
    return normal(len(block), draws, block.shape[-1], like=block, generator=Randomness(seed)("mixture", start))


def excess(noise: Tensor) -> Tensor:
    """(‖z‖² − d)/2, whose mean is 0: what −log N(z; 0, I) has beyond its mean."""
    return (noise.square().sum(-1) - noise.shape[-1]) / 2
