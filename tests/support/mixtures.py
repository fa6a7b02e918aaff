"""Entropies and informations of Gaussian mixtures in one dimension, by numerical integration."""

import math
from itertools import pairwise

import numpy as np
import torch
from scipy.integrate import quad
from torch import Tensor


def gaussian_entropy(d: int, sigma: float) -> float:
    """(d/2) log(2πeσ²)."""
    return d / 2 * math.log(2 * math.pi * math.e * sigma**2)


def entropy(centers, sigma: float) -> float:
    """The differential entropy of the mean of N(s, σ²) over the centres, in nats."""
    centers = np.asarray(centers, dtype=float).ravel()

    def weighed(t: float) -> float:
        density = np.exp(-((t - centers) ** 2) / (2 * sigma**2)).mean() / (sigma * math.sqrt(2 * math.pi))
        return -density * math.log(density) if density > 0 else 0.0

    ends = np.unique(np.concatenate([centers + shift * sigma for shift in (-10, -3, 0, 3, 10)]))
    return sum(quad(weighed, low, high, limit=200)[0] for low, high in pairwise(ends))


def slow_entropy(centers: Tensor, sigma: float, noise: Tensor) -> float:
    """−mean log g over s_j + σz, one centre after the other: `noise` (m, draws, d)."""
    d, values = centers.shape[1], []
    for center, drawn in zip(centers.double(), noise, strict=True):
        for z in drawn:
            squares = (center + sigma * z - centers.double()).square().sum(1)
            density = torch.exp(-squares / (2 * sigma**2)).mean().item() / (2 * math.pi * sigma**2) ** (d / 2)
            values.append(-math.log(density))
    return sum(values) / len(values)
