"""The information in a single neuron, by numerical integration: what the estimates are held against."""

import math

import numpy as np
from scipy.integrate import trapezoid
from scipy.special import logsumexp
from torch import Tensor

# Steps of integration for each σ, and how many σ beyond the outermost centre there is nothing left.
STEPS, BEYOND = 16, 12


def integrated_information(centers: Tensor, sigma: float) -> float:
    r"""I(X;T) in nats of T = s_X + Z, Z ~ N(0, σ²), for X uniform over the n numbers `centers` (n,) or (n, 1).

    .. math:: I = -\int g \log g\,dt - \tfrac12\log(2\pi e\sigma^2),\qquad g(t) = \frac1n\sum_i N(t; s_i, \sigma^2)

    Sums over even steps of functions that fall off on both sides are exact to rounding.

    >>> import torch
    >>> round(integrated_information(torch.tensor([-1.0, 1.0]), 0.01) / math.log(2), 9)
    1.0
    """
    points = centers.double().flatten().numpy() / sigma
    grid = np.arange(points.min() - BEYOND, points.max() + BEYOND, 1 / STEPS)
    logs = logsumexp(-((grid[:, None] - points) ** 2) / 2, axis=1) - math.log(len(points)) - math.log(2 * math.pi) / 2
    return float(trapezoid(-np.exp(logs) * logs, grid)) - (1 + math.log(2 * math.pi)) / 2
