"""A canonised copy of a network: the same function, written so that backward rules cannot go wrong.

Methods that change the backward pass by hooks (guided backpropagation, DeepLIFT, LRP) need every rectifier,
sum, concatenation, slice and pad to be a module of its own that is used once, every tensor to be read by one
module only, and batch normalisation to be part of its convolution. `canonise` rewrites a network in that form
with `torch.fx`; the module that is given is never changed.
"""

import operator
import threading
import weakref
from collections.abc import Callable

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from explainers import canonical_modules as parts
from explainers.canonical_modules import Concatenation, Copy, canonical_function, canonical_module, kind_of
from explainers.canonical_trace import NotCanonical, operation_name, tensor_nodes, traced
from explainers.copies import structural_copy, weight_dtype
from explainers.outputs import scores_in
from explainers.signatures import signature
from explainers.surroundings import plain_arithmetic

__all__ = ["NotCanonical", "canonical_view", "canonise", "kinds", "node_kind", "node_label"]

HOOKED = ("rectifier", "activation", "maximum")
_working = threading.Lock()
_finished: "weakref.WeakKeyDictionary[nn.Module, tuple[tuple, fx.GraphModule]]" = weakref.WeakKeyDictionary()


def canonise(module: nn.Module, example: Tensor) -> fx.GraphModule:
    """The canonised copy of `module`, which shares its weights except those merged with a normalisation.

    example (B, C, H, W) on the device of the module, of the size that will be explained. The work is done once for
    a module with the same weights; each call gets its own copy. Each node of the graph keeps, as
    `meta["nn_module_stack"]`, the modules of `module` that it came from.

    Raises NotCanonical where the forward pass depends on its data, writes into tensors, or where the copy does
    not give the same output.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten())
    >>> [kind for _, kind in kinds(canonise(net.eval(), torch.zeros(1, 3, 8, 8)))]
    ['linear', 'rectifier', 'move']
    """
    return structural_copy(canonical_view(module, example))


def canonical_view(module: nn.Module, example: Tensor) -> fx.GraphModule:
    """The canonised network itself, shared by all: to look at, not to run with hooks or to change."""
    with _working, plain_arithmetic():
        example = example.to(weight_dtype(structural_copy(module, "meta", widen=True)))
        state = (tuple(example.shape[1:]), *_state(module))
        if module not in _finished or _finished[module][0] != state:
            _finished[module] = state, _canonised(module, example)
        return _finished[module][1]


def _state(module: nn.Module) -> tuple:
    """Changes when a weight, a part or a setting does: the graph and merged weights would be out of date."""
    tensors = [*module.parameters(), *module.buffers()]
    weights = tuple((t.data_ptr(), 0 if t.is_inference() else t._version, float(t.detach().sum())) for t in tensors)
    return signature(module), weights


def _canonised(module: nn.Module, example: Tensor) -> fx.GraphModule:
    graph = traced(module, example)
    tensors = tensor_nodes(graph, example)
    _one_module_each(graph, tensors)
    _merge_normalisations(graph)
    _copy_for_each_reader(graph)
    graph.graph.lint()
    graph.delete_all_unused_submodules()
    graph.recompile()
    graph.eval().requires_grad_(False)
    _verify(module, graph, example)
    return graph


def kinds(graph: fx.GraphModule) -> list[tuple[fx.Node, str]]:
    """(node, kind of module) for every node of a canonised network that computes with its data."""
    return [(node, kind) for node in graph.graph.nodes if (kind := node_kind(graph, node)) is not None]


def node_kind(graph: fx.GraphModule, node: fx.Node) -> str | None:
    """The kind of one node; None for inputs, outputs, constants and sizes."""
    if node.op == "call_module":
        return kind_of(graph.get_submodule(node.target))
    if node.op not in ("call_function", "call_method") or not node.meta.get("tensor"):
        return None
    return "move" if operation_name(node) in parts.MOVE_NAMES else "other"


def node_label(graph: fx.GraphModule, node: fx.Node) -> str:
    """What a reader calls the operation of a node."""
    if node.op != "call_module":
        return operation_name(node)
    module = graph.get_submodule(node.target)
    return getattr(module, "label", None) or type(module).__name__


def _one_module_each(graph: fx.GraphModule, tensors: set[str]) -> None:
    for node in list(graph.graph.nodes):
        node.meta["tensor"] = node.name in tensors
        if node.op == "call_module":
            replacement = canonical_module(graph.get_submodule(node.target))
            operands = node.args
        elif node.op in ("call_function", "call_method") and node.name in tensors:
            if operation_name(node) in parts.IDENTITY_NAMES:
                replacement, operands = None, node.args
            else:
                replacement, operands = _module_for(node, tensors)
                if replacement is None:
                    continue
        else:
            continue
        if replacement is None:
            node.replace_all_uses_with(node.args[0])
            graph.graph.erase_node(node)
        else:
            _become(graph, node, replacement, operands)


