"""Torch's modules by the operation that each makes, with the operation's own arguments."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

aten = torch.ops.aten


def _with(module: nn.Module, **tensors: Tensor | None) -> nn.Module:
    """The module, made without memory, holding these parameters and buffers."""
    for name, value in tensors.items():
        buffer = name in module._buffers
        value = value if buffer or value is None or isinstance(value, nn.Parameter) else nn.Parameter(value, False)
        setattr(module, name, value)
    return module


def _conv(kind: type[nn.Module]) -> Callable[..., nn.Module]:
    def make(weight, bias, stride, padding, dilation, groups):
        module = kind(
            weight.shape[1] * groups, len(weight), tuple(weight.shape[2:]), _tuple(stride), _text_or_tuple(padding),
            _tuple(dilation), groups, bias is not None, device="meta",
        )  # fmt: skip
        return _with(module, weight=weight, bias=bias)

    return make


def _up(kind: type[nn.Module]) -> Callable[..., nn.Module]:
    def make(weight, bias, stride, padding, output_padding, groups, dilation):
        module = kind(
            len(weight), weight.shape[1] * groups, tuple(weight.shape[2:]), _tuple(stride), _tuple(padding),
            _tuple(output_padding), groups, bias is not None, _tuple(dilation), device="meta",
        )  # fmt: skip
        return _with(module, weight=weight, bias=bias)

    return make


def _linear(weight, bias):
    module = nn.Linear(weight.shape[1], len(weight), bias is not None, device="meta")
    return _with(module, weight=weight, bias=bias)


def _batch_norm(weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled):
    if training or running_mean is None:
        return None
    module = nn.BatchNorm2d(len(running_mean), eps, momentum, weight is not None, device="meta")
    module.num_batches_tracked = torch.zeros((), dtype=torch.long)
    return _with(module, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)


def _layer_norm(normalized_shape, weight, bias, eps, cudnn_enable):
    module = nn.LayerNorm(list(normalized_shape), eps, weight is not None, bias is not None, device="meta")
    return _with(module, weight=weight, bias=bias)


def _group_norm(num_groups, weight, bias, eps, cudnn_enabled):
    if weight is None:
        return None
    return _with(nn.GroupNorm(num_groups, len(weight), eps, device="meta"), weight=weight, bias=bias)


def _max_pool(kernel_size, stride, padding, dilation, ceil_mode):
    return nn.MaxPool2d(
        _tuple(kernel_size), _tuple(stride) or None, _tuple(padding), _tuple(dilation), ceil_mode=ceil_mode
    )


def _avg_pool(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    return nn.AvgPool2d(
        _tuple(kernel_size), _tuple(stride) or None, _tuple(padding), ceil_mode, count_include_pad, divisor_override
    )


def _dropout(p, train):
    return None if train else nn.Dropout(p)


def _hardtanh(min_val, max_val):
    return nn.ReLU6() if (min_val, max_val) == (0, 6) else nn.Hardtanh(min_val, max_val)


def _tuple(value: Sequence[int]) -> Any:
    return tuple(value)


def _text_or_tuple(value: str | Sequence[int]) -> str | tuple[int, ...]:
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
    aten.adaptive_avg_pool2d.default: lambda output_size: nn.AdaptiveAvgPool2d(_tuple(output_size)),
    aten.adaptive_max_pool2d.default: lambda output_size: None,
    aten.relu.default: nn.ReLU,
    aten.relu6.default: nn.ReLU6,
    aten.hardtanh.default: _hardtanh,
    aten.sigmoid.default: nn.Sigmoid,
    aten.tanh.default: nn.Tanh,
    aten.silu.default: nn.SiLU,
    aten.gelu.default: lambda approximate: nn.GELU(approximate),
    aten.hardswish.default: nn.Hardswish,
    aten.hardsigmoid.default: nn.Hardsigmoid,
    aten.leaky_relu.default: lambda negative_slope: nn.LeakyReLU(negative_slope),
    aten.dropout.default: _dropout,
    aten.flatten.using_ints: lambda start_dim, end_dim: nn.Flatten(start_dim, end_dim) if start_dim else None,
}
