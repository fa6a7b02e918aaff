"""Programs of torch.export as networks of ordinary modules, so that layers have names and every method its rules.

An exported program is a list of tensor operations with the path of the module that each came from. Of these the modules
are built again: torch's own where one operation makes one, graphs of them elsewhere.
"""

import operator
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.export.unflatten import unflatten
from torch.nn import functional as F

from explainers.checkpoints.program_modules import MODULES
from explainers.nested import is_sequence

HOW = (
    "export it in evaluation mode, for float32 and any number of pictures: torch.export.export(net.eval(), "
    '(pictures,), dynamic_shapes=({0: torch.export.Dim("batch")},)) with two pictures or more'
)
aten = torch.ops.aten
# What gives another look at the same memory.
VIEWS = {"view", "reshape", "slice", "select", "permute", "transpose", "expand", "squeeze", "unsqueeze", "flatten",
         "chunk", "split", "detach", "t", "unflatten", "unbind", "narrow", "contiguous"}  # fmt: skip


def _size(x: Tensor, axis: int) -> int:
    return x.shape[axis]


def _part(x: Tensor, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    return x[(slice(None),) * (axis % x.dim()) + (slice(start, end, step),)]


FUNCTIONS: dict[Any, Callable[..., object]] = {
    aten.add.Tensor: torch.add,
    aten.sub.Tensor: torch.sub,
    aten.mul.Tensor: torch.mul,
    aten.div.Tensor: torch.div,
    aten.cat.default: torch.cat,
    aten.flatten.using_ints: torch.flatten,
    aten.view.default: torch.reshape,
    aten.reshape.default: torch.reshape,
    aten.permute.default: torch.permute,
    aten.transpose.int: torch.transpose,
    aten.mean.dim: torch.mean,
    aten.chunk.default: torch.chunk,
    aten.pad.default: F.pad,
    aten.slice.Tensor: _part,
    aten.sym_size.int: _size,
}


def load_program(file: Path) -> tuple[nn.Module, tuple[int, int, int]]:
    """The network in a file of torch.export.save, and the (C, H, W) of the pictures it was exported for.

    Reading it may run what the file says, as any program: for files of one's own. Raises ValueError, one sentence that
    says how to export it, for a program that is not a function of one batch of pictures.
    """
    try:
        program = torch.export.load(file)
    except Exception as error:  # whatever a file that is none makes the reader raise
        raise ValueError(f"expected a file of torch.export.save, got {file.name}, which is none; {HOW}") from error
    return rebuilt(program), example(program)


def example(program: ExportedProgram) -> tuple[int, int, int]:
    """The (C, H, W) of the pictures that the program takes. Raises ValueError for other inputs."""
    names = set(program.graph_signature.user_inputs)
    inputs = [node for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    values = [node.meta.get("val") for node in inputs]
    if len(values) != 1 or not isinstance(values[0], Tensor) or values[0].dim() != 4:
        raise ValueError(f"expected a program of one batch of pictures (B, C, H, W), got other inputs; {HOW}")
    # Open lengths are torch's symbols, whatever it says.
    sides: list[object] = list(values[0].shape)
    shape = [side for side in sides[1:] if isinstance(side, int)]
    if isinstance(sides[0], int) or len(shape) != 3 or values[0].dtype != torch.float32:
        raise ValueError(
            f"expected any number of pictures of one size in float32, got a program of {values[0].dtype} and "
            f"{tuple(values[0].shape)}; {HOW}"
        )
    channels, height, width = shape
    return channels, height, width


def rebuilt(program: ExportedProgram) -> nn.Module:
    """The program as modules; the same operations on the same weights.

    Raises ValueError, one sentence, where it was exported in training mode, or where the modules do not give its
    answers.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2)).eval()
    >>> shapes = ({0: torch.export.Dim("batch")},)
    >>> program = torch.export.export(net, (torch.zeros(2, 3, 6, 6),), dynamic_shapes=shapes)
    >>> [type(part).__name__ for part in rebuilt(program)]
    ['Conv2d', 'ReLU', 'Flatten', 'Linear']
    """
    shape = example(program)
    _without_writing(program.graph)
    program.graph_module.recompile()
    net = _convert(unflatten(program)).requires_grad_(False)
    net.train(False)
    pictures = torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted, found = program.module()(pictures), net(pictures)
    if not isinstance(wanted, Tensor):
        raise ValueError(f"expected a program that gives one tensor, got one that gives {type(wanted).__name__}; {HOW}")
    if wanted.shape != found.shape or not torch.allclose(
        wanted, found, rtol=1e-4, atol=1e-5 * float(wanted.abs().max())
    ):
        raise ValueError(f"expected a program that gives the same answers as its modules, got another one; {HOW}")
    return net


def _without_writing(graph: fx.Graph) -> None:
    """relu_ becomes relu where nobody else sees what it is written into."""
    for node in graph.nodes:
        name = getattr(getattr(node.target, "overloadpacket", None), "__name__", "")
        if node.op != "call_function" or not name.endswith("_") or name.startswith("_"):
            continue
        written = node.args[0]
        source = getattr(getattr(written.target, "overloadpacket", None), "__name__", "input")
        plain = getattr(aten, name.rstrip("_"), None)
        overload = node.target._overloadname
        if (
            len(written.users) == 1
            and written.op == "call_function"
            and source not in VIEWS
            and hasattr(plain, overload)
        ):
            node.target = getattr(plain, overload)


def _convert(module: nn.Module) -> nn.Module:
    """One module of the program and all below it."""
    kind = str(getattr(module, "_ty", None) or "Program").rpartition(".")[2]
    root, graph = nn.Module(), fx.Graph()
    values: dict[fx.Node, fx.Node] = {}
    for name, child in module.named_children():
        root.add_module(name, _convert(child))
    called = getattr(module, "graph", None)
    if called is None:
        return root  # never called itself, only what is in it
    made = 0
    for node in called.nodes:
        if node.op == "get_attr":
            values[node] = node
        elif node.op == "call_function" and (part := _module(node, module)) is not None:
            name = kind if made == 0 and not list(module.children()) else node.name
            root.add_module(name := _free(root, name), part)
            values[node], made = (
                graph.call_module(name, (_mapped(node.args[0], values, graph, root, module),)),
                made + 1,
            )
        elif node.op == "call_function" and _says_nothing(node):
            continue
        elif node.op == "output":
            graph.output(fx.map_arg(_only(node.args[0]), lambda old: _mapped(old, values, graph, root, module)))
        else:
            new = graph.node_copy(node, lambda old: _mapped(old, values, graph, root, module))
            if node.op == "call_function" and node.target in FUNCTIONS:
                new.target = FUNCTIONS[node.target]
            values[node] = new
    return _simplest(root, graph, kind)


def _only(outputs: Any) -> Any:
    """The program as a whole gives a list of outputs, its parts give theirs."""
    return outputs[0] if is_sequence(outputs) and len(outputs) == 1 else outputs


def _mapped(value: Any, values: dict[fx.Node, fx.Node], graph: fx.Graph, root: nn.Module, module: nn.Module) -> Any:
    """The node that stands for `value` in the new graph; parameters are fetched where they are used."""
    if not isinstance(value, fx.Node):
        return value
    if value.op != "get_attr":
        return values[value]
    tensor = operator.attrgetter(str(value.target))(module)
    name = str(value.target).replace(".", "_")
    if not hasattr(root, name):
        if isinstance(tensor, nn.Parameter):
            root.register_parameter(name, tensor)
        else:
            root.register_buffer(name, tensor)
    return graph.get_attr(name)


def _module(node: fx.Node, module: nn.Module) -> nn.Module | None:
    """The torch.nn module that one operation makes of its first argument; None for any other."""
    make = MODULES.get(node.target)
    if make is None or not isinstance(node.args[0], fx.Node) or node.args[0].op == "get_attr":
        return None
    rest = [*node.args[1:], *node.kwargs.values()]
    if any(isinstance(value, fx.Node) and value.op != "get_attr" for value in rest):
        return None

    def fetched(value: Any) -> Any:
        return operator.attrgetter(str(value.target))(module) if isinstance(value, fx.Node) else value

    taken = cast(Any, node.target)._schema.arguments[1:]
    arguments = {a.name: a.default_value for a in taken if a.has_default_value()}
    names = [a.name for a in taken]
    arguments |= dict(zip(names, map(fetched, node.args[1:]), strict=False))
    return make(**(arguments | {name: fetched(value) for name, value in node.kwargs.items()}))


def _says_nothing(node: fx.Node) -> bool:
    return not node.users and "assert" in str(node.target)


def _free(root: nn.Module, name: str) -> str:
    taken = dict(root.named_children())
    return next(new for i in range(len(taken) + 1) if (new := f"{name}_{i}" if i else name) not in taken)


def _simplest(root: nn.Module, graph: fx.Graph, kind: str) -> nn.Module:
    """A lone module for a graph that only calls it, a Sequential for one, else a module that runs the graph."""
    nodes = list(graph.nodes)
    inputs, calls = [n for n in nodes if n.op == "placeholder"], [n for n in nodes if n.op == "call_module"]
    chain = len(inputs) == 1 and len(nodes) == len(calls) + 2 and nodes[-1].args[0] is ([*inputs, *calls][-1])
    chain = chain and all(call.args == (before,) for before, call in zip([*inputs, *calls], calls, strict=False))
    targets = [call.target for call in calls]
    if chain and not calls:
        return nn.Identity()
    if chain and len(calls) == 1 and kind != "Sequential" and type(root.get_submodule(targets[0])) in _PLAIN:
        return root.get_submodule(targets[0])
    if (
        chain
        and kind in ("Sequential", "Program")
        and len(set(targets)) == len(targets)
        and "." not in "".join(targets)
    ):
        return nn.Sequential(OrderedDict((name, root.get_submodule(name)) for name in targets))
    code = graph.python_code("self")
    space = dict(code.globals)
    exec(code.src, space)
    # A class of its own, so that a block is called and told apart by its kind.
    root.__class__ = type(kind, (nn.Module,), {"forward": space["forward"]})
    return root


_PLAIN = {value for value in vars(nn).values() if isinstance(value, type) and value is not nn.Sequential}