def _module_for(node: fx.Node, tensors: set[str]) -> tuple[nn.Module | None, tuple]:
    """The module that stands for a function node and the nodes that it reads."""
    name = operation_name(node)
    if name in ("cat", "concat", "concatenate") and isinstance(node.args[0], list | tuple):
        dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
        return Concatenation(dim), tuple(node.args[0])
    flat = list(node.all_input_nodes)
    data = tuple(a for a in node.args if isinstance(a, fx.Node) and a.name in tensors)
    if len(set(data)) != len(flat):
        return None, ()
    args = tuple(parts.HOLE if isinstance(a, fx.Node) else a for a in node.args)
    function = getattr(torch.Tensor, node.target.rstrip("_")) if node.op == "call_method" else _pure(node.target)
    return canonical_function(name, function, args, dict(node.kwargs), len(data)), data


def _pure(function: Callable) -> Callable:
    """The function that gives a new tensor, for one that writes into its first."""
    name = getattr(function, "__name__", "")
    pure = {f"i{op}": getattr(operator, op) for op in ("add", "sub", "mul", "truediv")}
    return pure.get(name, function)


def _become(graph: fx.GraphModule, node: fx.Node, module: nn.Module, operands: tuple) -> None:
    name = f"canonical_{node.name}"
    graph.add_submodule(name, module)
    node.op, node.target, node.args, node.kwargs = "call_module", name, operands, {}


def _merge_normalisations(graph: fx.GraphModule) -> None:
    for node in list(graph.graph.nodes):
        if node.op != "call_module" or not isinstance(graph.get_submodule(node.target), parts.BATCH_NORMS):
            continue
        before, norm = node.args[0], graph.get_submodule(node.target)
        if before.op != "call_module" or len(before.users) > 1 or norm.running_var is None:
            continue
        linear = graph.get_submodule(before.target)
        if kind_of(linear) != "linear" or (getattr(linear, "transposed", False) and linear.groups > 1):
            continue
        graph.add_submodule(before.target, _merged(linear, norm))
        before.meta = node.meta
        node.replace_all_uses_with(before)
        graph.graph.erase_node(node)


def _merged(linear: nn.Module, norm: nn.Module) -> nn.Module:
    if isinstance(linear, nn.Linear):
        return fuse_linear_bn_eval(linear, norm)
    return fuse_conv_bn_eval(linear, norm, transpose=getattr(linear, "transposed", False))


def _copy_for_each_reader(graph: fx.GraphModule) -> None:
    """A tensor with several readers is copied for each, and so is one that passes between two hooked modules."""
    for node in list(graph.graph.nodes):
        if not node.meta.get("tensor"):
            continue
        readers = [u for u in node.users if u.op == "output" or node_kind(graph, u) is not None]
        uses = sum(_uses(u, node) for u in readers)
        hooked = node_kind(graph, node) in HOOKED and any(node_kind(graph, u) in HOOKED for u in readers)
        if (uses > 1 or hooked) and not _is_several(node):
            for reader in readers:
                _read_copies(graph, node, reader)


def _uses(reader: fx.Node, node: fx.Node) -> int:
    count = 0

    def see(n: fx.Node) -> fx.Node:
        nonlocal count
        count += n is node
        return n

    fx.node.map_arg((reader.args, reader.kwargs), see)
    return count


def _is_several(node: fx.Node) -> bool:
    """A node whose value is a tuple of tensors, taken apart by its readers."""
    return operation_name(node) in ("chunk", "split", "unbind") or any(
        u.op == "call_function" and u.target is operator.getitem and isinstance(u.args[1], int) for u in node.users
    )


def _read_copies(graph: fx.GraphModule, node: fx.Node, reader: fx.Node) -> None:
    def replace(n: fx.Node) -> fx.Node:
        if n is not node:
            return n
        name = f"copy_{node.name}_{len(graph.graph.nodes)}"
        graph.add_submodule(name, Copy())
        with graph.graph.inserting_before(reader):
            copied = graph.graph.call_module(name, (node,))
        copied.meta = {"tensor": True, "nn_module_stack": node.meta.get("nn_module_stack")}
        return copied

    reader.args = fx.node.map_arg(reader.args, replace)
    reader.kwargs = fx.node.map_arg(reader.kwargs, replace)


def _verify(module: nn.Module, graph: fx.GraphModule, example: Tensor) -> None:
    """A forward pass that relies on writing in place is not the same without it."""
    with torch.no_grad():
        shape, generator = example[:1].shape, torch.Generator().manual_seed(0)
        x = torch.randn(shape, generator=generator, dtype=example.dtype).to(example.device)
        expected, got = scores_in(structural_copy(module, widen=True)(x.clone())), graph(x)
    tolerance = 1e-3 if expected.dtype == torch.float32 else 1e-8
    if not torch.allclose(got, expected, rtol=tolerance, atol=tolerance * float(expected.abs().max())):
        raise NotCanonical("the forward pass relies on writing into tensors in place")
