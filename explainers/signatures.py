"""What a network is apart from the values of its weights: the types and settings of all its parts."""

import types

import torch
from torch import Tensor, nn

from explainers.copies import HOOKS

Signature = tuple
SKIPPED = ("_parameters", "_buffers", "_modules", "training")
PLAIN = (int, float, complex, bool, str, bytes, type(None), type, torch.dtype, torch.device)


def signature(module: nn.Module) -> Signature:
    """Equal for two moments in the life of `module` between which no part was exchanged or set otherwise.

    >>> net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())
    >>> before = signature(net)
    >>> net[0].stride = (2, 2)
    >>> before == signature(net)
    False
    """
    seen: set[int] = set()
    return tuple(
        (path, type(part), id(part), *_tensors(part), *_settings(vars(part), seen, SKIPPED))
        for path, part in module.named_modules(remove_duplicate=False)
    )


def _tensors(part: nn.Module) -> list[Signature]:
    tensors = {**part._parameters, **part._buffers}
    return [(name, None if t is None else (t.shape, t.dtype, t.device)) for name, t in tensors.items()]


def _settings(attributes: dict[str, object], seen: set[int], skipped: tuple[str, ...] = ()) -> list[Signature]:
    found = []
    for name, value in attributes.items():
        if name in HOOKS:
            found.append((name, tuple(_plain(hook, seen) for hook in value.values())))
        elif name not in skipped:
            found.append((name, _plain(value, seen)))
    return found


def _plain(value: object, seen: set[int]) -> object:
    """Something that can be compared later, without keeping `value` alive."""
    if isinstance(value, PLAIN):
        return type(value), value if value == value else "NaN"
    if isinstance(value, Tensor):
        return id(value), value.shape, value.dtype, value.device
    if isinstance(value, nn.Module) or id(value) in seen:
        return type(value), id(value)
    seen.add(id(value))
    if isinstance(value, dict):
        return type(value), tuple((str(key), _plain(item, seen)) for key, item in value.items())
    if isinstance(value, tuple | list):
        return type(value), tuple(_plain(item, seen) for item in value)
    if isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
        constants = tuple(_plain(item, seen) for item in (*cells, *(value.__defaults__ or ())))
        return value.__qualname__, id(value), value.__code__, constants
    if isinstance(value, types.MethodType):
        return value.__func__.__qualname__, id(value.__self__), id(value.__func__)
    return type(value), id(value), tuple(_settings(getattr(value, "__dict__", {}), seen))


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
