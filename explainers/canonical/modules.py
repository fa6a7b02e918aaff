"""The vocabulary of a canonised network: what each of its modules does to a relevance or a multiplier.

Everything that a network does with its data is one of a few kinds of module (`kind_of`): a linear map with
weights, a rectifier, another activation of one number, a pooling, a sum, a rearrangement … and "other" for
all that no backward rule of attribution is known for: products of features, softmax, attention.
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from captum.attr._utils.custom_modules import Addition_Module as Addition
from torch import Tensor, nn
from torch.nn import functional as F

# What every dropout is has no public name.
from torch.nn.modules.dropout import _DropoutNd  # pyright: ignore[reportPrivateUsage]
from torchvision.ops import StochasticDepth

from explainers.networks.operations import (
    AVERAGES,
    BOUNDED,
    CASTS,
    CLAMPS,
    CURVED,
    DIFFERENCES,
    HOMOGENEOUS_ACTIVATIONS,
    MOVES,
    PRODUCTS,
    QUOTIENTS,
    SHUFFLES,
    SUMS,
    THRESHOLDED,
)

HOLE = "<tensor>"
Function = Callable[..., Tensor]
Arguments = dict[str, Any]
WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
IDENTITIES = (nn.Identity, _DropoutNd, StochasticDepth)
AVERAGE_MODULES = (nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d)
MOVE_MODULES = (nn.Flatten, nn.Unflatten, nn.ZeroPad2d, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle)
ACTIVATIONS = (
    *(nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.Tanh),
    *(nn.Softplus, nn.Softsign, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.LogSigmoid, nn.Tanhshrink),
    *(nn.Softshrink, nn.Hardshrink),
)
STANDARDISATIONS = (nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.LocalResponseNorm, nn.RMSNorm)
ACTIVATION_NAMES = (HOMOGENEOUS_ACTIVATIONS - {"relu", "prelu"}) | BOUNDED | CURVED | THRESHOLDED | {"logsigmoid"}
MOVE_NAMES = MOVES | SHUFFLES | CASTS | {"pad"}
AVERAGE_NAMES = AVERAGES - {"avg_pool1d", "adaptive_avg_pool1d", "avg_pool3d", "adaptive_avg_pool3d"}


class ClippedReLU(nn.ReLU):
    """min(max(x, 0), most), as a rectifier that guided backpropagation recognises."""

    def __init__(self, most: float = 6.0) -> None:
        super().__init__()
        self.most = most

    def forward(self, input: Tensor) -> Tensor:
        """min(max(x, 0), most), of any shape."""
        return F.hardtanh(input, 0.0, self.most)


class MaxPooling(nn.MaxPool2d):
    """Max-pooling under a type of its own, for which a rule of ours is registered."""


class Copy(nn.Module):
    """One of several readers of a tensor: each gets a tensor of its own, so that hooks do not meet."""

    def forward(self, x: Tensor) -> Tensor:
        """The same values in a tensor of its own."""
        return x.clone()


class Concatenation(nn.Module):
    """Tensors joined by `function`: along an axis there is, or a new one."""

    def __init__(self, function: Function, options: Arguments) -> None:
        super().__init__()
        self.function, self.options = function, options

    def forward(self, *tensors: Tensor) -> Tensor:
        """The tensors joined."""
        return self.function(tensors, **self.options)


class Difference(nn.Module):
    """a − b as a module."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """a − b, with the shape that both are broadcast to."""
        return a - b


class Operation(nn.Module):
    """A function of tensors with its constants filled in; `args` has HOLE where the network's data or a buffer goes."""

    def __init__(
        self, function: Function, args: tuple[Any, ...] = (HOLE,), kwargs: Arguments | None = None, label: str = ""
    ) -> None:
        super().__init__()
        self.function, self.args, self.kwargs = function, args, kwargs or {}
        self.label = label or getattr(function, "__name__", type(function).__name__)

    def forward(self, *tensors: Tensor) -> Tensor:
        """The function of the tensors, each in its hole among the arguments."""
        given = iter(tensors)
        args = [next(given) if isinstance(a, str) and a == HOLE else a for a in self.args]
        return self.function(*args, **self.kwargs)


class Elementwise(Operation):
    """An activation other than the rectifier, of each number by itself."""


class Affine(Operation):
    """A sum or product with a constant: a number, or a tensor that does not depend on the picture."""


class Rearrangement(Operation):
    """Values moved, dropped, or surrounded by zeros, none changed: slicing, padding, flattening."""


class Average(Operation):
    """A fixed average with weights that are not learnt: pooling, mean, resampling."""


