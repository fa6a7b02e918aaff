"""Which batch normalisation is alone to read what a convolution gives, seen in one forward pass.

Torch tells every operation on every tensor. Python can take another way another time only where it has read a value,
and the first value that is read stands on every way: what a pass that has read none does, all passes do.
"""

from collections import defaultdict
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from explainers.networks.copies import FORWARD_HOOKS, HOOKS, named_parts
from explainers.networks.outputs import tensors_in

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
# What reads values, or memory, or the gradient that passes, without an operation.
UNSEEN = {
    *("numpy", "tolist", "__array__", "__dlpack__", "data_ptr", "storage", "untyped_storage", "_typed_storage"),
    *("register_hook", "retain_grad"),
}
# Operations that tell Python of values, by what they give or by its shape.
TELLING = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}
# Hooks of all modules there are, which have no public name.
MODULES: Any = torch.nn.modules.module
EVERYWHERE: tuple[dict[int, Any], ...] = (MODULES._global_forward_hooks, MODULES._global_forward_pre_hooks)
# Paths of convolutions, each with that of its normalisation.
Pairs = frozenset[tuple[str, str]]


class SoleReaders:
    """Looks on while `net`, a private copy, is run once, within both `reading` and `looking`."""

    def __init__(self, net: nn.Module) -> None:
        self.reading, self.looking = _Reading(), _Looking()
        self.given: dict[str, list[Tensor]] = defaultdict(list)
        self.got: dict[str, list[Tensor | None]] = defaultdict(list)
        for path, part in named_parts(net):
            if is_plain(part, CONVOLUTIONS):
                part.register_forward_hook(partial(self._give, path))
            elif is_plain(part, NORMALISATIONS):
                part.register_forward_pre_hook(partial(self._get, path))

    def _give(self, path: str, module: nn.Module, args: object, output: Tensor) -> None:
        # Earlier readers were of another tensor in the same place.
        self.reading.readers[_memory(output)].clear()
        self.given[path].append(output)

    def _get(self, path: str, module: nn.Module, args: tuple[Any, ...]) -> None:
        self.got[path].append(args[0] if len(args) == 1 else None)

    @property
    def looked(self) -> bool:
        """Whether Python has read a value."""
        return self.looking.looked or self.reading.looked

    @property
    def convolutions(self) -> frozenset[str]:
        """Paths of those that ran."""
        return frozenset(self.given)

    def pairs(self, feature: Tensor) -> Pairs:
        """Convolutions that ran once, each with the one normalisation that alone read what it gave."""
        once = {path: tensors[0] for path, tensors in self.given.items() if len(tensors) == 1}
        return frozenset(
            (before, path)
            for path, tensors in self.got.items()
            for before, tensor in once.items()
            if len(tensors) == 1 and tensors[0] is tensor and self._alone(tensor, feature)
        )

    def _alone(self, tensor: Tensor, feature: Tensor) -> bool:
        return self.reading.readers[_memory(tensor)] == [True] and _memory(tensor) != _memory(feature)


class _Reading(TorchDispatchMode):
    """For each memory, of every operation that got it, whether it is a batch normalisation by running statistics."""

    def __init__(self) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - torch does not say what it takes
        self.readers: dict[int, list[bool]] = defaultdict(list)
        self.looked = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        given: dict[str, Any] = dict(zip((a.name for a in func._schema.arguments), args, strict=False)) | kwargs
        normalises = "batch_norm" in func.__name__ and not given.get("training")
        for tensor in tensors_in((args, kwargs)):
            self.readers[_memory(tensor)].append(normalises)
        self.looked |= not TELLING.isdisjoint(func.tags)
        return func(*args, **kwargs)


class _Looking(TorchFunctionMode):
    """Whether values were read past the operations."""

    looked = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.looked |= getattr(func, "__name__", "") in UNSEEN
        return func(*args, **kwargs or {})


def _memory(tensor: Tensor) -> int:
    with torch._C.DisableTorchFunction():  # pyright: ignore[reportPrivateUsage]
        return tensor.untyped_storage()._cdata  # pyright: ignore[reportPrivateUsage]


def is_plain(part: nn.Module, types: tuple[type[nn.Module], ...]) -> bool:
    """One of torch's own `types`, with nothing added to it."""
    return type(part) in types and "forward" not in vars(part) and not any(vars(part)[name] for name in HOOKS)


def is_watched(module: nn.Module) -> bool:
    """Whether somebody's hooks see the passes; torch's own compute weights."""
    hooks = [hook for part in module.modules() for name in FORWARD_HOOKS for hook in vars(part).get(name, {}).values()]
    return any(map(len, EVERYWHERE)) or any(not type(hook).__module__.startswith("torch.") for hook in hooks)
