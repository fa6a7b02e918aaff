"""The logarithm of a Gaussian mixture's density, in pieces that fit into any memory."""

import math

import torch
from torch import Tensor

from explainers.information_flow.checks import check_count

# So many points at a time, and as many centres: 8 MiB in double precision. A graphics card has more to spare.
POINTS = 1024
CHUNK, CHUNK_OF_CARDS = 1024, 16_384
# Squared distances by products of matrices lose some spread² · 10⁻¹⁶; where it is larger, differences are taken.
SPREAD = 1e4
# What is smaller by e⁻¹⁰⁰ adds nothing; processors take ten times as long over numbers that are nearly zero.
NOTHING = -100


def log_density(points: Tensor, centers: Tensor, sigma: float, chunk: int | None = None) -> Tensor:
    r"""log g at `points` (p, d), g being the mean of N(s_j, σ²I) over the m `centers` (m, d): (p,).

    .. math:: \log g(t) = \log\sum_j e^{-\|t-s_j\|^2/2\sigma^2} - \log m - \tfrac d2\log(2\pi\sigma^2)

    By log-sum-exp in the type of the centres, with `chunk` of them at a time and 1024 points: memory does not grow with
    either number.

    >>> at_the_centre = log_density(torch.zeros(1, 2).double(), torch.zeros(1, 2).double(), 1.0)
    >>> round(at_the_centre.item(), 6) == round(-math.log(2 * math.pi), 6)
    True
    """
    usual = CHUNK if centers.device.type == "cpu" else CHUNK_OF_CARDS
    chunk = usual if chunk is None else check_count("centres at a time", chunk)
    middle = centers.mean(0)
    points, centers = (points - middle) / sigma, (centers - middle) / sigma
    exact = centers.abs().max().item() > SPREAD
    found: list[Tensor] = []
    for some in torch.split(points, POINTS):
        total = torch.full_like(some[:, 0], -math.inf)
        for part in torch.split(centers, chunk):
            total = torch.logaddexp(total, log_sum(exponents(some, part, exact)))
        found.append(total)
    return torch.cat(found) - math.log(len(centers)) - log_normaliser(centers.shape[-1], sigma)


def exponents(points: Tensor, centers: Tensor, exact: bool) -> Tensor:
    """−½‖t − s‖² for points (…, p, d) and centers (…, m, d): (…, p, m). `exact` by differences, which takes longer."""
    if exact:
        distances = torch.cdist(points, centers, compute_mode="donot_use_mm_for_euclid_dist")
        return distances.square_().mul_(-0.5)
    found = torch.matmul(points, centers.mT)
    return found.sub_(_half_squares(centers)[..., None, :]).sub_(_half_squares(points)[..., None])


def log_normaliser(d: int, sigma: float) -> float:
    """(d/2) log(2πσ²)."""
    return d / 2 * math.log(2 * math.pi * sigma**2)


def log_sum(exponent: Tensor) -> Tensor:
    """log Σ exp over the last dimension of `exponent`, which is overwritten: that takes half the memory and the time.

    >>> log_sum(torch.tensor([0.0, -1e9])).item()
    0.0
    """
    largest = exponent.amax(-1, keepdim=True)
    return exponent.sub_(largest).clamp_(min=NOTHING).exp_().sum(-1).log_() + largest[..., 0]


def _half_squares(points: Tensor) -> Tensor:
    return points.square().sum(-1) / 2
