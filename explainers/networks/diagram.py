"""A network as a picture: its layers as boxes, and which of them feeds which."""

from dataclasses import dataclass, field

import torch
from torch import nn
from torch.autograd.graph import Node

from explainers.networks.call_trace import Call, trace, ways_through
from explainers.networks.copies import structural_copy, weight_dtype
from explainers.networks.layers import WEIGHTED, Layer

# The picture, as the beginning of an edge.
PICTURE = -1
Edge = tuple[int, int]


@dataclass(frozen=True)
class Diagram:
    """The layers in order of execution, and how they hang together.

    `edges` lead from a layer's depth to that of one which takes its feature without another layer between them,
    `PICTURE` is the network's input. `shortcuts` are the depths of blocks with a way past (some of) their convolutions.
    `traced` is False where nothing could be told and the layers are drawn as a chain.
    """

    layers: tuple[Layer, ...] = field(repr=False)
    edges: frozenset[Edge]
    shortcuts: frozenset[int] = frozenset()
    traced: bool = True

    @property
    def skips(self) -> frozenset[Edge]:
        """The edges that pass over a layer."""
        return frozenset((before, after) for before, after in self.edges if after - before > 1)


def diagram(module: nn.Module, layers: tuple[Layer, ...], size: tuple[int, int], channels: int = 3) -> Diagram:
    """The diagram of `layers`, those that `find_layers` has found for pictures of `size` (height, width).

    One forward pass on shapes alone, or on a grey picture where the network needs values; the module is left as it was.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
    >>> from explainers.networks.layers import find_layers
    >>> found = diagram(net, find_layers(net, torch.zeros(1, 3, 8, 8)), (8, 8))
    >>> sorted(found.edges), found.traced
    ([(-1, 0), (0, 1)], True)
    """
    dtype = weight_dtype(module) or torch.float32
    device = next((value.device for value in module.parameters()), torch.device("cpu"))
    for where in (torch.device("meta"), device):
        shapes = structural_copy(module, "meta") if where.type == "meta" else module
        example = torch.zeros(1, channels, *size, device=where, dtype=dtype)
        try:
            return traced(trace(shapes, example), layers)
        except Exception:  # whatever depends on values, or cannot be followed: a chain is drawn
            continue
    return Diagram(layers, chain(layers), traced=False)


def chain(layers: tuple[Layer, ...]) -> frozenset[Edge]:
    """Every layer feeds the next one."""
    return frozenset((depth - 1, depth) for depth in range(len(layers)))


def traced(root: Call, layers: tuple[Layer, ...]) -> Diagram:
    """The diagram, from one written-down forward pass. Raises ValueError where a layer is fed by nothing before it."""
    calls = {(call.path, call.call): call for call in root.descendants()}
    ends = [calls[layer.path, layer.call] for layer in layers]
    made: dict[Node, int] = {}
    for depth, call in enumerate(ends):
        for node in call.outputs:
            made.setdefault(node, depth)
    edges = frozenset(edge for depth, call in enumerate(ends) for edge in _into(depth, call, made, set(root.inputs)))
    fed = {after for _, after in edges}
    if fed != set(range(len(layers))) or any(before >= after for before, after in edges):
        raise ValueError("expected every layer to depend on the picture or on a layer before it, got one that does not")
    return Diagram(layers, edges, frozenset(depth for depth, call in enumerate(ends) if _has_shortcut(call)))


def _into(depth: int, call: Call, made: dict[Node, int], picture: set[Node]) -> set[Edge]:
    """The edges that lead to a layer: back from its outputs to where the next layers, or the picture, are met."""
    found: set[Edge] = set()
    seen: set[Node] = set()
    waiting = list(call.outputs)
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        before = made.get(node, depth)
        if before != depth:
            found.add((before, depth))
        elif node in picture:
            found.add((PICTURE, depth))
        else:
            waiting += [after for after, _ in node.next_functions if after is not None]
    return found


def _has_shortcut(call: Call) -> bool:
    shortest, longest = ways_through(call, WEIGHTED)
    return bool(call.children) and shortest < longest


def extent(shape: tuple[int, ...]) -> tuple[int, float]:
    """Channels of a feature, and the side of the square that its positions would fill.

    (C, H, W) as convolutions give it, (H, W, C) where height and width stand first, (positions, C) of transformers, or
    a vector, which has one position.

    >>> extent((64, 8, 8)), extent((8, 8, 96)), extent((196, 768)), extent((10,)), extent(())
    ((64, 8.0), (96, 8.0), (768, 14.0), (10, 1.0), (1, 1.0))
    """
    *positions, channels = shape or (1,)
    if len(shape) >= 3 and not (shape[0] == shape[1] != shape[-1]):
        channels, *positions = shape
    count = 1
    for one in positions:
        count *= one
    return channels, float(count) ** 0.5
