"""A device that is not the processor and lives on this machine, so that what is on the wrong device fails here.

`twin:0` is registered with PyTorch as private backends are. Each of its tensors holds one of the processor, on which
its operations are done, so that numbers, and the decisions made on them, are the processor's own. As on a graphics
card, an operation refuses tensors of both devices, except for numbers without a dimension, and a generator of the
processor; and what makes the processor wait for the device is counted: a value that is read, a blocking copy either
way, an operation whose result has a shape that depends on values. What is copied without blocking reads as rubbish
until an event has been waited for.

Import it before any gradient has been computed in the process: the engine begins its threads with the first.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _DummyPrivateUse1Hook,
    _setup_privateuseone_for_python_backend,
)

if torch.accelerator.is_available():
    pytest.skip("this machine has an accelerator, in whose place the twin would stand", allow_module_level=True)


class _Hook(_DummyPrivateUse1Hook):
    def is_available(self) -> bool:
        return present


class _Module(_DummyBackendModule):
    """What `torch.twin` is. The device draws no numbers of its own, so its generator has no state."""

    def is_available(self) -> bool:
        return present

    def device_count(self) -> int:
        return int(present)

    def empty_cache(self) -> None:
        pass

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]

    def get_rng_state(self, device: object = None) -> Tensor:
        return torch.empty(0, dtype=torch.uint8)

    def set_rng_state(self, state: Tensor, device: object = None) -> None:
        pass


present = False
_setup_privateuseone_for_python_backend("twin", _Module(), _Hook())
aten = torch.ops.aten
DEVICE = torch.device("twin:0")
# Their shape depends on values, which the processor has to know.
WAITING = ("_local_scalar_dense", "equal", "nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive")
PICKING = ("index", "index_put", "index_put_", "_index_put_impl_")
COPIES = (aten._to_copy.default, aten.copy_.default)


class WrongDevice(RuntimeError):
    """An operation was given tensors of two devices."""


class TwinTensor(Tensor):
    """One tensor of the device; `held` is its twin on the processor."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "TwinTensor":
        found = Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=DEVICE,
        )
        found.held = held
        return found

    def __repr__(self, **_: object) -> str:
        return f"twin {self.held}"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


class Log:
    """What made the processor wait, by kind, and how many operations the device has done."""

    def __init__(self) -> None:
        self.waits: Counter[str] = Counter()
        self.operations = 0
        # Copies on their way: the tensor of the processor, and what will stand in it.
        self.on_their_way: list[tuple[Tensor, Tensor]] = []

    def arrive(self) -> None:
        for there, values in self.on_their_way:
            there.copy_(values)
        self.on_their_way.clear()


log = Log()


def _run(func, args: tuple, kwargs: dict):
    leaves = tree_leaves((args, kwargs))
    log.operations += 1
    if func in COPIES:
        return _copy(func, args, kwargs)
    ours = [leaf for leaf in leaves if isinstance(leaf, TwinTensor)]
    strangers = [leaf for leaf in leaves if isinstance(leaf, Tensor) and not isinstance(leaf, TwinTensor)]
    if any(stranger.dim() for stranger in strangers):
        raise WrongDevice(f"expected tensors of {DEVICE}, got {func} with one of the processor")
    if isinstance(kwargs.get("generator"), torch.Generator):
        raise WrongDevice(f"expected a generator of {DEVICE}, got {func} with one of the processor")
    name = func.overloadpacket.__name__
    masked = name in PICKING and any(leaf.dtype == torch.bool for leaf in args[1] if leaf is not None)
    if name in WAITING or masked:
        log.waits[name] += 1
        log.arrive()
    kwargs = {**kwargs, "device": torch.device("cpu")} if kwargs.get("device") is not None else kwargs
    args, kwargs = tree_map_only(TwinTensor, lambda tensor: tensor.held, (args, kwargs))
    return _wrapped(func(*args, **kwargs), ours)


def _wrapped(found, ours: list[TwinTensor]):
    """The result as tensors of the device; what was written in place stays the tensor that it was."""
    known = {id(tensor.held): tensor for tensor in ours}
    return tree_map_only(Tensor, lambda tensor: known[id(tensor)] if id(tensor) in known else TwinTensor(tensor), found)


def _copy(func, args: tuple, kwargs: dict):
    """Within the device, from it, and to it."""
    into = args[0] if func is aten.copy_.default else None
    source = args[1] if into is not None else args[0]
    unblocked = kwargs.get("non_blocking", False) or (into is not None and len(args) > 2 and args[2])
    from_device, held = isinstance(source, TwinTensor), getattr(source, "held", source)
    if into is not None:
        to_device, there = isinstance(into, TwinTensor), getattr(into, "held", into)
        values = held
    else:
        wanted = kwargs.get("device")
        to_device = from_device if wanted is None else wanted.type == DEVICE.type
        values = func(held, **{**kwargs, "device": torch.device("cpu")})
        there = torch.empty_like(values)
    if from_device and not to_device:
        if unblocked:
            there.view(torch.uint8).fill_(85) if there.dim() else there.fill_(0)
            log.on_their_way.append((there, values.clone()))
        else:
            log.waits["copy from the device"] += 1
            log.arrive()
            there.copy_(values)
    else:
        if to_device and not from_device and not (unblocked and getattr(source, "pinned", False)):
            # A number without a dimension travels with the call.
            log.waits["copy to the device"] += bool(source.dim())
        there.copy_(values)
    if into is not None:
        return into
    return TwinTensor(there) if to_device else there


class Event:
    """As `torch.Event`, which the backends of one's own that are written in Python do not have."""

    def __init__(self, device: object = None) -> None:
        self.recorded = False

    def record(self, stream: object = None) -> None:
        self.recorded = True

    def synchronize(self) -> None:
        assert self.recorded
        log.arrive()


def _empty(size, dtype=None, layout=None, device=None, pin_memory=None, memory_format=None):
    return TwinTensor(torch.empty(size, dtype=dtype, memory_format=memory_format or torch.contiguous_format))


def _empty_strided(size, stride, dtype=None, layout=None, device=None, pin_memory=None):
    return TwinTensor(torch.empty_strided(size, stride, dtype=dtype))


def _copy_from(source: Tensor, into: Tensor, non_blocking: bool = False) -> Tensor:
    """What `torch.tensor(…, device=…)` ends in."""
    return _copy(aten.copy_.default, (into, source, non_blocking), {})


_library = torch.library.Library("aten", "IMPL")
# Autocast changes nothing here.
_everything = torch.library.Library("_", "IMPL")
_everything.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
_library.impl("empty.memory_format", _empty, "PrivateUse1")
_library.impl("_copy_from", _copy_from, "PrivateUse1")
_library.impl("empty_strided", _empty_strided, "PrivateUse1")


def _pin(tensor: Tensor) -> Tensor:
    found = tensor.clone()
    found.pinned = True
    return found


@contextmanager
def twin_device() -> Iterator[Log]:
    """Within it the machine has the device; a fresh log of it."""
    global present, log
    log, present = Log(), True
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(torch, "Event", Event))
        stack.enter_context(mock.patch.object(Tensor, "pin_memory", _pin))
        try:
            yield log
        finally:
            present = False
