r"""The fairness check: the same function with other weights, and what it does to a map's magnitude.

Dividing the weight and bias of layer L by c and multiplying the weight of layer L+1 by c leaves the
function as it is, and bit for bit so where c is a power of two. The feature at L shrinks by c, the gradient
of the output with respect to it grows by c, and a fair metric does not move.

Source: "Quantification and analysis of layer-wise and pixel-wise information discarding", ICML 2022,
section 3.4. Its text multiplies the bias of layer L+1 too, which changes the function: see `next_bias`.
"""

import math
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from explainers.networks.copies import structural_copy
from explainers.networks.outputs import tensors_in
from explainers.rescaling.follow import follow
from explainers.rescaling.graph import OUTPUT, operations
from explainers.rescaling.pairs import Pair, Reach, rescalable_pairs, weighted_operations

__all__ = ["Pair", "factor", "logit_change", "rescalable_pairs", "rescale", "scale_output"]


def rescale(module: nn.Module, pairs: Iterable[Pair], c: float, next_bias: bool = False) -> nn.Module:
    r"""A copy with the same function: what layer L gives out divided by c, for each of `pairs`.

    .. math:: w^{(L)} \leftarrow w^{(L)}/c,\quad b^{(L)} \leftarrow b^{(L)}/c,\quad w^{(L+1)} \leftarrow c\,w^{(L+1)}

    Several pairs are applied one after the other, so that a layer between two of them gets both. `next_bias`
    also multiplies b of layer L+1 (of the normalisation after it, where a convolution has none), as the paper's
    text prints it, and breaks the function of every network that has such a bias. The copy is in evaluation
    mode, frozen, and shares all tensors that do not change with `module`.

    Raises ValueError for a pair that may not be rescaled, and for a c that is not a positive number.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3))
    >>> x = torch.rand(1, 3, 8, 8)
    >>> other = rescale(net, rescalable_pairs(net, x), 4)
    >>> logit_change(net, other, x)
    0.0
    """
    _check_scale(c)
    copied = structural_copy(module)
    for pair in pairs:
        if not pair.rescalable:
            raise ValueError(
                f"expected a pair that may be rescaled, got {pair.layer_name} and {pair.following_name}: {pair.reason}"
            )
        _multiply(copied, pair.scaled, ("weight", "bias"), 1 / c)
        for reach in pair.reaches:
            _multiply_inputs(copied, reach, c)
        for bias in dict.fromkeys(reach.bias for reach in pair.reaches if reach.bias and next_bias):
            _multiply(copied, bias, ("bias",), c)
    return copied


def scale_output(module: nn.Module, example: Tensor, c: float) -> nn.Module:
    """A copy whose outputs are all c times larger: weight and bias of the last layer times c.

    The decisions are the same. example (B, C, H, W) is a picture that the network takes.

    Raises ValueError where what follows the last layer is not positively homogeneous (a softmax), and for a
    c that is not a positive number.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    >>> x = torch.rand(1, 3, 4, 4)
    >>> torch.equal(scale_output(net, x, 2)(x), 2 * net(x))
    True
    """
    _check_scale(c)
    last = weighted_operations(module, operations(module, example))[-1]
    way = follow(last)
    if not way.ends or way.ends[0].op is not OUTPUT or way.scaled.layer is None or way.scaled.shared:
        reason = way.reason or "its weight is not its own"
        raise ValueError(f"expected a last layer that can be scaled, got {last.layer or last.title}: {reason}")
    copied = structural_copy(module)
    _multiply(copied, way.scaled.layer, ("weight", "bias"), c)
    return copied


def logit_change(module: nn.Module, other: nn.Module, inputs: Tensor) -> float:
    """The largest absolute difference between what the two networks give for `inputs` (B, C, H, W).

    Both in evaluation mode. 0.0 means that not one bit has moved (but for the sign of a zero).
    """
    with torch.no_grad():
        outputs = (structural_copy(net)(inputs) for net in (module, other))
        before, after = (torch.cat([t.flatten() for t in tensors_in(output)]) for output in outputs)
    return (before - after).abs().max().item()


def factor(before: Tensor, after: Tensor) -> float:
    r"""The number k for which k · before comes nearest to `after`, by least squares through the origin.

    .. math:: k = \frac{\sum_i b_i a_i}{\sum_i b_i^2}

    Exact where one map is a multiple of the other, of either sign. Entries that are not finite in both maps
    are left out (unused pixels have an infinite CID); NaN where nothing is left or `before` is zero.

    >>> factor(torch.tensor([1.0, -2.0, torch.inf]), torch.tensor([4.0, -8.0, torch.inf]))
    4.0
    """
    before, after = before.double().flatten(), after.double().flatten().to(before.device)
    both = before.isfinite() & after.isfinite()
    before, after = before[both], after[both]
    largest = before.abs().max().item() if len(before) else 0.0
    if largest == 0:
        return math.nan
    # Of layer gradients of 1e-30 and less the squares would vanish.
    unit = before / largest
    return (unit @ (after / largest) / (unit @ unit)).item()


def _multiply(module: nn.Module, path: str, names: tuple[str, ...], c: float) -> None:
    part = module.get_submodule(path)
    for name in names:
        tensor = getattr(part, name, None)
        if tensor is not None:
            setattr(part, name, nn.Parameter(tensor.detach() * c, requires_grad=False))


def _multiply_inputs(module: nn.Module, reach: Reach, c: float) -> None:
    part = module.get_submodule(reach.layer)
    weight = cast(Tensor, part.weight).detach().clone()
    stop = weight.shape[reach.axis] if reach.stop is None else reach.stop
    weight.narrow(reach.axis, reach.start, stop - reach.start).mul_(c)
    part.weight = nn.Parameter(weight, requires_grad=False)


def _check_scale(c: float) -> None:
    if not (math.isfinite(c) and c > 0):
        raise ValueError(f"expected a positive number to rescale by, got {c}; powers of two keep every bit")
