"""Magnitude pruning: of all parameters, the largest stay, and are trained again."""

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

Prunable = nn.Conv2d | nn.Linear


def prune_to(net: nn.Module, share: float) -> nn.Module:
    """`net`, of whose parameters all but `share` are held at zero from now on, exactly round(share · number of them).

    Biases stay. A weight's rank is its magnitude by the root mean square of those of its layer that are not zero: one
    threshold in units of each layer's spread, as in Han, Mao, Dally, "Deep compression", ICLR 2016, so that no layer
    is emptied because its weights are small. What was zero already goes first, and pruned again a network keeps its
    parameters, so that an optimiser still knows them. In training `weight` is the product
    of `weight_orig` and `weight_mask`; `made_permanent` ends that.

    Raises ValueError for a share that the biases alone exceed, above 1, or above what is not held at zero already.

    >>> net = prune_to(nn.Linear(9, 1), 0.4)
    >>> int((net.weight != 0).sum()), net.bias.numel()
    (3, 1)
    """
    layers = prunable(net)
    total = sum(parameter.numel() for parameter in net.parameters())
    weights = sum(layer.weight.numel() for layer in layers)
    kept = round(share * total) - (total - weights)
    if not 0 < kept <= weights:
        least = (total - weights) / total
        raise ValueError(f"expected a share of parameters above {least:.4f} and up to 1, got {share}; choose another")
    ranks = torch.cat([_rank(layer).reshape(-1) for layer in layers])
    if kept > (ranks >= 0).sum():
        raise ValueError(f"expected a share below the one that was pruned to before, got {share}; choose a smaller one")
    mask = torch.ones_like(ranks)
    mask[ranks.topk(weights - kept, largest=False).indices] = 0
    for layer, part in zip(layers, torch.split(mask, [layer.weight.numel() for layer in layers]), strict=True):
        held = part.view(layer.weight.shape)
        prune.custom_from_mask(layer, "weight", held)  # pyright: ignore[reportUnknownMemberType] - torch does not say what it takes
    return net


def _rank(layer: Prunable) -> Tensor:
    """Below zero for what is held at zero; `weight` is renewed by a pass only, which may be before the last step."""
    state = layer.state_dict()
    mask = state.get("weight_mask")
    weight = state["weight"] if mask is None else state["weight_orig"] * mask
    used = weight[weight != 0]
    ranks = weight.abs() / used.pow(2).mean().sqrt() if len(used) else weight.abs()
    return ranks if mask is None else ranks.masked_fill(mask == 0, -1)


def prunable(net: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    """Convolutions and fully connected layers."""
    return [module for module in net.modules() if isinstance(module, Prunable)]


def made_permanent(net: nn.Module) -> nn.Module:
    """`net` with plain weights, zeros where they were held at zero."""
    for layer in prunable(net):
        if prune.is_pruned(layer):  # pyright: ignore[reportUnknownMemberType] - torch does not say what it takes
            prune.remove(layer, "weight")  # pyright: ignore[reportUnknownMemberType] - torch does not say what it takes
    return net
