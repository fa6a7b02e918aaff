"""Handwritten digits of 8×8 pixels, which come with scikit-learn."""

import torch
from sklearn.datasets import load_digits

from explainers.datasets.toys.problem import Problem, split

SIDE, LEVELS = 8, 16


def digits() -> Problem:
    """1,797 pictures (n, 1, 8, 8) from −1 (paper) to 1 (ink), a fifth held out; X has many more values than these.

    Source: Alpaydin and Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning Repository 1998.

    >>> digits().x.shape, digits().classes
    (torch.Size([1797, 1, 8, 8]), 10)
    """
    found = load_digits()
    x = torch.tensor(found.images, dtype=torch.float32)[:, None] * (2 / LEVELS) - 1
    return split(x, torch.tensor(found.target, dtype=torch.int64), 0.2, discrete=False)
