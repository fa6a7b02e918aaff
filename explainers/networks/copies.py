"""Private copies of a network: the same function, on which hooks may be set and flags changed.

A copy shares the memory of the weights and nothing else that a forward pass could write to: lists, counters and
caches of its modules are its own. What cannot be copied (a lock, a generator, an open file) is shared, too.
"""

import copy
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.parameter import is_lazy

from explainers.networks.outputs import tensors_in

# Modules that copy themselves: their code is generated, or not in Python.
COPY_THEMSELVES = (torch.jit.ScriptModule, fx.GraphModule)
FORWARD_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
BACKWARD_HOOKS = ("_backward_hooks", "_backward_pre_hooks")
HOOKS = FORWARD_HOOKS + BACKWARD_HOOKS
UNCHANGEABLE: tuple[type, ...] = (
    *(int, float, complex, bool, str, bytes, type(None), type, range, slice, torch.dtype, torch.device, torch.Size),
    *(types.FunctionType, types.BuiltinFunctionType, types.ModuleType, types.CodeType, type(Ellipsis)),
)
# Made anew by their own types, with copies of what they hold.
DICTIONARIES: tuple[type, ...] = (dict, OrderedDict, defaultdict)
COLLECTIONS: tuple[type, ...] = (tuple, set, frozenset)
NARROW = (torch.float16, torch.bfloat16)
Hook = Callable[..., object]


def structural_copy(module: nn.Module, device: str | torch.device | None = None, widen: bool = False) -> nn.Module:
    """The module tree anew, in evaluation mode; it shares the weights, which need no gradient.

    On "meta" it knows their shapes alone, on any other device it has weights of its own. `widen` makes half-precision
    weights single ones. Hooks that only look (they return nothing and write nothing) run once in a copy; those of the
    backward pass do not run at all, so that its gradient is that of the function.

    Raises ValueError for a lazy module that has not seen a picture yet.

    >>> net = nn.Linear(2, 2)
    >>> structural_copy(net).weight.data_ptr() == net.weight.data_ptr()
    True
    """
    # Tensors made in inference mode could not be used with gradients.
    with torch.inference_mode(False):
        return _Copier(None if device is None else torch.device(device), widen).copy(module).eval()


def named_parts(module: nn.Module, every_use: bool = False) -> Iterator[tuple[str, nn.Module]]:
    """The module, path "", and all its parts with their paths; a part of several paths once, or `every_use` of it."""
    yield from module.named_modules(remove_duplicate=not every_use)


def out_of_place(copied: nn.Module) -> nn.Module:
    """A copy with nothing done in place any more."""
    for part in copied.modules():
        if getattr(part, "inplace", False):
            setattr(part, "inplace", False)  # noqa: B010
    return copied


def weight_dtype(module: nn.Module) -> torch.dtype | None:
    """The type of the first floating-point weight, None without one."""
    tensors = (*module.parameters(), *module.buffers())
    return next((t.dtype for t in tensors if t.is_floating_point()), None)


