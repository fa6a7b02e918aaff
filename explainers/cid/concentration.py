"""Concentration: how much more a layer discards of the background than of the foreground."""

import numpy as np
import torch
from torch import Tensor


def concentration(
    entropy: Tensor, mask: Tensor | np.ndarray | None = None, box: tuple[int, int, int, int] | None = None
) -> Tensor:
    r"""Mean entropy of the background minus mean entropy of the foreground, in nats, per picture (B,).

    .. math:: \frac{1}{n-|\Lambda|}\sum_{i\notin\Lambda} H_i - \frac{1}{|\Lambda|}\sum_{i\in\Lambda} H_i

    `entropy` is (B, 1, H, W) or (H, W) in nats; the foreground Λ is a boolean `mask` of the same height and
    width, or a half-open `box` (x0, y0, x1, y1) in pixels. Pixels of infinite entropy are left out on both
    sides: one unused pixel would hide all others.

    Raises ValueError where not exactly one of mask and box is given, where sizes differ, and where a side
    is empty.

    Source: "Quantification and analysis of layer-wise and pixel-wise information discarding", ICML 2022, Eq. 5.

    >>> concentration(torch.tensor([[1.0, 3.0], [3.0, 3.0]]), box=(0, 0, 1, 1))
    tensor([2.])
    """
    if (mask is None) == (box is None):
        raise ValueError("expected either a mask or a box as the foreground, got both or none")
    entropy = entropy.reshape(-1, *entropy.shape[-2:])
    height, width = entropy.shape[-2:]
    inside = torch.as_tensor(mask) if box is None else _from_box(box, height, width)
    if inside.shape[-2:] != (height, width):
        raise ValueError(
            f"expected a mask of {height}×{width} pixels like the map, got {inside.shape[-2]}×{inside.shape[-1]}"
        )
    inside = inside.bool().to(entropy.device).reshape(-1, height, width).expand(len(entropy), -1, -1)
    finite = entropy.isfinite()
    return _mean(entropy, ~inside & finite, "background") - _mean(entropy, inside & finite, "foreground")


def _from_box(box: tuple[int, int, int, int], height: int, width: int) -> Tensor:
    x0, y0, x1, y1 = box
    inside = torch.zeros(height, width, dtype=torch.bool)
    inside[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
    return inside


def _mean(entropy: Tensor, where: Tensor, side: str) -> Tensor:
    count = where.sum(dim=(1, 2))
    if (count == 0).any():
        raise ValueError(
            f"expected at least one pixel of finite entropy in the {side}, got none; "
            f"concentration is undefined without both sides"
        )
    return entropy.where(where, torch.zeros_like(entropy)).sum(dim=(1, 2)) / count
