"""One forward pass, written down: which module was called, by whom, and what depended on what.

The pass runs on a structural copy of the module, so that the module itself never gets a hook. With a copy
on PyTorch's meta device nothing is computed: only shapes and dependencies are.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from explainers.nested import is_sequence
from explainers.networks.copies import named_parts, structural_copy
from explainers.networks.outputs import tensors_in
from explainers.networks.trial import NoWrites
from explainers.randomness import drawn_apart


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
    inputs: list[Node] = field(default_factory=list[Node])
    outputs: list[Node] = field(default_factory=list[Node])
    in_shape: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    children: list["Call"] = field(default_factory=list["Call"])

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
    batch, stack = len(example), [Call("", copied, 0)]
    executions: dict[str, int] = {}

    def enter(path: str) -> Callable[[nn.Module, tuple[object, ...], dict[str, object]], None]:
        def hook(module: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
            call = Call(path, module, executions.get(path, 0))
            executions[path] = call.call + 1
            call.inputs, call.in_shape = _nodes(tensors_in((args, kwargs))), _shape(args, batch)
            stack[-1].children.append(call)
            stack.append(call)

        return hook

    def leave(module: nn.Module, args: tuple[object, ...], output: object) -> None:
        call = stack.pop()
        call.outputs, call.shape = _nodes(tensors_in(output)), _shape(output, batch)

    for path, part in named_parts(copied):
        if isinstance(part, torch.jit.ScriptModule):
            continue
        part.register_forward_pre_hook(enter(path), with_kwargs=True)
        part.register_forward_hook(leave)
    with drawn_apart(), NoWrites(module), torch.enable_grad():
        # A clone, not the leaf itself: a first layer that works in place may write to it.
        copied(example.detach().requires_grad_().clone())
    return stack[0].children[0]


def cut_nodes(call: Call) -> set[Node | None]:
    """The nodes inside `call` through which everything passes on the way from its inputs to its outputs.

    In a topological order, exactly those that no edge of the graph jumps over. None stands for the inputs.
    """
    ends, edges = _graph(call.outputs, set(call.inputs))
    order = list(TopologicalSorter(edges).static_order())[::-1]
    position = {node: i for i, node in enumerate(order)}
    cuts: set[Node | None] = set()
    reach = max((position[node] for node in ends), default=0)
    for i, node in enumerate(order):
        if reach <= i:
            cuts.add(node)
        reach = max([reach, *(position[after] for after in edges[node])])
    return cuts


def ways_through(call: Call, kinds: tuple[type[nn.Module], ...]) -> tuple[int, int]:
    """How many modules of `kinds` the shortest and the longest way pass from the inputs of `call` to its outputs.

    A block with a shortcut has one way past its convolutions.

    >>> class Residual(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.conv = nn.Conv2d(3, 3, 1)
    ...     def forward(self, x):
    ...         return x + self.conv(self.conv(x))
    >>> ways_through(trace(Residual(), torch.zeros(1, 3, 8, 8)), (nn.Conv2d,))
    (0, 2)
    """
    counted = {call.outputs[0] for call in call.descendants() if isinstance(call.module, kinds) and call.outputs}
    ends, edges = _graph(call.outputs, set(call.inputs))
    fewest: dict[Node | None, int] = {}
    most: dict[Node | None, int] = {}
    for node in TopologicalSorter(edges).static_order():
        own = int(node in counted)
        fewest[node] = own + min((fewest[before] for before in edges[node]), default=0)
        most[node] = own + max((most[before] for before in edges[node]), default=0)
    return min((fewest[node] for node in ends), default=0), max((most[node] for node in ends), default=0)


def _graph(outputs: list[Node], inputs: set[Node]) -> tuple[list[Node | None], dict[Node | None, list[Node | None]]]:
    """Where the graph begins, and its edges towards the inputs, which are all one."""
    edges: dict[Node | None, list[Node | None]] = {None: []}
    ends = [None if node in inputs else node for node in outputs]
    waiting = ends.copy()
    while waiting:
        if (node := waiting.pop()) is not None and node not in edges:
            following = [after for after, _ in node.next_functions if after is not None]
            edges[node] = [None if after in inputs else after for after in following] or [None]
            waiting += edges[node]
    return ends, edges


def _nodes(tensors: Iterable[Tensor]) -> list[Node]:
    return list(dict.fromkeys(t.grad_fn for t in tensors if t.grad_fn is not None))


def _shape(value: object, batch: int) -> tuple[int, ...] | None:
    if isinstance(value, Tensor):
        fits = value.is_floating_point() and value.dim() > 0 and len(value) == batch
        return tuple(value.shape[1:]) if fits else None
    if not is_sequence(value):
        return None
    tensors = [item for item in value if isinstance(item, Tensor)]
    shapes = [shape for item in tensors if (shape := _shape(item, batch)) is not None]
    if not shapes or len(shapes) < len(tensors):
        return None
    return shapes[0] if len(shapes) == 1 else (sum(torch.Size(shape).numel() for shape in shapes),)
