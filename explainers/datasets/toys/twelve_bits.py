"""Twelve bits on a sphere: is the pattern lopsided?

The bits, as −1 and 1, stand at the twelve corners of an icosahedron. The label is 1 where |Σ xᵢuᵢ|², their pull away
from the centre, is above a threshold that halves the patterns: rotations and reflections of the sphere change nothing,
as in the problem of Shwartz-Ziv and Tishby, "Opening the black box of deep neural networks via information", 2017.
"""

import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from explainers.datasets.toys.problem import Problem, split

BITS = 12
# 2,060 patterns pull less, 2,036 more; the nearest have 8.84 and 11.58.
THRESHOLD = 10.0
HELD_OUT = 0.2


def corners() -> np.ndarray:
    """The unit vectors (12, 3) of the corners; two of them meet at an angle with cosine ±1/√5, or are opposite."""
    golden = (1 + 5**0.5) / 2
    found = [
        turned for a in (1.0, -1.0) for b in (golden, -golden) for turned in ((0.0, a, b), (a, b, 0.0), (b, 0.0, a))
    ]
    return np.array(found) / np.hypot(1, golden)


def patterns() -> Tensor:
    """All 4,096 patterns (4096, 12) of −1 and 1, as binary numbers counted up."""
    numbers = torch.arange(2**BITS)[:, None]
    return 2 * (numbers >> torch.arange(BITS - 1, -1, -1) & 1).float() - 1


def pull(x: Tensor) -> Tensor:
    """|Σ xᵢuᵢ|² of patterns (n, 12): how far they pull away from the centre, (n,).

    >>> pull(torch.ones(1, 12)).round().item()
    0.0
    """
    return (x.double() @ torch.tensor(corners())).square().sum(1)


def twelve_bits() -> Problem:
    """X uniform on all patterns, 819 of them held out.

    >>> twelve_bits().y.bincount().tolist()
    [2060, 2036]
    """
    x = patterns()
    return split(x, (pull(x) > THRESHOLD).long(), HELD_OUT, discrete=True)


def read_twelve_bits(path: Path) -> Problem:
    """The problem of another rule: a NumPy archive with the patterns `F` (4096, 12) of 0 and 1 and the labels `y`.

    That is the form of `var_u` of Shwartz-Ziv and Tishby's code. Raises ValueError for anything else.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as found:
            bits, labels = found["F"], found["y"].ravel()
    except OSError as error:
        raise ValueError(f"expected a file with a rule, '{path.name}' cannot be read: {error.strerror}") from None
    except (KeyError, ValueError, AttributeError, zipfile.BadZipFile, EOFError):
        raise ValueError(
            f"expected a NumPy archive with the arrays F and y, got something else in '{path.name}'; choose another"
        ) from None
    whole = bits.shape == (2**BITS, BITS) and labels.shape == (2**BITS,)
    if not whole or not {*np.unique(bits)} == {*np.unique(labels)} == {0, 1} or len(np.unique(bits, axis=0)) < 2**BITS:
        raise ValueError(
            f"expected every pattern of twelve bits with a label, 0 or 1, got F of {bits.shape} and y of "
            f"{labels.shape} in '{path.name}'; choose another"
        )
    x = 2 * torch.tensor(bits, dtype=torch.float32) - 1
    return split(x, torch.tensor(labels, dtype=torch.int64), HELD_OUT, discrete=True)
