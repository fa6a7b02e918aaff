"""What a network is apart from the values of its weights: the types, code and settings of all its parts.

Code is followed to what it reads: closures, defaults, the globals that it names, the classes of the parts and of the
objects that they hold. What belongs to Python's own library, torch and other installed packages is taken as it is.
"""

import array
import functools
import hashlib
import site
import sys
import sysconfig
import types
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from explainers.nested import is_mapping
from explainers.networks.copies import HOOKS, named_parts

Kind = TypeVar("Kind")
# What can be compared by its `repr`.
Signature = tuple[object, ...]
SKIPPED = ("_parameters", "_buffers", "_modules", "training")
PLAIN = (int, float, complex, bool, str, bytes, type(None), range, torch.dtype, torch.device, torch.Size)
# What a class holds that says nothing about what it does, or changes by being looked at.
UNSAID = (
    "__dict__",
    "__weakref__",
    "__slotnames__",
    "__doc__",
    "__annotations__",
    "__module__",
    "__abstractmethods__",
    "_abc_impl",
)
# Containers of more values than this are compared by their length and identity.
MOST_VALUES = 10_000
Items = dict[object, object] | list[object] | tuple[object, ...] | deque[object] | set[object] | frozenset[object]
Container: TypeAlias = "Items | array.array[Any] | bytearray"
CONTAINERS = (dict, list, tuple, deque, array.array, bytearray, set, frozenset)
# Objects nested deeper than this are told by their identity.
MOST_DEEP = 100
PLACES = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
INSTALLED = {Path(place).resolve() for place in [*PLACES, *site.getsitepackages(), site.getusersitepackages()]}


def signature(module: nn.Module) -> str:
    """A digest, equal for two moments in the life of `module` between which no part was exchanged or set otherwise.

    >>> net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())
    >>> before = signature(net)
    >>> net[0].stride = (2, 2)
    >>> before == signature(net)
    False
    """
    reader = _Reader(module)
    parts = [
        (path, id(part), reader.kind(type(part)), *_tensors(part), *reader.settings(vars(part), SKIPPED))
        for path, part in named_parts(module, every_use=True)
    ]
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()


def state_of(module: nn.Module) -> Signature:
    """Equal for two moments between which no part, setting or weight was changed: what was made of them still holds."""
    tensors = (*module.parameters(), *module.buffers())
    return signature(module), tuple((t.data_ptr(), 0 if t.is_inference() else t._version, _sum(t)) for t in tensors)


def _sum(tensor: Tensor) -> str:
    """What is written into `data` raises no version."""
    try:
        return str(tensor.detach().sum().item())
    except (RuntimeError, NotImplementedError):  # quantised ones cannot all be summed
        return ""


def _tensors(part: nn.Module) -> list[Signature]:
    held = vars(part)
    # Compiled parts keep theirs elsewhere.
    tensors: dict[str, Tensor | None] = {**held.get("_parameters", {}), **held.get("_buffers", {})}
    return [(name, None if t is None else (t.shape, t.dtype, t.device)) for name, t in tensors.items()]


