"""What earlier work took for information: entropies of activations that are sorted into bins."""

import math

import numpy as np
from torch import Tensor

from explainers.information_flow.checks import check_labels, check_points


def binned_entropy(t: Tensor, width: float) -> float:
    r"""H(Bin(T)) of activations `t` (n, d) in bins of `width` along every unit, from 0 on in both directions; in nats.

    .. math:: H = -\sum_b p_b \log p_b,\qquad p_b = \tfrac1n\,\#\{i : \lfloor t_i/\text{width}\rfloor = b\}

    At most log n. For a deterministic network it is I(X;Bin(T)), a number that the width decides: it measures how the
    points cluster at that scale, and is not I(X;T), for which see `deterministic_information`. Raises ValueError for a
    width that is not positive, and for activations that are not finite or not (n, d).

    >>> import torch
    >>> t = torch.tensor([[0.1], [0.2], [0.6], [0.7]])
    >>> [round(binned_entropy(t, width) / math.log(2), 6) for width in (0.01, 0.5, 1)]
    [2.0, 1.0, 0.0]
    """
    return _entropy(_cells(check_points(t), width))


def binned_information(t: Tensor, width: float, labels: Tensor | None = None) -> float:
    r"""I(X;Bin(T)), or I(Y;Bin(T)) with `labels` (n,), in nats, for X uniform over n inputs.

    .. math:: I(X;\mathrm{Bin}(T)) = H(\mathrm{Bin}(T)) - \tfrac1n\sum_i H(\mathrm{Bin}(T)\mid X = x_i)

    `t` is (n, d) for a deterministic network, where the second term is 0, and (n, K, d) for K propagations of each
    input through a noisy one. For labels the samples are grouped by them. Raises ValueError as `binned_entropy` does,
    and for labels that do not fit.

    >>> import torch
    >>> t = torch.tensor([[0.1], [0.2], [0.6], [0.7]])
    >>> round(binned_information(t, 0.5, torch.tensor([0, 0, 1, 1])) / math.log(2), 6)
    1.0
    """
    if t.ndim not in (2, 3):
        raise ValueError(f"expected activations of shape (n, d) or (n, K, d), got {tuple(t.shape)}; flatten the units")
    repeats = t.shape[1] if t.ndim == 3 else 1
    cells = _cells(check_points(t.flatten(0, -2)), width)
    groups = np.arange(len(t)) if labels is None else check_labels(labels, len(t)).cpu().numpy()
    groups = np.repeat(groups, repeats)
    # H(B) − H(B|G) = H(B) + H(G) − H(B, G).
    return max(0.0, _entropy(cells) + _entropy(groups) - _entropy(np.stack([cells, groups], 1)))


def _cells(t: Tensor, width: float) -> np.ndarray:
    """The number of the bin of each point (n,)."""
    if not (math.isfinite(width) and width > 0):
        raise ValueError(f"expected a width of bins above 0, got {width:g}; 0.07 and 0.5 have been in use")
    return np.unique(np.floor(t.cpu().numpy() / width), axis=0, return_inverse=True)[1].ravel()


def _entropy(values: np.ndarray) -> float:
    shares = np.unique(values, axis=0, return_counts=True)[1] / len(values)
    return float(-(shares * np.log(shares)).sum()) + 0.0
