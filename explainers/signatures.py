"""What a network is apart from the values of its weights: the types, code and settings of all its parts.

Code is followed to what it reads: closures, defaults, the globals that it names, the classes of the parts and of the
objects that they hold. What belongs to Python's own library, torch and other installed packages is taken as it is.
"""

import functools
import hashlib
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from explainers.copies import HOOKS

# What can be compared by its `repr`.
Signature = tuple
SKIPPED = ("_parameters", "_buffers", "_modules", "training")
PLAIN = (int, float, complex, bool, str, bytes, type(None), range, torch.dtype, torch.device, torch.Size)
# What a class holds that says nothing about what it does, or changes by being looked at.
UNSAID = ("__dict__", "__weakref__", "__doc__", "__annotations__", "__module__", "__abstractmethods__", "_abc_impl")
# Containers of more values than this are compared by their length and identity.
MOST_VALUES = 10_000
INSTALLED = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def signature(module: nn.Module) -> str:
    """A digest, equal for two moments in the life of `module` between which no part was exchanged or set otherwise.

    >>> net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())
    >>> before = signature(net)
    >>> net[0].stride = (2, 2)
    >>> before == signature(net)
    False
    """
    reader = _Reader()
    parts = [
        (path, id(part), reader.kind(type(part)), *_tensors(part), *reader.settings(vars(part), SKIPPED))
        for path, part in module.named_modules(remove_duplicate=False)
    ]
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()


def _tensors(part: nn.Module) -> list[Signature]:
    tensors = {**part._parameters, **part._buffers}
    return [(name, None if t is None else (t.shape, t.dtype, t.device)) for name, t in tensors.items()]


class _Reader:
    """Makes values comparable later without keeping them alive; each object is read once."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def settings(self, attributes: dict[str, object], skipped: tuple[str, ...] = ()) -> list[Signature]:
        found = []
        for name, value in list(attributes.items()):
            if name in HOOKS and isinstance(value, dict):
                found.append((name, tuple(self.value(hook) for hook in list(value.values()))))
            elif name not in skipped:
                found.append((name, self.value(value)))
        return found

    def kind(self, cls: type) -> Signature:
        """A class with all that its instances find in it and its bases."""
        if id(cls) in self.seen:
            return cls.__qualname__, id(cls)
        self.seen.add(id(cls))
        if _is_installed(cls.__module__):
            # Anybody may have put another function there.
            return cls.__qualname__, id(cls), self.value(getattr(cls, "forward", None))
        bases = tuple(self.kind(base) for base in cls.__mro__[1:])
        return cls.__qualname__, id(cls), bases, tuple(self.settings(dict(vars(cls)), UNSAID))

    def value(self, value: object) -> object:
        if isinstance(value, PLAIN):
            return type(value), value if value == value else "NaN"
        if isinstance(value, Tensor):
            return id(value), value.shape, value.dtype, value.device, _total(value)
        if isinstance(value, slice):
            return slice, self.value((value.start, value.stop, value.step))
        if isinstance(value, type):
            return self.kind(value)
        if isinstance(value, types.MethodType):
            return self.value(value.__self__), self.value(value.__func__)
        if isinstance(value, functools.partial):
            return functools.partial, self.value((value.func, value.args, value.keywords))
        if isinstance(value, nn.Module) or id(value) in self.seen:
            return type(value), id(value)
        self.seen.add(id(value))
        if isinstance(value, np.ndarray | np.generic):
            return id(value), value.shape, value.dtype.str, _content(value)
        if isinstance(value, dict | list | tuple | set | frozenset) and len(value) > MOST_VALUES:
            return type(value), id(value), len(value)
        if isinstance(value, dict):
            return type(value), tuple((str(key), self.value(item)) for key, item in list(value.items()))
        if isinstance(value, tuple | list):
            return type(value), tuple(self.value(item) for item in list(value))
        if isinstance(value, set | frozenset):
            return type(value), tuple(sorted(repr(item) for item in list(value)))
        if isinstance(value, types.FunctionType):
            return self.function(value)
        if isinstance(value, staticmethod | classmethod):
            return type(value), self.value(value.__func__)
        if isinstance(value, property):
            return property, *(self.value(access) for access in (value.fget, value.fset))
        if isinstance(value, types.ModuleType):
            return id(value)
        slots = [name for cls in type(value).__mro__ for name in vars(cls).get("__slots__", ()) if hasattr(value, name)]
        held = {name: getattr(value, name) for name in slots} | getattr(value, "__dict__", {})
        return self.kind(type(value)), id(value), tuple(self.settings(held))

    def function(self, function: types.FunctionType) -> Signature:
        """Its code with the values that it reads: in closures, defaults and globals."""
        if _is_installed(function.__module__):
            return function.__qualname__, id(function)
        cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
        named = [name for name in _names(function.__code__) if name in function.__globals__]
        constants = tuple(self.value(item) for item in (*cells, *defaults))
        read = tuple((name, self.value(function.__globals__[name])) for name in named)
        return (
            function.__qualname__,
            id(function),
            function.__code__,
            constants,
            read,
            tuple(self.settings(vars(function))),
        )


def _code(code: types.CodeType) -> Signature:
    constants = (_code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts)
    return code.co_code, code.co_names, code.co_varnames, *constants


def _names(code: types.CodeType) -> Iterator[str]:
    """Names that may be globals, in the function and in those that are written inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _is_installed(name: str | None) -> bool:
    """Whether a module is Python's own, torch's or another package's, whose code does not change while it runs."""
    file = getattr(sys.modules.get(name or ""), "__file__", None)
    return name != "__main__" if file is None else _lies_in_packages(file)


@functools.cache
def _lies_in_packages(file: str) -> bool:
    return any(Path(file).resolve().is_relative_to(folder) for folder in INSTALLED)


def _total(tensor: Tensor) -> object:
    """Changes with nearly every change of the values."""
    try:
        version = 0 if tensor.is_inference() else tensor._version
        return version, float(tensor.detach().to(torch.float64).sum())
    except (RuntimeError, NotImplementedError, TypeError):  # sparse, quantised and meta tensors cannot all be summed
        return None


def _content(values: np.ndarray | np.generic) -> str:
    data = repr(values.tolist()).encode() if values.dtype.hasobject else np.ascontiguousarray(values).tobytes()
    return hashlib.sha256(data).hexdigest()


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
