"""The layers of any network, in the order of execution, under names a reader knows.

A layer is what papers draw as one box: a convolution or a linear map together with the normalisation and
activation that directly follow; a pooling; or a whole block. A module is a block when its parts are not a
mere chain (residual, inception, attention … blocks), judged by what depends on what in one forward pass.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# What others derive their convolutions, poolings and normalisations from has no public name.
from torch.nn.modules.batchnorm import _NormBase  # pyright: ignore[reportPrivateUsage]
from torch.nn.modules.conv import _ConvNd  # pyright: ignore[reportPrivateUsage]
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd, _AvgPoolNd, _LPPoolNd, _MaxPoolNd  # pyright: ignore[reportPrivateUsage]

from explainers.networks.call_trace import Call, cut_nodes, trace
from explainers.networks.copies import named_parts, structural_copy, weight_dtype
from explainers.networks.layer_names import readable_names

WEIGHTED = (_ConvNd, nn.Linear)
ADAPTIVE = (_AdaptiveMaxPoolNd, _AdaptiveAvgPoolNd)
POOLING = (_MaxPoolNd, _AvgPoolNd, _LPPoolNd, *ADAPTIVE)
NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm, nn.RMSNorm)
GUESSED_SIZES = (224, 32, 64, 96, 28, 128, 256, 299)
TAKING_IN = ("convolution", "fully connected", "normalisation")


@dataclass(frozen=True)
class Layer:
    """One place in a network whose feature can be looked at.

    `path` is the path of the module whose output is the feature, "" for the whole network: for a convolution
    with an activation that is the activation. `shape` is without the batch axis; `depth` is the place in the
    order of execution; `call` tells the uses of a module that is used more than once.
    """

    name: str
    path: str
    kind: str
    shape: tuple[int, ...]
    depth: int
    call: int = 0


@dataclass
class _Unit:
    """A layer while it grows: `head` gives the name, `tail` the feature."""

    head: Call
    tail: Call
    kind: str


def find_layers(module: nn.Module, example: Tensor) -> tuple[Layer, ...]:
    """The layers that `module(example)` runs, found in one forward pass; the module is left as it was.

    example (B, C, H, W) on the device of the module. A module on the meta device costs no arithmetic.

    Raises ValueError for a module that gives nothing which depends smoothly on its input.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 5))
    >>> [(layer.name, layer.kind, layer.shape) for layer in find_layers(net, torch.zeros(1, 3, 8, 8))]
    [('conv1', 'convolution', (4, 6, 6)), ('pool1', 'pooling', (4, 3, 3)), ('fc2', 'logits', (5,))]
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise ValueError(
            "expected a network in Python, got a compiled ScriptModule; give it as it was before torch.jit"
        )
    root = trace(module, example)
    if not root.outputs:
        raise ValueError(
            f"expected a network whose output depends on its input, got {type(module).__name__}, "
            f"whose output does not; give one that ends in floating-point tensors"
        )
    units = _drop_norms(_fuse(_expand(root, _block_types(root))))
    units = [unit for unit in units if unit.tail.shape is not None]
    units = _end(units, root)
    names = readable_names([(u.head.path, u.head.call, u.head.module, u.kind) for u in units])
    return tuple(
        Layer(name, u.tail.path, u.kind, u.tail.shape or (), depth, u.tail.call)
        for depth, (name, u) in enumerate(zip(names, units, strict=True))
    )


def find_layer(module: nn.Module, spec: nn.Module | str | Layer) -> tuple[str, int]:
    """(path, call) of the layer meant by `spec`: a `Layer`, a part of `module`, its path, or a readable name.

    A name means the layer that `find_layers` lists under it, with its normalisation and activation, whether or not
    it is a path as well, so that it is the same layer for a `Network` and its module. Any other path, and a part
    of `module`, means exactly that module's output.

    Raises ValueError, naming some layers that exist, for a layer that `module` does not have.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 2, 1))
    >>> find_layer(net, "1"), find_layer(net, net[3]), find_layer(net, "conv1")
    (('1', 0), ('3', 0), ('1', 0))
    """
    paths = dict(named_parts(module))
    if isinstance(spec, Layer) and spec.path in paths:
        return spec.path, spec.call
    if isinstance(spec, nn.Module):
        found = [path for path, part in paths.items() if part is spec]
        if found:
            return found[0], 0
    # Only what has weights of its own can stand at the head of a layer that ends further on.
    if isinstance(spec, str) and spec in paths and not isinstance(paths[spec], (*WEIGHTED, *NORMS)):
        return spec, 0
    layers = _guessed_layers(module)
    named = [(layer.path, layer.call) for layer in layers if layer.name == spec]
    if named:
        return named[0]
    if isinstance(spec, str) and spec in paths:
        return spec, 0
    meant = spec.name if isinstance(spec, Layer) else type(spec).__name__ if isinstance(spec, nn.Module) else spec
    known = [layer.name for layer in layers] or [path for path in paths if path]
    some = known if len(known) <= 6 else [*known[:3], "…", *known[-3:]]
    raise ValueError(f"expected a layer of this network ({', '.join(some) or 'it has no parts'}), got '{meant}'")


