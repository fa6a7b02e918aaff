"""Three spirals in the plane, wound around each other."""

import math

import torch

from explainers.datasets.toys.problem import Problem, split
from explainers.randomness import Randomness

ARMS, POINTS = 3, 512
# Turns of an arm, where it begins as a share of where it ends, at 1, and how far points stray from it.
TURNS, BEGIN, STRAY = 1.0, 0.1, 0.02


def spirals(arms: int = ARMS, points: int = POINTS, seed: int = 0) -> Problem:
    """`points` on each of `arms` spirals, the arm as label, a third held out; X has a density.

    >>> spirals().x.shape, spirals().classes
    (torch.Size([1536, 2]), 3)
    """
    drawn = Randomness(seed)("spirals")
    label = torch.arange(arms).repeat_interleave(points)
    along = torch.rand(arms * points, generator=drawn)
    radius = BEGIN + (1 - BEGIN) * along
    angle = 2 * math.pi * (TURNS * along + label / arms)
    x = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    return split(x + STRAY * torch.randn(x.shape, generator=drawn), label, 1 / 3, discrete=False)
