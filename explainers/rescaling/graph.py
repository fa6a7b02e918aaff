"""What a forward pass computes from what: its operations as a graph, weights and features told apart.

The operations are seen by a `TorchFunctionMode`, which holds for one thread only; symbolic tracing with
`torch.fx` would patch `nn.Module` for the whole process while it runs. It follows whatever Python the
network runs, too. What it cannot see into is a compiled or scripted part.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from explainers.nested import is_sequence
from explainers.networks.copies import named_parts, structural_copy
from explainers.networks.outputs import tensors_in
from explainers.networks.trial import NoWrites
from explainers.randomness import drawn_apart


@dataclass(eq=False)
class Operation:
    """One function call that made a feature.

    `inputs` made the features that went in; `leading`: its first argument is one of them. `layer` is the
    path of the module whose own weight, or weight and bias, it uses, None where they are computed or of
    several; `shared`: they are used elsewhere too. `module`, its `path` and `call` (the executions of it
    before) are those of the innermost module that gave out the result, None where it stays inside of one;
    `places` has (path, call) of every module that gave it out. `shape` is that of the result without the batch
    axis, `order` its place in the order of execution. `users` holds an `OUTPUT` for every place in the
    network's output.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])
    inputs: list["Operation"] = field(default_factory=list["Operation"])
    leading: bool = False
    layer: str | None = None
    bias: bool = False
    shared: bool = False
    path: str | None = None
    module: nn.Module | None = None
    call: int = 0
    places: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    shape: tuple[int, ...] = ()
    order: int = 0
    users: list["Operation"] = field(default_factory=list["Operation"])

    @property
    def place(self) -> str:
        """The path by which the layer is known: of its own weights, or of the module that uses them."""
        return self.layer or self.path or self.name

    @property
    def title(self) -> str:
        """What a reader calls it: the type of its module where that does nothing else."""
        alone = self.module is not None and not any(True for _ in self.module.children())
        return type(self.module).__name__ if alone else self.name


OUTPUT = Operation("output")


def operations(module: nn.Module, example: Tensor) -> tuple[Operation, ...]:
    """The operations of `module(example)` in the order of execution, example (B, C, H, W).

    Runs on shapes alone where the network allows, else with its weights; the module is left as it was.

    Raises ValueError where the network does not take the example.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    >>> [(op.name, op.layer, op.path) for op in operations(net, torch.zeros(1, 3, 8, 8))]
    [('conv2d', '0', '0'), ('relu', None, '1')]
    """
    try:
        return _record(structural_copy(module, "meta"), example.to("meta"))
    except Exception:  # whatever depends on values: the real run decides
        pass
    try:
        with drawn_apart(), NoWrites(module):
            return _record(structural_copy(module), example.clone())
    except Exception as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise ValueError(
            f"expected a network that takes pictures of shape {tuple(example.shape)}, got {type(error).__name__} "
            f"({reason}); choose another size"
        ) from error


def _record(copied: nn.Module, example: Tensor) -> tuple[Operation, ...]:
    recorder = _Recorder(copied, example)
    for path, part in named_parts(copied):
        if not isinstance(part, torch.jit.ScriptModule):
            part.register_forward_hook(recorder.naming(path))
    with torch.no_grad(), recorder:
        output = copied(example)
    return recorder.finish(output)


class _Recorder(TorchFunctionMode):
    """Notes each call that makes tensors out of the example or of parameters."""

    def __init__(self, module: nn.Module, example: Tensor) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.parameters: dict[int, list[str]] = {}
        for path, parameter in module.named_parameters(remove_duplicate=False):
            self.parameters.setdefault(id(parameter), []).append(path)
        self.uses: Counter[int] = Counter()
        self.executions: Counter[str] = Counter()
        self.parameters_of: dict[Operation, list[int]] = {}
        self.made_by: dict[int, Operation] = {id(example): Operation("input")}
        # An id is only good while its tensor lives.
        self.alive: list[Tensor] = [example]

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = _name(func)
        given = list(tensors_in((args, kwargs)))
        made = list(tensors_in(result)) or (given[:1] if name == "setitem" else [])
        if made:
            own = [id(t) for t in given if id(t) in self.parameters]
            self.uses.update(own)
            inputs = [self.made_by[id(t)] for t in given if id(t) in self.made_by]
            if inputs:
                leading = bool(args) and isinstance(args[0], Tensor) and id(args[0]) in self.made_by
                shape = tuple(made[0].shape[1:])
                # A network may go on filling a list that it has passed.
                kept = tuple(tuple(arg) if is_sequence(arg) else arg for arg in args)
                order = len(self.operations)
                operation = Operation(name, kept, dict(kwargs), inputs, leading, shape=shape, order=order)
                self._add(operation, own, made)
        return result

    def _add(self, operation: Operation, own: list[int], made: list[Tensor]) -> None:
        paths = [self.parameters[i] for i in own]
        operation.layer, operation.bias = _owner(paths), len(paths) > 1
        self.parameters_of[operation] = own
        for before in operation.inputs:
            before.users.append(operation)
        self.operations.append(operation)
        self.alive.extend(made)
        self.made_by.update((id(t), operation) for t in made)

    def naming(self, path: str) -> Callable[[nn.Module, tuple[object, ...], object], None]:
        def hook(module: nn.Module, args: tuple[object, ...], output: object) -> None:
            operation = self.made_by.get(id(output))
            if operation is not None:
                operation.places.append((path, self.executions[path]))
                if operation.path is None:
                    operation.path, operation.module, operation.call = path, module, self.executions[path]
            self.executions[path] += 1

        return hook

    def finish(self, output: object) -> tuple[Operation, ...]:
        for tensor in tensors_in(output):
            if id(tensor) in self.made_by:
                self.made_by[id(tensor)].users.append(OUTPUT)
        for operation in self.operations:
            operation.shared = any(self.uses[i] > 1 for i in self.parameters_of[operation])
        return tuple(self.operations)


def _owner(parameters: list[list[str]]) -> str | None:
    """The first module whose weight, or weight and bias, these are; each has a path or, where tied, several.

    >>> _owner([["a.weight", "b.weight"], ["b.bias"]]), _owner([["b.bias"]])
    ('b', None)
    """
    names = sorted(paths[0].rpartition(".")[2] for paths in parameters)
    if names not in (["weight"], ["bias", "weight"]):
        return None
    first, *others = ([path.rpartition(".")[0] for path in paths] for paths in parameters)
    return next((owner for owner in first if all(owner in other for other in others)), None)


def _name(func: Any) -> str:
    """The kind: "relu" for relu, relu_ and Tensor.relu; "add" for add_ and __add__; the attribute's name for x.T.

    >>> _name(torch.relu_), _name(torch.Tensor.__iadd__), _name(torch.Tensor.T.__get__)
    ('relu', 'iadd', 'T')
    """
    name = getattr(func, "__name__", type(func).__name__)
    return getattr(func.__self__, "__name__", name) if name == "__get__" else name.strip("_")