def _guessed_layers(module: nn.Module) -> tuple[Layer, ...]:
    """The layers, from shapes alone, for the first usual size of picture that the module takes."""
    shapes = structural_copy(module, "meta")
    first = next((part for part in module.modules() if isinstance(part, _ConvNd)), None)
    channels = first.in_channels if first is not None else 3
    dtype = weight_dtype(module) or torch.float32
    for size in GUESSED_SIZES:
        try:
            return find_layers(shapes, torch.empty(1, channels, size, size, device="meta", dtype=dtype))
        except (RuntimeError, ValueError, NotImplementedError, AssertionError, TypeError):
            continue
    return ()


def _is_chain(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and _forward(type(module)) is _forward(nn.Sequential)


def _forward(kind: type[nn.Module]) -> Callable[..., object]:
    return kind.forward


def _weighted(call: Call) -> int:
    return sum(isinstance(c.module, WEIGHTED) for c in call.descendants())


def _block_types(root: Call) -> set[type]:
    """Module types of which at least one use is not a mere chain: all their uses are blocks, for one look."""
    types: set[type] = set()
    for call in root.descendants():
        if call is root or not call.children or _is_chain(call.module):
            continue
        cuts = cut_nodes(call)
        if any(len(c.outputs) != 1 or c.outputs[0] not in cuts for c in call.children):
            types.add(type(call.module))
    return types


def _expand(call: Call, blocks: set[type], outermost: bool = True) -> list[Call]:
    """The calls that are one layer each, or a part of one.

    The outermost module is always taken apart, and so is one that it merely wraps.
    """
    expanded = outermost or type(call.module) is nn.Sequential or _is_wrapper(call, blocks)
    if not call.children or not expanded:
        return [call]
    wraps = outermost and sum(_weighted(child) > 0 for child in call.children) == 1
    return [part for child in call.children for part in _expand(child, blocks, wraps and not _is_chain(child.module))]


def _is_wrapper(call: Call, blocks: set[type]) -> bool:
    """A chain of several convolutions or blocks; a type of its own around a single one is one layer."""
    return type(call.module) not in blocks and _weighted(call) > 1


def _kind(call: Call) -> str:
    leaves = [c for c in call.descendants() if not c.children]
    weighted = [c for c in leaves if isinstance(c.module, WEIGHTED)]
    if isinstance(call.module, POOLING):
        return "pooling"
    if isinstance(call.module, NORMS):
        return "normalisation"
    simple = all(isinstance(c.module, (*WEIGHTED, *NORMS)) or _is_activation(c) for c in leaves)
    if len(weighted) != 1 or not simple:
        return "block"
    return "fully connected" if isinstance(weighted[0].module, nn.Linear) else "convolution"


def _is_activation(call: Call) -> bool:
    """A part that keeps the shape and has at most one parameter per channel."""
    parameters = sum(p.numel() for p in call.module.parameters())
    other = isinstance(call.module, (*WEIGHTED, *POOLING, *NORMS)) or call.children
    return not other and call.shape == call.in_shape and parameters <= (call.shape or (0,))[0]


def _is_unlisted(call: Call) -> bool:
    """A part that passes its input on: dropout, flattening, permutation, pooling to the same size."""
    if isinstance(call.module, POOLING):
        return isinstance(call.module, ADAPTIVE) and call.shape == call.in_shape
    weightless = not call.children and not any(True for _ in call.module.parameters())
    return call.inputs == call.outputs or (weightless and call.shape != call.in_shape)


def _fuse(calls: list[Call]) -> list[_Unit]:
    """A convolution or linear map takes in the normalisation and the activation that directly follow it."""
    units: list[_Unit] = []
    for call in calls:
        if _is_unlisted(call):
            continue
        before = units[-1] if units else None
        if _is_activation(call) or isinstance(call.module, NORMS):
            if before is not None and call.inputs == before.tail.outputs and before.kind in TAKING_IN:
                before.tail = call
                continue
            if _is_activation(call):
                continue
        units.append(_Unit(call, call, _kind(call)))
    return units


def _drop_norms(units: list[_Unit]) -> list[_Unit]:
    """A normalisation is a layer of its own only after the last convolution and block."""
    last = max((i for i, u in enumerate(units) if u.kind in ("convolution", "block")), default=-1)
    return [u for i, u in enumerate(units) if u.kind != "normalisation" or i > last]


def _scores_pixels(unit: _Unit) -> bool:
    part = unit.tail.module
    return isinstance(part, nn.Conv2d) and set(part.kernel_size) == {1}


def _end(units: list[_Unit], root: Call) -> list[_Unit]:
    """The last layer gives what the network gives: the network itself where anything follows the last part.

    Of an end that flattens a pooling, one layer is left. What a function makes of logits is no logits. A picture that
    a bare 1×1 convolution gives at the end is the logits of every pixel (Long et al. 2015).
    """
    if root.shape is None or not units:
        return units
    *before, last = units
    vector = len(root.shape) == 1
    if last.tail.outputs == root.outputs:
        return [*before, _Unit(last.head, last.tail, "logits" if vector or _scores_pixels(last) else last.kind)]
    if last.kind == "pooling" and torch.Size(last.tail.shape or ()).numel() == torch.Size(root.shape).numel():
        return [*before, _Unit(root, root, "logits" if vector else "output")]
    return [*units, _Unit(root, root, "logits" if vector and last.tail.shape != root.shape else "output")]
