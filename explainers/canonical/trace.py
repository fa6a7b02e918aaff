"""The graph of a network's forward pass, by `torch.fx`, from one picture's shape and in one thread."""

import inspect
import operator
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_arg

from explainers.canonical.computed_weights import fix_weights
from explainers.nested import is_mapping, is_sequence
from explainers.networks.copies import out_of_place, structural_copy
from explainers.networks.operations import SHAPED
from explainers.networks.outputs import NAMES
from explainers.networks.trial import WritesError

NO_SCORES = "the output is not a tensor of scores"


class NotCanonical(ValueError):
    """The network cannot be rewritten; the message is the reason, in half a sentence."""


class _Tracer(fx.Tracer):
    """Traces its own thread alone, and knows the shapes.

    While fx traces, it wraps `nn.Module.__call__` for the whole process. A branch that depends on shapes is decided
    by those of the example, on the meta device; one that depends on values is an error.
    """

    def __init__(self, shapes: nn.Module, example: Tensor) -> None:
        super().__init__()
        self._shapes, self._example = shapes, torch.empty_like(example, device="meta")
        self._values: dict[fx.Node, object] = {}
        self._thread, self._evaluating = threading.get_ident(), False

    def create_args_for_root(
        self, root_fn: Callable[..., Any], is_module: bool, concrete_args: object = None
    ) -> tuple[Any, list[Any]]:
        """The picture alone: other arguments keep their defaults."""
        first = [name for name in inspect.signature(root_fn).parameters if name != "self"][:1]
        return root_fn, [self.root, self.create_proxy("placeholder", first[0] if first else "x", (), {})]

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if self._evaluating or threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: object, parameter_proxy_cache: dict[str, fx.Proxy]) -> object:
        if self._evaluating or threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def to_bool(self, obj: fx.Proxy) -> bool:
        self._evaluating = True
        try:
            return bool(self._value(obj.node))
        finally:
            self._evaluating = False

    def _value(self, node: fx.Node) -> Any:
        if node in self._values:
            return self._values[node]
        args, kwargs = map_arg((node.args, node.kwargs), self._value)
        if node.op == "placeholder":
            value = self._example
        elif node.op == "get_attr":
            value = operator.attrgetter(str(node.target))(self._shapes)
        elif node.op == "call_module":
            value = self._shapes.get_submodule(str(node.target))(*args, **kwargs)
        elif node.op == "call_method":
            value = getattr(args[0], str(node.target))(*args[1:], **kwargs)
        else:
            value = cast("Callable[..., Any]", node.target)(*args, **kwargs)
        self._values[node] = value
        return value


def traced(module: nn.Module, example: Tensor) -> fx.GraphModule:
    """The graph of a private copy of `module` with nothing done in place, its weights shared.

    Raises NotCanonical where the forward pass depends on values or writes into a part of a tensor.
    """
    copied = out_of_place(structural_copy(module, widen=True))
    fix_weights(copied)
    for part in copied.modules():
        # fx only follows what is a Parameter; the memory stays that of the network.
        held: dict[str, Tensor | None] = vars(part)["_parameters"]
        vars(part)["_parameters"] = {
            name: value if value is None else nn.Parameter(value, requires_grad=False) for name, value in held.items()
        }
    single = type(copied).__module__.startswith("torch.nn") and not isinstance(copied, nn.Sequential)
    root = nn.Sequential(copied) if single else copied
    try:
        graph = _Tracer(structural_copy(root, "meta"), example).trace(root)
    except WritesError:
        raise
    except Exception as problem:
        raise NotCanonical(f"the forward pass cannot be written down as a graph ({type(problem).__name__})") from None
    written = fx.GraphModule(root, graph)
    _give_scores_alone(written.graph)
    _refuse_writes(written)
    return written


def _give_scores_alone(graph: fx.Graph) -> None:
    """Of several outputs the one that `scores_in` takes, which is all that is explained."""
    output = next(node for node in graph.nodes if node.op == "output")
    given: Any = output.args[0]
    if isinstance(given, fx.Node):
        return
    while not isinstance(given, fx.Node):
        if is_mapping(given):
            given = next((given[name] for name in NAMES if name in given), None)
        elif is_sequence(given) and given:
            given = given[0]
        else:
            raise NotCanonical(NO_SCORES)
    output.args = (given,)
    graph.eliminate_dead_code()


def operation_name(node: fx.Node) -> str:
    """The name of a function, method or attribute, that of the one which does not write in place."""
    if node.target is getattr:
        return str(node.args[1])
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    return name.strip("_") or name


def _refuse_writes(graph: fx.GraphModule) -> None:
    if any(operation_name(node) == "setitem" for node in graph.graph.nodes if node.op == "call_function"):
        raise NotCanonical("the forward pass writes into a part of a tensor")


@dataclass
class Contents:
    """What the nodes of a graph hold, by name.

    `data` depends on the picture's values, `several` is data in a tuple, `constants` are tensors that do not depend,
    `sizes` is what is no tensor.
    """

    data: set[str] = field(default_factory=set)
    several: set[str] = field(default_factory=set)
    constants: dict[str, Tensor] = field(default_factory=dict)
    sizes: dict[str, object] = field(default_factory=dict)


class _Recorder(fx.Interpreter):
    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.contents = Contents()

    def run_node(self, n: fx.Node) -> object:
        value: object = super().run_node(n)
        found = self.contents
        fed = n.op == "placeholder" or any(source.name in found.data for source in n.all_input_nodes)
        if fed and n.op != "output" and not (n.op != "call_module" and operation_name(n) in SHAPED):
            several = is_sequence(value) and any(map(torch.is_tensor, value))
            if several or isinstance(value, Tensor):
                found.data.add(n.name)
            if several:
                found.several.add(n.name)
        elif isinstance(value, Tensor):
            found.constants[n.name] = value
        if not isinstance(value, Tensor) and n.name not in found.several:
            found.sizes[n.name] = value
        return value


def contents(graph: fx.GraphModule, example: Tensor) -> Contents:
    """What the nodes hold when the graph runs on the first of `example`."""
    recorder = _Recorder(graph)
    try:
        with torch.no_grad():
            recorder.run(example[:1].clone())
    except WritesError:
        raise
    except Exception as problem:
        reason = (str(problem).strip() or type(problem).__name__).split("\n", 1)[0]
        raise NotCanonical(f"the graph does not run on this picture ({reason})") from None
    return recorder.contents
