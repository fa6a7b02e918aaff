"""Pickles of tensors, interpreted and never run: names, numbers, containers and tensors come out, or nothing does.

The part of pickle's machine that `torch.save` needs. What a training leaves beside the weights, its arguments, numbers
of NumPy, paths, is `Foreign`, which nothing is ever done with but to read its names. Keys are text or numbers, so that
no key takes time to hash; what is made is no larger than what was read; every operation takes one step of a bounded
number.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

# Some forty for a tensor; a checkpoint with its optimiser has three times as many tensors.
MAX_STEPS = 3_000_000
MAX_DIMENSIONS = 16
# Of the name of a foreign object.
LONGEST = 100
# The types of torch's storages and the bytes of an element.
STORAGES = {
    "DoubleStorage": ("float64", 8),
    "FloatStorage": ("float32", 4),
    "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2),
    "LongStorage": ("int64", 8),
    "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2),
    "CharStorage": ("int8", 1),
    "ByteStorage": ("uint8", 1),
    "BoolStorage": ("bool", 1),
    "ComplexFloatStorage": ("complex64", 8),
    "ComplexDoubleStorage": ("complex128", 16),
    "UntypedStorage": ("uint8", 1),
}
TYPES = dict(STORAGES.values()) | {"float8_e4m3fn": 1, "float8_e5m2": 1, "uint16": 2, "uint32": 4, "uint64": 8}


class Unreadable(ValueError):
    """A pickle that holds something else than names, numbers, containers and tensors."""


@dataclass(frozen=True)
class Global:
    """A name that a pickle refers to; it is never looked up."""

    module: str
    name: str


@dataclass(eq=False)
class Foreign:
    """An object of another kind, of which only what would have made it is known, and the names of what is in it."""

    maker: str
    state: dict[object, object] | None = None


@dataclass(frozen=True)
class Storage:
    """`count` elements of `dtype` that are stored under `key`."""

    key: str
    dtype: str
    count: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.count * TYPES[self.dtype]


@dataclass(frozen=True)
class Stored:
    """A tensor: a view of a storage, in elements of `dtype`."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers it has."""
        product = 1
        for side in self.shape:
            product *= side
        return product

    @property
    def size(self) -> int:
        """In bytes."""
        return self.count * TYPES[self.dtype]


def interpret(file: BinaryIO, storages: dict[str, Storage] | None = None) -> Any:
    """What the next pickle in `file` describes, its tensors as `Stored`; `storages` is filled with all that it names.

    Raises Unreadable for everything that a state dict has no need of, and what `pickletools` raises for damaged ones.
    """
    machine = _Machine({} if storages is None else storages)
    for step, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if step > MAX_STEPS:
            raise Unreadable("too long")
        if opcode.name == "STOP":
            return machine.stack.pop()
        if opcode.name in CONSTANTS:
            machine.stack.append(CONSTANTS[opcode.name](argument))
        elif opcode.name in OPERATIONS:
            OPERATIONS[opcode.name](machine, argument)
        else:
            raise Unreadable(opcode.name)
    raise Unreadable("no end")


