"""Whether a network is a function of one picture, tried before anything is computed with it.

A map says what h does to its picture x. That means something only where h(x) is the same twice, the same alone and
beside other pictures, and where computing it writes to nothing that belongs to the caller.
"""

import inspect
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from explainers.nested import is_sequence
from explainers.networks.copies import named_parts, structural_copy
from explainers.networks.signatures import signature
from explainers.randomness import drawn_apart

# In units of the rounding error at the largest value: the same kernel twice, and another kernel, perhaps of lower
# precision, for another batch; rows that mix less than that have a gradient.
AGAIN, IN_COMPANY = 1_000, 100_000
_lock = threading.Lock()
_passed: "weakref.WeakKeyDictionary[nn.Module, dict[tuple[object, ...], str]]" = weakref.WeakKeyDictionary()


def once(module: nn.Module, what: tuple[object, ...], check: Callable[[], None]) -> None:
    """Runs `check` unless it has passed for the same `what` and no part of `module` has changed since."""
    now = signature(module)
    with _lock:
        if _passed.get(module, {}).get(what) == now:
            return
    check()
    with _lock:
        _passed.setdefault(module, {})[what] = now


def check_function(module: nn.Module, run: Callable[[Tensor], Tensor], x: Tensor, place: object = None) -> None:
    """Raises ValueError, with the part that is to blame, where `run` is no function of one picture.

    `run` maps pictures (B, C, H, W) to one row for each, by a private copy of `module` as far as `place`; `x` are
    pictures, of which the first is tried. What has passed is tried again only after a change of the module's parts.
    """

    def check() -> None:
        with drawn_apart(x.device), NoWrites(module):
            _try(module, run, x[:1].detach())

    once(module, ("function", place, x.shape[1:], x.dtype, x.device), check)


def check_finite(features: Tensor) -> None:
    """Raises ValueError where the network has left the range of its numbers: of every picture, not once."""
    if not features.isfinite().all():
        raise ValueError("expected finite features, got NaN or infinity for this picture; check the network's weights")


def _try(module: nn.Module, run: Callable[[Tensor], Tensor], x: Tensor) -> None:
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(x)
    beside = x + noise * x.std(correction=0).clamp_min(0.1)
    with torch.no_grad():
        # Where rectifiers sleep at x, what is random below them shows beside it.
        for picture in (beside, x):
            first, again = _first_run(module, run, picture), run(picture)
            if _apart(first, again, AGAIN):
                where = _blame(module, picture, picture, AGAIN)
                raise ValueError(
                    f"expected a network that gives the same answer to the same picture, got two answers{where}; take "
                    "out what is random or counts its calls"
                )
    check_finite(first)
    both = torch.cat([x, beside])
    company, leaks = _in_company(run, both)
    if _apart(first, company, IN_COMPANY) or leaks:
        where = _blame(module, x, both, IN_COMPANY)
        raise ValueError(
            f"expected a network that looks at each picture by itself, got an answer that depends on the other "
            f"pictures of its batch{where}; give normalisations running statistics"
        )


