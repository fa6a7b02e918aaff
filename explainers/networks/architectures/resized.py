"""A network with the widths that a weights file has: every layer keeps its kind, its kernel and its place."""

import math
from collections.abc import Mapping

import torch
from torch import nn

from explainers.networks.copies import named_parts

Shape = tuple[int, ...]


def resize(net: nn.Module, shapes: Mapping[str, Shape]) -> nn.Module:
    """`net`, whose entries get the shapes of those of the same names, changed in place.

    Convolutions may get other numbers of channels, normalisations and fully connected layers other lengths; an average
    pooling before the first fully connected layer is made as large as that layer needs.

    Raises ValueError for any other difference, which is one of kind, not of width.

    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    >>> shapes = {key: tuple(2 * n if n == 8 else n for n in value.shape) for key, value in net.state_dict().items()}
    >>> resize(net, shapes)(torch.zeros(1, 3, 5, 5)).shape
    torch.Size([1, 16, 3, 3])
    """
    for name, module in named_parts(net):
        own = {key: tuple(value.shape) for key, value in module.state_dict().items() if "." not in key}
        new = {key: shapes.get(f"{name}.{key}".lstrip("."), shape) for key, shape in own.items()}
        if new != own:
            _resize(name, module, new)
    _fit_pooling(net)
    return net


def _resize(name: str, module: nn.Module, shapes: dict[str, Shape]) -> None:
    weight = shapes.get("weight", ())
    if isinstance(module, nn.Conv2d) and len(weight) == 4 and weight[2:] == module.kernel_size:
        if module.groups > 1 and module.groups == module.in_channels:
            module.groups = weight[0]
        module.out_channels, module.in_channels = weight[0], weight[1] * module.groups
    elif isinstance(module, nn.BatchNorm2d) and len(weight) == 1:
        module.num_features = weight[0]
    elif isinstance(module, nn.Linear) and len(weight) == 2:
        module.out_features, module.in_features = weight
    else:
        raise ValueError(f"expected layers of other widths alone, got another kind of {name}")
    for key, shape in shapes.items():
        old = getattr(module, key)
        empty = torch.empty(shape, dtype=old.dtype, device=old.device)
        setattr(module, key, nn.Parameter(empty) if isinstance(old, nn.Parameter) else empty)


def _fit_pooling(net: nn.Module) -> None:
    """Torchvision's AlexNet and VGG flatten what their average pooling leaves of the last convolution."""
    pooling, linear = getattr(net, "avgpool", None), next((m for m in net.modules() if isinstance(m, nn.Linear)), None)
    convs = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    if not isinstance(pooling, nn.AdaptiveAvgPool2d) or linear is None or not convs:
        return
    side = math.isqrt(linear.in_features // convs[-1].out_channels)
    if side and side * side * convs[-1].out_channels == linear.in_features:
        pooling.output_size = (side, side)