class _Machine:
    def __init__(self, storages: dict[str, Storage]) -> None:
        self.storages = storages
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def mark(self, _: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def tuple_of(self, count: int | None) -> None:
        items = self.since_mark() if count is None else [self.stack.pop() for _ in range(count)][::-1]
        self.stack.append(tuple(items))

    def extend(self, items: list[Any]) -> None:
        _expect(type(self.stack[-1]) in (list, Foreign))
        if isinstance(self.stack[-1], list):
            self.stack[-1] += items

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        _expect(type(target) in (dict, Foreign) and len(items) % 2 == 0)
        if type(target) is dict:
            for key, value in zip(items[::2], items[1::2], strict=True):
                # No weight is called by anything else.
                if type(key) in (str, int):
                    target[key] = value

    def pair(self) -> list[Any]:
        value, key = self.stack.pop(), self.stack.pop()
        return [key, value]

    def build(self, _: Any) -> None:
        # The versions of a state dict's layers hang on it as an attribute.
        state = self.stack.pop()
        target = self.stack[-1]
        _expect(type(target) is Foreign or (type(state) is dict and type(target) is dict))
        if type(target) is Foreign and type(state) is dict:
            target.state = state

    def memoize(self, place: int | None) -> None:
        self.memo[len(self.memo) if place is None else place] = self.stack[-1]

    def stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        _expect(type(name) is type(module) is str)
        self.stack.append(Global(module, name))

    def persistent(self, _: Any) -> None:
        kind, *named = self.stack.pop()
        if kind == "module":
            # A class with its source, in the format before zip.
            _expect(len(named) == 3 and type(named[0]) is Global)
            self.stack.append(named[0])
            return
        storage, key, _, count, *view = named
        _expect(kind == "storage" and type(storage) is Global and storage.module in ("torch", "torch.storage"))
        _expect(storage.name in STORAGES and type(key) is str and type(count) is int and count >= 0)
        _expect(view in ([], [None]))
        named = Storage(key, STORAGES[storage.name][0], count)
        _expect(self.storages.setdefault(key, named) == named)
        self.stack.append(named)

    def reduce(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        _expect(type(function) is Global and type(arguments) is tuple)
        made = CALLS.get((function.module, function.name))
        self.stack.append(made(*arguments) if made else Foreign(f"{function.module}.{function.name}"[:LONGEST]))

    def new_object(self, parts: int) -> None:
        kind = [self.stack.pop() for _ in range(parts)][-1]
        _expect(type(kind) is Global)
        self.stack.append(Foreign(f"{kind.module}.{kind.name}"[:LONGEST]))


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *rest: Any) -> Stored:
    """`torch._utils._rebuild_tensor` and its second version."""
    _expect(type(storage) is Storage)
    return _view(storage, storage.dtype, offset, shape, stride)


def _tensor_of_type(storage: Any, offset: Any, shape: Any, stride: Any, grad: Any, hooks: Any, dtype: Any) -> Stored:
    """Its third version, for types that have no storage of their own."""
    _expect(type(storage) is Storage and type(dtype) is Global and dtype.module == "torch" and dtype.name in TYPES)
    return _view(storage, dtype.name, offset, shape, stride)


def _view(storage: Storage, dtype: str, offset: Any, shape: Any, stride: Any) -> Stored:
    _expect(type(shape) is type(stride) is tuple and len(shape) == len(stride) <= MAX_DIMENSIONS)
    _expect(all(type(number) is int and number >= 0 for number in (offset, *shape, *stride)))
    found = Stored(storage, dtype, offset, shape, stride)
    last = offset + sum((side - 1) * step for side, step in zip(shape, stride, strict=True))
    _expect(found.count == 0 or (last + 1) * TYPES[dtype] <= storage.size)
    return found


def _parameter(data: Any, *_: Any) -> Stored:
    _expect(type(data) is Stored)
    return data


def _dictionary(pairs: Any = ()) -> dict[str | int, Any]:
    """An ordered dictionary, which Python 2 wrote with its items."""
    _expect(type(pairs) in (tuple, list) and all(type(pair) is list and len(pair) == 2 for pair in pairs))
    _expect(all(type(key) in (str, int) for key, _ in pairs))
    return dict(pairs)


def _global(text: str) -> Global:
    return Global(*text.split(" ", 1))


def _expect(holds: bool) -> None:
    if not holds:
        raise Unreadable("not as torch.save writes it")


CALLS: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): _dictionary,
    ("collections", "defaultdict"): lambda *_: {},
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor_of_type,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}
CONSTANTS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE", "SHORT_BINSTRING", "BINFLOAT"), lambda value: value),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1"), lambda value: value),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), lambda _: Foreign("bytes")),
    "EMPTY_SET": lambda _: Foreign("set"),
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "EMPTY_DICT": lambda _: {},
    "EMPTY_LIST": lambda _: [],
    "EMPTY_TUPLE": lambda _: (),
    "GLOBAL": _global,
}
OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda machine, _: None),
    "MARK": _Machine.mark,
    "TUPLE": _Machine.tuple_of,
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPEND": lambda machine, _: machine.extend([machine.stack.pop()]),
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.pair()),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "BUILD": _Machine.build,
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.memoize),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda machine, place: machine.stack.append(machine.memo[place])),
    "STACK_GLOBAL": _Machine.stack_global,
    "BINPERSID": _Machine.persistent,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": lambda machine, _: machine.new_object(2),
    "NEWOBJ_EX": lambda machine, _: machine.new_object(3),
    "ADDITEMS": lambda machine, _: machine.extend(machine.since_mark()),
    "FROZENSET": lambda machine, _: machine.stack.append(Foreign(f"frozenset of {len(machine.since_mark())}")),
}