class _Reader:
    """Makes values comparable later without keeping them alive; each object is read once, parts of `module` apart."""

    def __init__(self, module: nn.Module) -> None:
        self.seen = {id(part) for part in module.modules()}
        self.depth = 0

    def settings(self, attributes: dict[str, object], skipped: tuple[str, ...] = ()) -> list[Signature]:
        found: list[Signature] = []
        for name, value in list(attributes.items()):
            if name in HOOKS and is_mapping(value):
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
            return id(value), _shape(value), value.dtype, value.device, _total(value)
        if self.depth == MOST_DEEP:
            return type(value), id(value)
        self.depth += 1
        try:
            return self.parts(value)
        finally:
            self.depth -= 1

    def parts(self, value: object) -> object:
        # What is made anew each time it is asked for is read each time, and has no identity.
        if _is(value, slice):
            return slice, *map(self.value, (value.start, value.stop, value.step))
        if isinstance(value, type):
            return self.kind(value)
        if isinstance(value, types.MethodType):
            return self.value(value.__self__), self.value(value.__func__)
        if isinstance(value, functools.partial):
            return functools.partial, *map(
                self.value, (value.func, *value.args, *value.keywords, *value.keywords.values())
            )
        if id(value) in self.seen:
            return type(value), id(value)
        self.seen.add(id(value))
        if _is(value, np.ndarray) or _is(value, np.generic):
            return id(value), value.shape, value.dtype.str, _content(value)
        if _is_container(value):
            return type(value), self.content(value), tuple(self.settings(getattr(value, "__dict__", {})))
        if isinstance(value, types.FunctionType):
            return self.function(value)
        if _is_method(value):
            return type(value), self.value(value.__func__)
        if isinstance(value, property):
            return property, *(self.value(access) for access in (value.fget, value.fset))
        if isinstance(value, types.ModuleType):
            return id(value)
        slots = {name for cls in type(value).__mro__ for name in _slots(cls) if hasattr(value, name)}
        held = {name: getattr(value, name) for name in sorted(slots)} | getattr(value, "__dict__", {})
        return self.kind(type(value)), id(value), tuple(self.settings(held))

    def content(self, value: Container) -> object:
        if isinstance(value, array.array | bytearray):
            return hashlib.sha256(value).hexdigest()
        if len(value) > MOST_VALUES:
            return id(value), len(value)
        if isinstance(value, dict):
            return tuple((str(key), self.value(item)) for key, item in list(value.items()))
        if isinstance(value, set | frozenset):
            return type(value), tuple(sorted(repr(self.value(item)) for item in list(value)))
        return tuple(self.value(item) for item in list(value))

    def function(self, function: types.FunctionType) -> Signature:
        """Its code with the values that it reads: in closures, defaults and globals."""
        if _is_installed(function.__module__):
            return function.__qualname__, id(function)
        cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
        constants = tuple(self.value(item) for item in (*cells, *defaults))
        read = self.named(tuple(_names(function.__code__)), function.__globals__, set())
        return (
            function.__qualname__,
            id(function),
            function.__code__,
            constants,
            read,
            tuple(self.settings(vars(function))),
        )

    def named(self, names: tuple[str, ...], place: dict[str, object], files: set[int]) -> Signature:
        """What of `place` is named; where that is a file of code, what of that is named, too, as in `config.SLOPE`."""
        found: list[Signature] = []
        for name in names:
            if name in place:
                value = place[name]
                inner: Signature = ()
                if isinstance(value, types.ModuleType) and id(value) not in files:
                    files.add(id(value))
                    inner = self.named(names, vars(value), files)
                found.append((name, self.value(value), inner))
        return tuple(found)


def _is(value: object, kind: type[Kind]) -> TypeGuard[Kind]:
    return isinstance(value, kind)


def _is_method(value: object) -> "TypeGuard[staticmethod[..., object] | classmethod[object, ..., object]]":
    return isinstance(value, staticmethod | classmethod)


def _is_container(value: object) -> TypeGuard[Container]:
    return isinstance(value, CONTAINERS)


def _slots(cls: type) -> list[str]:
    """The names under which what a class keeps without a dictionary is found."""
    slots = vars(cls).get("__slots__", ())
    return [
        f"_{cls.__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name
        for name in ((slots,) if isinstance(slots, str) else slots)
    ]


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
    module = sys.modules.get(name or "")
    file = getattr(module, "__file__", None)
    # What was run from a file by hand is no module that Python knows.
    return module is not None and name != "__main__" if file is None else _lies_in_packages(file)


@functools.cache
def _lies_in_packages(file: str) -> bool:
    """The file, or the one that it is a link to, through whatever links to folders."""
    places = (Path(file).parent.resolve(), Path(file).resolve())
    return any(place.is_relative_to(folder) for place in places for folder in INSTALLED)


def _shape(tensor: Tensor) -> tuple[int, ...] | None:
    try:
        return tuple(tensor.shape)
    except (RuntimeError, NotImplementedError):  # nested ones have several
        return None


def _total(tensor: Tensor) -> object:
    """Changes with nearly every change of the values."""
    try:
        version = 0 if tensor.is_inference() else tensor._version
        if tensor.numel() <= MOST_VALUES and tensor.dtype != torch.bfloat16:
            return version, _content(tensor.detach().cpu().resolve_conj().resolve_neg().numpy())
        found = float(tensor.detach().to(torch.float64).sum())
        return version, found if found == found else "NaN"
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
