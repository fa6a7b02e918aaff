"""A canonised copy of a network: the same function, written so that backward rules cannot go wrong.

Methods that change the backward pass by hooks (guided backpropagation, DeepLIFT, LRP) need every rectifier,
sum, concatenation, slice and pad to be a module of its own that is used once, every tensor to be read by one
module only, and batch normalisation to be part of its convolution. `canonise` rewrites a network in that form
with `torch.fx`; the module that is given is never changed.
"""

import operator
import threading
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_arg
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from explainers.canonical import modules as parts
from explainers.canonical.modules import Concatenation, Copy, canonical_function, canonical_module, kind_of
from explainers.canonical.trace import NO_SCORES, Contents, NotCanonical, contents, operation_name, traced
from explainers.networks.copies import structural_copy, weight_dtype
from explainers.networks.operations import CASTS, COPIES, IDENTITIES, JOINS, PRODUCTS, RESIZINGS
from explainers.networks.outputs import scores_in
from explainers.networks.signatures import state_of
from explainers.networks.trial import NoWrites, WritesError
from explainers.randomness import drawn_apart
from explainers.surroundings import plain_arithmetic

__all__ = ["NotCanonical", "canonical_view", "canonise", "kinds", "node_kind", "node_label"]

HOOKED = ("rectifier", "activation", "maximum")
State = tuple[object, ...]
_working = threading.Lock()
_finished: "weakref.WeakKeyDictionary[nn.Module, tuple[State, fx.GraphModule]]" = weakref.WeakKeyDictionary()


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
    return cast(fx.GraphModule, structural_copy(canonical_view(module, example)))


def canonical_view(module: nn.Module, example: Tensor) -> fx.GraphModule:
    """The canonised network itself, shared by all: to look at, not to run with hooks or to change."""
    with _working, plain_arithmetic():
        example = example.to(weight_dtype(structural_copy(module, "meta", widen=True)))
        state = (tuple(example.shape[1:]), *state_of(module))
        if module not in _finished or _finished[module][0] != state:
            _finished[module] = state, _canonised(module, example)
        return _finished[module][1]


def _canonised(module: nn.Module, example: Tensor) -> fx.GraphModule:
    with _only_reading(module):
        graph = traced(module, example)
        found = contents(graph, example)
    _one_module_each(graph, found)
    _merge_normalisations(graph)
    _copy_for_each_reader(graph)
    graph.graph.lint()
    graph.delete_all_unused_submodules()
    graph.recompile()
    graph.eval().requires_grad_(False)
    with _only_reading(module):
        _verify(module, graph, example)
    return graph


@contextmanager
def _only_reading(module: nn.Module) -> Generator[None, None, None]:
    try:
        with drawn_apart(), NoWrites(module):
            yield
    except WritesError:
        raise NotCanonical("the forward pass writes into its own weights or buffers") from None


def kinds(graph: fx.GraphModule) -> list[tuple[fx.Node, str]]:
    """(node, kind of module) for every node of a canonised network that computes with its data."""
    return [(node, kind) for node in graph.graph.nodes if (kind := node_kind(graph, node)) is not None]


def node_kind(graph: fx.GraphModule, node: fx.Node) -> str | None:
    """The kind of one node; None for inputs, outputs, constants and sizes."""
    if node.op == "call_module":
        return kind_of(graph.get_submodule(str(node.target)))
    if node.op not in ("call_function", "call_method") or not node.meta.get("tensor"):
        return None
    sources = [source for source in node.all_input_nodes if source.meta.get("tensor")]
    return "move" if operation_name(node) in parts.MOVE_NAMES and len(sources) == 1 else "other"


def node_label(graph: fx.GraphModule, node: fx.Node) -> str:
    """What a reader calls the operation of a node."""
    if node.op != "call_module":
        return operation_name(node)
    module = graph.get_submodule(str(node.target))
    return getattr(module, "label", None) or type(module).__name__