class _Copier:
    def __init__(self, device: torch.device | None, widen: bool) -> None:
        self.device, self.widen = device, widen
        # As `copy.deepcopy` keeps it: the copy of each object by its id.
        self.memo: dict[int, Any] = {}
        self.waiting: list[tuple[nn.Module, nn.Module]] = []

    def copy(self, module: nn.Module) -> nn.Module:
        for tensor in (*module.parameters(), *module.buffers()):
            self._tensor(tensor)
        for part in module.modules():
            self._twin(part)
        while self.waiting:
            part, twin = self.waiting.pop()
            for name, value in vars(part).items():
                if name in FORWARD_HOOKS:
                    copied = type(value)((key, self._hook(hook)) for key, hook in value.items())
                elif name in BACKWARD_HOOKS:
                    copied = type(value)()
                else:
                    copied = self._value(value)
                twin.__dict__[name] = copied
        return self.memo[id(module)]

    def _twin(self, part: nn.Module) -> nn.Module:
        if id(part) not in self.memo:
            if isinstance(part, COPY_THEMSELVES):
                self.memo[id(part)] = copy.deepcopy(part, self.memo)
            elif type(part).__module__.startswith("torch._dynamo") and hasattr(part, "_orig_mod"):
                # Compiled code runs no hooks.
                self.memo[id(part)] = _Uncompiled(self._twin(part.get_submodule("_orig_mod")))
            else:
                twin = self.memo[id(part)] = object.__new__(type(part))
                self.waiting.append((part, twin))
        return self.memo[id(part)]

    def _tensor(self, tensor: Tensor) -> Tensor:
        if id(tensor) not in self.memo:
            self.memo[id(tensor)] = self._shared(tensor)
        return self.memo[id(tensor)]

    def _shared(self, tensor: Tensor) -> Tensor:
        if is_lazy(tensor):
            raise ValueError(
                "expected a network whose lazy layers know their sizes, got one that has not run yet; run it"
            )
        if self.device is not None and self.device.type == "meta":
            dtype = torch.float32 if self.widen and tensor.dtype in NARROW else tensor.dtype
            try:
                return torch.empty_like(tensor, device="meta", dtype=dtype, requires_grad=False)
            except (RuntimeError, NotImplementedError):  # quantised and nested ones have no such form
                return tensor.detach()
        shared = tensor.detach()
        if shared.is_inference():
            shared = shared.clone()
        if self.device is not None:
            shared = shared.to(self.device)
        return shared.float() if self.widen and shared.dtype in NARROW else shared

    def _value(self, value: Any) -> Any:
        if isinstance(value, UNCHANGEABLE):
            return value
        if id(value) in self.memo:
            return self.memo[id(value)]
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, nn.Module):
            return self._twin(value)
        kind = _type(value)
        if kind in DICTIONARIES:
            copied: dict[Any, Any] = defaultdict(value.default_factory) if kind is defaultdict else kind()
            self.memo[id(value)] = copied
            copied.update((self._value(key), self._value(item)) for key, item in value.items())
            return copied
        if kind is list:
            items: list[Any] = []
            self.memo[id(value)] = items
            items.extend(self._value(item) for item in value)
            return items
        if kind in COLLECTIONS:
            return kind(self._value(item) for item in value)
        if kind is deque:
            return deque((self._value(item) for item in value), value.maxlen)
        if kind is partial:
            return partial(self._value(value.func), *map(self._value, value.args), **self._value(value.keywords))
        if kind is types.MethodType:
            return types.MethodType(value.__func__, self._value(value.__self__))
        return self._other(value)

    def _other(self, value: object) -> object:
        trial = dict(self.memo)
        try:
            copied = copy.deepcopy(value, trial)
        except Exception:  # whatever its author thought of: it stays the one there is
            copied = value
        else:
            self.memo.update(trial)
        self.memo[id(value)] = copied
        return copied

    def _hook(self, hook: Hook) -> Hook:
        # Torch's own compute weights (weight and spectral normalisation, pruning).
        return self._value(hook) if type(hook).__module__.startswith("torch.") else _Looking(self._value(hook))


def _type(value: object) -> Any:
    return type(value)


class _Uncompiled(nn.Module):
    """A network given to `torch.compile`, as it was before, under the paths that it has now."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self._orig_mod = net

    def forward(self, *args: object, **kwargs: object) -> object:
        return self._orig_mod(*args, **kwargs)


class _Looking:
    """A hook of the user, until it has shown that it only looks."""

    def __init__(self, hook: Hook) -> None:
        self.hook: Hook | None = hook

    def __call__(self, *args: object, **kwargs: object) -> object:
        if self.hook is None:
            return None
        seen = [t for t in tensors_in((args, kwargs)) if not t.is_inference()]
        before = [t._version for t in seen]
        answer = self.hook(*args, **kwargs)
        if answer is None and [t._version for t in seen] == before:
            self.hook = None
        return answer