def _first_run(module: nn.Module, run: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    try:
        return run(x)
    except (ValueError, MemoryError, torch.OutOfMemoryError):
        raise
    except RecursionError:
        raise ValueError(
            "expected a network whose parts are nested some hundred deep at most, got one that Python cannot call; put "
            "fewer modules into one another"
        ) from None
    except Exception as problem:
        if others := _other_arguments(module):
            raise ValueError(
                f"expected a network of one picture alone, got one whose forward also needs {others}; build "
                "what it needs into the network"
            ) from problem
        if not _takes_a_picture(module):
            raise ValueError(
                "expected a network of one picture, got one whose forward takes none by its place; give it the picture "
                "as its first argument"
            ) from problem
        reason = (str(problem).strip() or "no reason given").split("\n", 1)[0]
        raise ValueError(
            f"expected a network that takes one picture of shape {tuple(x.shape[1:])}, got {type(problem).__name__} "
            f"({reason}); give pictures of another size or number of channels, or another network"
        ) from problem


def _takes_a_picture(module: nn.Module) -> bool:
    try:
        inspect.signature(module.forward).bind(None)
    except TypeError:
        return False
    except ValueError:  # compiled ones have none
        return True
    return True


def _other_arguments(module: nn.Module) -> str:
    """The names of arguments that `forward` cannot do without, beyond the first."""
    try:
        expected = list(inspect.signature(module.forward).parameters.values())[1:]
    except (TypeError, ValueError):  # compiled ones have none
        return ""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return ", ".join(f"'{p.name}'" for p in expected if p.default is p.empty and p.kind not in kinds)


def _apart(a: Tensor, b: Tensor, roundings: int) -> bool:
    if a.shape != b.shape:
        return True
    rounding = torch.finfo(a.dtype).eps * a.abs().max()
    return bool(((a - b).abs() > roundings * rounding).any())


def _in_company(run: Callable[[Tensor], Tensor], both: Tensor) -> tuple[Tensor, bool]:
    """The first picture's row, and whether it has a gradient by the second picture, which is exactly zero otherwise."""
    with torch.enable_grad():
        leaf = both.clone().requires_grad_()
        feature = run(leaf)[:1]
        if not feature.requires_grad:
            return feature, False
        signs = torch.arange(feature.numel(), device=both.device) % 3 - 1.25
        weighted = feature.flatten() @ signs.to(feature)
        (gradient,) = torch.autograd.grad(weighted, leaf, allow_unused=True, materialize_grads=True)
    return feature.detach(), bool((gradient[1].abs() > 0).any())


def _blame(module: nn.Module, x: Tensor, other: Tensor, roundings: int) -> str:
    """The first part, in the order of execution, whose output for x is another the second time, beside `other`."""
    record: list[tuple[str, Tensor]] = []
    copied = structural_copy(module, widen=True)
    for path, part in named_parts(copied):
        if isinstance(part, torch.jit.ScriptModule):
            continue
        part.register_forward_hook(_recording(path, type(part).__name__, record))
    calls: list[list[tuple[str, Tensor]]] = []
    for given in (x, other):
        # What fails above the layer that is looked at does not matter: what came before stands in the record.
        with torch.no_grad(), suppress(Exception):
            copied(given.clone())
        calls.append(record.copy())
        record.clear()
    for (name, first), (_, second) in zip(*calls, strict=False):
        if _apart(first, second[: len(first)], roundings):
            return f", first at {name}"
    return ""


def _recording(
    path: str, kind: str, record: list[tuple[str, Tensor]]
) -> Callable[[nn.Module, tuple[object, ...], object], None]:
    def hook(module: nn.Module, args: tuple[object, ...], output: object) -> None:
        if isinstance(output, Tensor) and output.is_floating_point() and output.dim():
            record.append((f"'{path}' ({kind})" if path else f"its own forward ({kind})", output.clone()))

    return hook


class WritesError(ValueError):
    """The forward pass would write into what belongs to the caller."""


class NoWrites(TorchDispatchMode):
    """Refuses, before it happens, every operation that would write into a weight or buffer of the module."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - torch does not say what it takes
        self.owned = {_storage(t): name for name, t in _owned(module) if _storage(t)}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        for tensor in _written(func, args, kwargs):
            if (name := self.owned.get(_storage(tensor))) is not None:
                raise WritesError(
                    f"expected a forward pass that only reads the network, got one that writes into '{name}'; take the "
                    "update out of forward, or do it in training mode only"
                )
        return func(*args, **kwargs)


def _owned(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()
    for path, part in named_parts(module):
        yield from ((f"{path}.{name}".lstrip("."), t) for name, t in vars(part).items() if isinstance(t, Tensor))


def _storage(tensor: Tensor) -> int:
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):  # sparse and wrapped tensors have none of their own
        return 0


def _written(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Tensor]:
    given: dict[str, Any] = dict(zip((a.name for a in func._schema.arguments), args, strict=False)) | kwargs
    if "batch_norm" in func.__name__ and given.get("training"):
        # Its schema does not say that it updates the running statistics.
        yield from (given[name] for name in ("running_mean", "running_var") if given.get(name) is not None)
    for argument in func._schema.arguments:
        value = given.get(argument.name)
        if argument.alias_info is not None and argument.alias_info.is_write:
            yield from (t for t in (value if is_sequence(value) else [value]) if isinstance(t, Tensor))