def _one_module_each(graph: fx.GraphModule, found: Contents) -> None:
    for node in list(graph.graph.nodes):
        node.meta["tensor"], node.meta["several"] = node.name in found.data, node.name in found.several
        if node.op == "call_module":
            operands = (*node.args, *node.kwargs.values())
            if len(operands) == 1:
                _replace(graph, node, canonical_module(graph.get_submodule(str(node.target))), operands)
        elif node.op in ("call_function", "call_method") and node.name in found.data:
            if operation_name(node) in IDENTITIES | COPIES:
                _replace(graph, node, None, node.args)
                continue
            if operation_name(node) == "view" and not isinstance(node.args[1], torch.dtype):
                # What made its input contiguous may be gone.
                node.target = "reshape" if node.op == "call_method" else torch.reshape
            masked = _rectified_by_mask(node)
            if masked is not None:
                _replace(graph, node, nn.ReLU(), (masked,))
            elif not node.meta["several"]:
                module, operands = _module_for(node, found)
                if module is not None:
                    _replace(graph, node, module, operands)
    _erase_unread(graph)


def _replace(graph: fx.GraphModule, node: fx.Node, module: nn.Module | None, operands: tuple[Any, ...]) -> None:
    """`module`, or nothing for the identity, in the place of what the node did."""
    if module is None:
        node.replace_all_uses_with(operands[0])
        graph.graph.erase_node(node)
    else:
        name = f"canonical_{node.name}"
        graph.add_submodule(name, module)
        node.op, node.target, node.args, node.kwargs = "call_module", name, operands, {}


def _rectified_by_mask(node: fx.Node) -> fx.Node | None:
    """x of x·(x > 0), with the mask as numbers or not, and of where(x > 0, x, 0)."""
    name, args = operation_name(node), cast("tuple[Any, ...]", node.args)
    if node.kwargs:
        return None
    if name == "where" and len(args) == 3 and _is_mask(args[0], args[1]) and args[2] in (0, 0.0):
        return args[1]
    if name in PRODUCTS and len(args) == 2:
        return next((x for x, mask in (args, args[::-1]) if isinstance(x, fx.Node) and _is_mask(mask, x)), None)
    return None


def _is_mask(mask: Any, x: Any) -> bool:
    while isinstance(mask, fx.Node) and operation_name(mask) in CASTS:
        mask = mask.args[0]
    if not isinstance(mask, fx.Node) or operation_name(mask) not in ("gt", "ge") or len(mask.args) != 2:
        return False
    return mask.args[0] is x and mask.args[1] in (0, 0.0)


def _erase_unread(graph: fx.GraphModule) -> None:
    """Comparisons that only a mask was made of; anything else may have been written in place, which is found out."""
    for node in reversed(list(graph.graph.nodes)):
        if node.op in ("call_function", "call_method", "get_attr") and not node.users:
            graph.graph.erase_node(node)


def _module_for(node: fx.Node, found: Contents) -> tuple[nn.Module | None, tuple[fx.Node, ...]]:
    """The module that stands for a function node and the nodes that it reads."""
    name = operation_name(node)
    function = getattr(torch.Tensor, name, None) if node.op == "call_method" else _pure(node.target)
    if function is None:
        return None, ()
    if name in JOINS:
        given: dict[str, Any] = dict(zip(("tensors", "dim"), node.args, strict=False)) | node.kwargs
        listed = given.pop("tensors", ())
        fits = listed and all(isinstance(tensor, fx.Node) for tensor in listed) and "out" not in given
        return (Concatenation(function, given), tuple(listed)) if fits else (None, ())
    args = [_zero(a, found) for a in node.args]
    read = [a for a in args if isinstance(a, fx.Node)]
    kwargs = dict(node.kwargs)
    if name in RESIZINGS:
        # The copy is for one size of picture, and these sizes are without the batch axis.
        kwargs = map_arg(kwargs, lambda n: cast(Any, found.sizes.get(n.name, n)))
    if _inside(kwargs) or len(set(read)) < _inside(args):
        return None, ()
    if name == "max" and len(args) == 2 and (read[1:] or args[1] is not node.args[1]):
        name, function = "maximum", torch.maximum
    data = [place for place, a in enumerate(args) if isinstance(a, fx.Node) and a.name in found.data]
    holes = tuple(parts.HOLE if isinstance(a, fx.Node) else a for a in args)
    return canonical_function(name, function, holes, dict(kwargs), data), tuple(read)