KINDS = (
    ("linear", WEIGHTED),
    ("rectifier", (nn.ReLU,)),
    ("activation", (Elementwise,)),
    ("maximum", (MaxPooling,)),
    ("average", (*AVERAGE_MODULES, Average)),
    ("sum", (Addition, Difference)),
    ("move", (*MOVE_MODULES, Copy, Concatenation, Rearrangement)),
    ("normalisation", BATCH_NORMS),
    ("affine", (Affine,)),
    ("standardisation", STANDARDISATIONS),
)


def kind_of(module: nn.Module) -> str:
    """What the module does: one of the kinds above, or "other"; a subclass counts only if it is listed.

    >>> kind_of(nn.Conv2d(1, 1, 1)), kind_of(ClippedReLU()), kind_of(nn.Softmax(1))
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
    if isinstance(module, nn.Hardtanh) and type(module) in (nn.ReLU6, nn.Hardtanh) and module.min_val == 0:
        return ClippedReLU(module.max_val)
    if type(module) is nn.Threshold and module.threshold == module.value == 0:
        return nn.ReLU()
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


def canonical_function(
    name: str, function: Function, args: tuple[Any, ...], kwargs: Arguments, data: list[int]
) -> nn.Module | None:
    """The module for a function of the network's data called `name`; None where it stays a function.

    `args` has HOLE for each tensor among them, of which those at the places `data` depend on the picture; a constant
    zero is the number. `kwargs` are constants.
    """
    alone, first = len(data) == 1, data[:1] == [0]
    if alone and first and (rectifier := _rectifier(name, args, kwargs)) is not None:
        return rectifier
    if name == "max_pool2d" and alone:
        return _max_pooling(args[1:], kwargs)
    if len(data) == 2 and len(args) == 2 and not kwargs and name in SUMS | DIFFERENCES:
        return Addition() if name in SUMS else Difference() if name != "rsub" else None
    if alone and _is_affine(name, first, kwargs):
        return Affine(function, args, kwargs)
    if args.count(HOLE) > 1:
        return None
    if name in ACTIVATION_NAMES | CLAMPS and alone:
        return Elementwise(function, args, kwargs | ({"inplace": False} if "inplace" in kwargs else {}), name)
    if name in MOVE_NAMES and alone and _pads_with_zeros(name, args, kwargs):
        return Rearrangement(function, args, kwargs, name)
    if name in AVERAGE_NAMES and alone:
        return Average(function, args, kwargs, name)
    return None


def _is_affine(name: str, first: bool, kwargs: Arguments) -> bool:
    """A constant divided by a feature is none, and neither is a quotient that is rounded."""
    if name in QUOTIENTS:
        return first and not kwargs.get("rounding_mode")
    return name in SUMS | DIFFERENCES | PRODUCTS | {"neg"}


def _rectifier(name: str, args: tuple[Any, ...], kwargs: Arguments) -> nn.Module | None:
    """The ways in which max(x, 0) and min(max(x, 0), c) are written."""
    if name == "relu":
        return nn.ReLU()
    if name == "relu6":
        return ClippedReLU()
    names = {
        "threshold": ("input", "min", "value"),
        "hardtanh": ("input", "min", "max"),
        **dict.fromkeys(("clamp", "clip", "clamp_min", "maximum"), ("input", "min", "max")),
    }.get(name)
    if names is None:
        return None
    renamed = {"min_val": "min", "max_val": "max", "threshold": "min", "other": "min"}
    given: Arguments = {"max": 1.0} if name == "hardtanh" else {}
    given |= dict(zip(names, args, strict=False)) | {renamed.get(k, k): v for k, v in kwargs.items()}
    low, high = given.get("min", -1.0 if name == "hardtanh" else None), given.get("max")
    if not _is_zero(low) or not _is_zero(given.get("value", 0)):
        return None
    if high is None:
        return nn.ReLU()
    return ClippedReLU(high) if isinstance(high, int | float) else None


def _is_zero(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


def _max_pooling(args: tuple[Any, ...], kwargs: Arguments) -> nn.Module | None:
    names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    options: Arguments = dict(zip(names, args, strict=False)) | kwargs
    return None if options.pop("return_indices", False) else MaxPooling(**options)


def _pads_with_zeros(name: str, args: tuple[Any, ...], kwargs: Arguments) -> bool:
    options: Arguments = dict(zip(("input", "pad", "mode", "value"), args, strict=False)) | kwargs
    return name != "pad" or (options.get("mode", "constant") == "constant" and not options.get("value"))
