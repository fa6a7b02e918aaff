r"""A network that loses nothing and says some things more quietly: some filters of a layer scaled by s.

.. math:: w_k \leftarrow s\,w_k,\quad b_k \leftarrow s\,b_k \qquad\text{for the chosen filters } k

After a positively homogeneous activation the feature is multiplied by a diagonal matrix, which can be undone: no
information is lost. CID moves all the same, because it asks how much of the feature's change a pixel causes.

Source: "Quantification and analysis of layer-wise and pixel-wise information discarding", ICML 2022,
Appendix D, which halves half of the filters.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn

from explainers.networks.copies import structural_copy
from explainers.rescaling.pairs import Pair


def scale_filters(module: nn.Module, pair: Pair, chosen: Tensor, scale: float = 0.5) -> nn.Module:
    """A copy in which the `chosen` filters of the first layer of `pair` give out `scale` times as much.

    `chosen` is (channels,) bool. The copy is in evaluation mode, frozen, and shares all other tensors
    with `module`. Its next layer is left as it is, so above the layer it is another function.

    Raises ValueError for a pair that may not be rescaled, a mask of another length, and a scale that is not a
    positive number.

    >>> from explainers.rescaling.rescale import rescalable_pairs
    >>> net = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 1))
    >>> x = torch.rand(1, 3, 4, 4)
    >>> other = scale_filters(net, rescalable_pairs(net, x)[0], torch.tensor([True, False]))
    >>> torch.equal(other[:2](x) * torch.tensor([2.0, 1.0]).view(2, 1, 1), net[:2](x))
    True
    """
    if not pair.rescalable:
        raise ValueError(f"expected a layer whose filters may be scaled, got {pair.layer_name}: {pair.reason}")
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"expected a positive number to scale filters by, got {scale}")
    copied = structural_copy(module)
    part = copied.get_submodule(pair.scaled)
    weight = cast(Tensor, part.weight)
    if chosen.shape != weight.shape[:1]:
        raise ValueError(f"expected one choice for each of {len(weight)} filters, got {tuple(chosen.shape)}")
    factors = torch.where(chosen.to(weight.device), scale, 1.0).to(weight.dtype)
    for name in ("weight", "bias"):
        tensor = getattr(part, name, None)
        if tensor is not None:
            scaled = tensor.detach() * factors.view(-1, *[1] * (tensor.dim() - 1))
            setattr(part, name, nn.Parameter(scaled, requires_grad=False))
    return copied
