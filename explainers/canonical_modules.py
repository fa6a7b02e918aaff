"""The vocabulary of a canonised network: what each of its modules does to a relevance or a multiplier.

Everything that a network does with its data is one of a few kinds of module (`kind_of`): a linear map with
weights, a rectifier, another activation of one number, a pooling, a sum, a rearrangement … and "other" for
all that no backward rule of attribution is known for: products of features, softmax, attention.
"""

import copy
from collections.abc import Callable
from functools import partial

import torch
from captum.attr._utils.custom_modules import Addition_Module as Addition
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import StochasticDepth

HOLE = "<tensor>"
WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
IDENTITIES = (nn.Identity, nn.modules.dropout._DropoutNd, StochasticDepth)
AVERAGES = (nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d)
MOVES = (nn.Flatten, nn.Unflatten, nn.ZeroPad2d, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle)
ACTIVATIONS = (
    *(nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.Tanh),
    *(nn.Softplus, nn.Softsign, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.LogSigmoid, nn.Tanhshrink),
    *(nn.Softshrink, nn.Hardshrink),
)
IDENTITY_NAMES = {"dropout", "dropout1d", "dropout2d", "dropout3d", "stochastic_depth", "contiguous", "clone"}
ACTIVATION_NAMES = {
    *("leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "tanh", "softplus", "softsign"),
    *("hardtanh", "hardsigmoid", "hardswish", "logsigmoid", "clamp"),
}
MOVE_NAMES = {
    *("flatten", "reshape", "view", "permute", "transpose", "squeeze", "unsqueeze", "getitem", "pad", "expand"),
    *("chunk", "split", "unbind", "pixel_shuffle", "channel_shuffle", "unflatten", "movedim"),
}
AVERAGE_NAMES = {"mean", "avg_pool2d", "adaptive_avg_pool2d", "interpolate", "upsample"}
SUM_NAMES = {"add", "iadd"}
CONSTANT_NAMES = {"add", "iadd", "sub", "isub", "rsub", "mul", "imul", "div", "truediv", "itruediv", "neg"}


class ClippedReLU(nn.ReLU):
    """min(max(x, 0), 6), as a rectifier that guided backpropagation recognises."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(x)


class MaxPooling(nn.MaxPool2d):
    """Max-pooling under a type of its own, for which a rule of ours is registered."""


class Copy(nn.Module):
    """One of several readers of a tensor: each gets a tensor of its own, so that hooks do not meet."""

    def forward(self, x: Tensor) -> Tensor:
        return x.clone()


class Concatenation(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, *tensors: Tensor) -> Tensor:
        return torch.cat(tensors, self.dim)


class Operation(nn.Module):
    """A function of tensors with its constants filled in; `args` has HOLE where a tensor goes."""

    def __init__(self, function: Callable, args: tuple = (HOLE,), kwargs: dict | None = None, label: str = "") -> None:
        super().__init__()
        self.function, self.args, self.kwargs = function, args, kwargs or {}
        self.label = label or getattr(function, "__name__", type(function).__name__)

    def forward(self, *tensors: Tensor) -> Tensor:
        given = iter(tensors)
        args = [next(given) if isinstance(a, str) and a == HOLE else a for a in self.args]
        return self.function(*args, **self.kwargs)


class Elementwise(Operation):
    """An activation other than the rectifier, of each number by itself."""


class Affine(Operation):
    """A sum or product with a constant number."""


class Rearrangement(Operation):
    """Values moved, dropped, or surrounded by zeros, none changed: slicing, padding, flattening."""


class Average(Operation):
    """A fixed average with weights that are not learnt: pooling, mean, resampling."""


KINDS = (
    ("linear", WEIGHTED),
    ("rectifier", (nn.ReLU,)),
    ("activation", (Elementwise,)),
    ("maximum", (MaxPooling,)),
    ("average", (*AVERAGES, Average)),
    ("sum", (Addition,)),
    ("move", (*MOVES, Copy, Concatenation, Rearrangement)),
    ("normalisation", BATCH_NORMS),
    ("affine", (Affine,)),
)


def kind_of(module: nn.Module) -> str:
    """What the module does: one of the kinds above, or "other"; a subclass counts only if it is listed.

    >>> kind_of(nn.Conv2d(1, 1, 1)), kind_of(ClippedReLU()), kind_of(nn.LayerNorm(3))
    ('linear', 'rectifier', 'other')
    """
    if isinstance(module, ClippedReLU):
        return "rectifier"
    return next((kind for kind, types in KINDS if type(module) in types), "other")


def canonical_module(module: nn.Module) -> nn.Module | None:
    """The module to use in its place, once: a shallow copy or a type of this file; None for the identity.

    >>> canonical_module(nn.ReLU6()), canonical_module(nn.Dropout())
    (ClippedReLU(), None)
    """
    if isinstance(module, IDENTITIES):
        return None
    if type(module) is nn.ReLU:
        return nn.ReLU()
    if type(module) is nn.ReLU6:
        return ClippedReLU()
    if type(module) is nn.MaxPool2d and not module.return_indices:
        m = module
        return MaxPooling(m.kernel_size, m.stride, m.padding, m.dilation, ceil_mode=m.ceil_mode)
    if type(module) in ACTIVATIONS:
        return Elementwise(partial(type(module).forward, module), label=type(module).__name__)
    alone = copy.copy(module)
    # Its hooks would be shared with the other uses of the module.
    alone.__dict__.update({key: type(value)() for key, value in vars(module).items() if _holds_hooks(key, value)})
    return alone


def _holds_hooks(name: str, value: object) -> bool:
    return "_hooks" in name and isinstance(value, dict)


def canonical_function(name: str, function: Callable, args: tuple, kwargs: dict, tensors: int) -> nn.Module | None:
    """The module for a function of the network's data called `name`; None where it stays a function.

    `args` has HOLE for each of the `tensors` tensors among them; `kwargs` are constants.
    """
    alone = tensors == 1
    if name == "relu" and alone:
        return nn.ReLU()
    if name == "relu6" and alone:
        return ClippedReLU()
    if name == "max_pool2d" and alone:
        return _max_pooling(args[1:], kwargs)
    if name in SUM_NAMES and tensors == 2 and not kwargs:
        return Addition()
    if name in CONSTANT_NAMES and alone:
        return Affine(function, args, kwargs)
    if name in ACTIVATION_NAMES and alone:
        return Elementwise(function, args, kwargs | ({"inplace": False} if "inplace" in kwargs else {}), name)
    if name in MOVE_NAMES and alone and _pads_with_zeros(name, args, kwargs):
        return Rearrangement(function, args, kwargs, name)
    if name in AVERAGE_NAMES and alone:
        return Average(function, args, kwargs, name)
    return None


def _max_pooling(args: tuple, kwargs: dict) -> nn.Module | None:
    names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    options = dict(zip(names, args, strict=False)) | kwargs
    return None if options.pop("return_indices", False) else MaxPooling(**options)


def _pads_with_zeros(name: str, args: tuple, kwargs: dict) -> bool:
    options = dict(zip(("input", "pad", "mode", "value"), args, strict=False)) | kwargs
    return name != "pad" or (options.get("mode", "constant") == "constant" and not options.get("value"))