def _zero(value: object, found: Contents) -> object:
    """The number 0 for a constant that is zero everywhere."""
    constant = found.constants.get(value.name) if isinstance(value, fx.Node) else None
    return value if constant is None or bool(constant.any()) else 0.0


def _inside(args: Any) -> int:
    """How many different nodes the arguments hold, those in lists counted."""
    nodes: set[fx.Node] = set()
    map_arg(args, lambda n: nodes.add(n))
    return len(nodes)


def _pure(function: Any) -> Callable[..., Tensor]:
    """The function that gives a new tensor, for one that writes into its first."""
    name = getattr(function, "__name__", "")
    pure = {f"i{op}": getattr(operator, op) for op in ("add", "sub", "mul", "truediv")}
    return pure.get(name, function)


def _merge_normalisations(graph: fx.GraphModule) -> None:
    for node in list(graph.graph.nodes):
        if node.op != "call_module" or not isinstance(graph.get_submodule(str(node.target)), parts.BATCH_NORMS):
            continue
        before, norm = cast(fx.Node, node.args[0]), graph.get_submodule(str(node.target))
        if before.op != "call_module" or len(before.users) > 1 or getattr(norm, "running_var", None) is None:
            continue
        linear = graph.get_submodule(str(before.target))
        if kind_of(linear) != "linear" or (getattr(linear, "transposed", False) and getattr(linear, "groups", 1) > 1):
            continue
        graph.add_submodule(str(before.target), _merged(linear, norm))
        before.meta = node.meta
        node.replace_all_uses_with(before)
        graph.graph.erase_node(node)


def _merged(linear: Any, norm: Any) -> nn.Module:
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
        if (uses > 1 or hooked) and not node.meta["several"]:
            for reader in readers:
                _read_copies(graph, node, reader)


def _uses(reader: fx.Node, node: fx.Node) -> int:
    count = 0

    def see(n: fx.Node) -> fx.Node:
        nonlocal count
        count += n is node
        return n

    map_arg((reader.args, reader.kwargs), see)
    return count


def _read_copies(graph: fx.GraphModule, node: fx.Node, reader: fx.Node) -> None:
    def replace(n: fx.Node) -> fx.Node:
        if n is not node:
            return n
        name = f"copy_{node.name}_{len(graph.graph.nodes)}"
        graph.add_submodule(name, Copy())
        with graph.graph.inserting_before(reader):
            copied = graph.graph.call_module(name, (node,))
        copied.meta = {"tensor": True, "several": False, "nn_module_stack": node.meta.get("nn_module_stack")}
        return copied

    reader.args = map_arg(reader.args, replace)
    reader.kwargs = map_arg(reader.kwargs, replace)


def _verify(module: nn.Module, graph: fx.GraphModule, example: Tensor) -> None:
    """A forward pass that relies on writing in place is not the same without it."""
    with torch.no_grad():
        shape, generator = example[:1].shape, torch.Generator().manual_seed(0)
        x = torch.randn(shape, generator=generator, dtype=example.dtype).to(example.device)
        expected = scores_in(structural_copy(module, widen=True)(x.clone()))
        if expected is None:
            raise NotCanonical(NO_SCORES)
        try:
            got = graph(x)
        except RuntimeError as problem:
            raise NotCanonical(f"the graph does not run ({str(problem).splitlines()[0]})") from None
    if not expected.isfinite().all():
        raise NotCanonical("the scores are NaN or infinity")
    tolerance = 1e-3 if expected.dtype == torch.float32 else 1e-8
    if not torch.allclose(got, expected, rtol=tolerance, atol=tolerance * float(expected.abs().max())):
        raise NotCanonical("the forward pass relies on writing into tensors in place, or on hooks")
