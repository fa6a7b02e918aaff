"""Torch's modules by the operation that each makes, with the operation's own arguments."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

aten = torch.ops.aten
Sizes = Sequence[int]


def _with(module: nn.Module, **tensors: Tensor | None) -> nn.Module:
    """The module, made without memory, holding these parameters and buffers."""
    buffers = {name for name, _ in module.named_buffers()}
    for name, value in tensors.items():
        if value is not None and not isinstance(value, nn.Parameter) and name not in buffers:
            value = nn.Parameter(value, False)
        setattr(module, name, value)
    return module


def _conv(kind: type[nn.Module]) -> Callable[..., nn.Module]:
    def make(
        weight: Tensor, bias: Tensor | None, stride: Sizes, padding: str | Sizes, dilation: Sizes, groups: int
    ) -> nn.Module:
        module = kind(
            weight.shape[1] * groups, len(weight), tuple(weight.shape[2:]), _tuple(stride), _text_or_tuple(padding),
            _tuple(dilation), groups, bias is not None, device="meta",
        )  # fmt: skip
        return _with(module, weight=weight, bias=bias)

    return make


def _up(kind: type[nn.Module]) -> Callable[..., nn.Module]:
    def make(
        weight: Tensor,
        bias: Tensor | None,
        stride: Sizes,
        padding: Sizes,
        output_padding: Sizes,
        groups: int,
        dilation: Sizes,
    ) -> nn.Module:
        module = kind(
            len(weight), weight.shape[1] * groups, tuple(weight.shape[2:]), _tuple(stride), _tuple(padding),
            _tuple(output_padding), groups, bias is not None, _tuple(dilation), device="meta",
        )  # fmt: skip
        return _with(module, weight=weight, bias=bias)

    return make


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Module:
    module = nn.Linear(weight.shape[1], len(weight), bias is not None, device="meta")
    return _with(module, weight=weight, bias=bias)


def _batch_norm(
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> nn.Module | None:
    if training or running_mean is None:
        return None
    module = nn.BatchNorm2d(len(running_mean), eps, momentum, weight is not None, device="meta")
    module.num_batches_tracked = torch.zeros((), dtype=torch.long)
    return _with(module, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)


def _layer_norm(
    normalized_shape: Sizes, weight: Tensor | None, bias: Tensor | None, eps: float, cudnn_enable: bool
) -> nn.Module:
    module = nn.LayerNorm(list(normalized_shape), eps, weight is not None, bias is not None, device="meta")
    return _with(module, weight=weight, bias=bias)


def _group_norm(
    num_groups: int, weight: Tensor | None, bias: Tensor | None, eps: float, cudnn_enabled: bool
) -> nn.Module | None:
    if weight is None:
        return None
    return _with(nn.GroupNorm(num_groups, len(weight), eps, device="meta"), weight=weight, bias=bias)


def _max_pool(kernel_size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool) -> nn.Module:
    return nn.MaxPool2d(
        _tuple(kernel_size), _tuple(stride) or None, _tuple(padding), _tuple(dilation), ceil_mode=ceil_mode
    )


def _avg_pool(
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> nn.Module:
    return nn.AvgPool2d(
        _tuple(kernel_size), _tuple(stride) or None, _tuple(padding), ceil_mode, count_include_pad, divisor_override
    )


def _dropout(p: float, train: bool) -> nn.Module | None:
    return None if train else nn.Dropout(p)


def _hardtanh(min_val: float, max_val: float) -> nn.Module:
    return nn.ReLU6() if (min_val, max_val) == (0, 6) else nn.Hardtanh(min_val, max_val)


def _adaptive_avg_pool(output_size: Sizes) -> nn.Module:
    return nn.AdaptiveAvgPool2d(_tuple(output_size))


def _leaky_relu(negative_slope: float) -> nn.Module:
    return nn.LeakyReLU(negative_slope)


def _flatten(start_dim: int, end_dim: int) -> nn.Module | None:
    return nn.Flatten(start_dim, end_dim) if start_dim else None


def _tuple(value: Sizes) -> Any:
    return tuple(value)


def _text_or_tuple(value: str | Sizes) -> str | tuple[int, ...]:
    return value if isinstance(value, str) else tuple(value)


# Each makes a module of the operation's arguments after the first, by name; None where no module does the same.
MODULES: dict[Any, Callable[..., nn.Module | None]] = {
    aten.conv1d.default: _conv(nn.Conv1d),
    aten.conv2d.default: _conv(nn.Conv2d),
    aten.conv2d.padding: _conv(nn.Conv2d),
    aten.conv_transpose2d.input: _up(nn.ConvTranspose2d),
    aten.linear.default: _linear,
    aten.batch_norm.default: _batch_norm,
    aten.layer_norm.default: _layer_norm,
    aten.group_norm.default: _group_norm,
    aten.max_pool2d.default: _max_pool,
    aten.avg_pool2d.default: _avg_pool,
    aten.adaptive_avg_pool2d.default: _adaptive_avg_pool,
    aten.relu.default: nn.ReLU,
    aten.relu6.default: nn.ReLU6,
    aten.hardtanh.default: _hardtanh,
    aten.sigmoid.default: nn.Sigmoid,
    aten.tanh.default: nn.Tanh,
    aten.silu.default: nn.SiLU,
    aten.gelu.default: nn.GELU,
    aten.hardswish.default: nn.Hardswish,
    aten.hardsigmoid.default: nn.Hardsigmoid,
    aten.leaky_relu.default: _leaky_relu,
    aten.dropout.default: _dropout,
    aten.flatten.using_ints: _flatten,
}
