"""One forward pass, written down: which module was called, by whom, and what depended on what.

The pass runs on a structural copy of the module, so that the module itself never gets a hook. With a copy
on PyTorch's meta device nothing is computed: only shapes and dependencies are.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from explainers.networks.copies import structural_copy
from explainers.networks.trial import NoWrites


@dataclass(eq=False)
class Call:
    """One execution of a module.

    `call` counts the executions of this module before this one; `inputs` and `outputs` are autograd nodes
    that stand for the tensors that went in and came out; `shape` is that of the output without its batch
    axis, None where the output is not one tensor, or a tuple of tensors, with one row per picture.
    """

    path: str
    module: nn.Module
    call: int
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    in_shape: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    children: list["Call"] = field(default_factory=list)

    def descendants(self) -> Iterator["Call"]:
        """Calls made within this one, in the order of execution, this one first."""
        yield self
        for child in self.children:
            yield from child.descendants()


def trace(module: nn.Module, example: Tensor) -> Call:
    """The tree of module calls of `module(example)`, example (B, C, H, W) on the device of the module.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    >>> [(c.path, c.shape) for c in trace(net, torch.zeros(1, 3, 8, 8)).children]
    [('0', (4, 6, 6)), ('1', (4, 6, 6))]
    """
    copied = structural_copy(module)
    batch, stack, executions = len(example), [Call("", copied, 0)], {}

    def enter(path: str):
        def hook(module: nn.Module, args: tuple, kwargs: dict) -> None:
            call = Call(path, module, executions.get(path, 0))
            executions[path] = call.call + 1
            given = list(_tensors((args, kwargs)))
            call.inputs, call.in_shape = _nodes(given), _shape(args, batch)
            stack[-1].children.append(call)
            stack.append(call)

        return hook

    def leave(module: nn.Module, args: tuple, output: object) -> None:
        call = stack.pop()
        call.outputs, call.shape = _nodes(_tensors(output)), _shape(output, batch)

    for path, part in copied.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            continue
        part.register_forward_pre_hook(enter(path), with_kwargs=True)
        part.register_forward_hook(leave)
    with torch.random.fork_rng([]), NoWrites(module), torch.enable_grad():
        # A clone, not the leaf itself: a first layer that works in place may write to it.
        copied(example.detach().requires_grad_().clone())
    return stack[0].children[0]


def cut_nodes(call: Call) -> set:
    """The nodes inside `call` through which everything passes on the way from its inputs to its outputs.

    In a topological order, exactly those that no edge of the graph jumps over.
    """
    sink = object()
    edges, order = _graph(call.outputs, set(call.inputs), sink)
    position = {node: i for i, node in enumerate(order)}
    cuts, reach = set(), 0
    for i, node in enumerate(order):
        if reach <= i:
            cuts.add(node)
        reach = max([reach, *(position[after] for after in edges.get(node, ()))])
    return cuts


def _graph(outputs: list, inputs: set, sink: Any) -> tuple[dict[Any, list], list]:
    """Edges towards the inputs, which all become `sink`, and the nodes in topological order from a root."""
    root: Any = object()
    edges = {root: [sink if node in inputs else node for node in outputs]}
    done, order, stack = set(), [], [(root, iter(edges[root]))]
    while stack:
        node, rest = stack[-1]
        after = next((n for n in rest if n not in done and n not in edges), None)
        if after is None:
            stack.pop()
            done.add(node)
            order.append(node)
        elif after is sink:
            done.add(sink)
            order.append(sink)
        else:
            following = [n for n, _ in after.next_functions if n is not None]
            edges[after] = [sink if n in inputs else n for n in following] or [sink]
            stack.append((after, iter(edges[after])))
    return edges, order[::-1]


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)


def _nodes(tensors: Iterable[Tensor]) -> list:
    return list(dict.fromkeys(t.grad_fn for t in tensors if t.grad_fn is not None))


def _shape(value: object, batch: int) -> tuple[int, ...] | None:
    if isinstance(value, Tensor):
        fits = value.is_floating_point() and value.dim() > 0 and len(value) == batch
        return tuple(value.shape[1:]) if fits else None
    if not isinstance(value, tuple | list):
        return None
    tensors = [item for item in value if isinstance(item, Tensor)]
    shapes = [shape for item in tensors if (shape := _shape(item, batch)) is not None]
    if not shapes or len(shapes) < len(tensors):
        return None
    return shapes[0] if len(shapes) == 1 else (sum(torch.Size(shape).numel() for shape in shapes),)
