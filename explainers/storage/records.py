"""Records of tensors and numbers as text and safetensors, and back: only known types, never an object's code.

A record is a frozen dataclass whose fields are tensors, arrays, numbers, text, None, tuples of these, or records. It
becomes JSON that says what it is made of, and one block of safetensors with its tensors.
"""

import importlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

# Where the types live that may be kept, and the version of their fields: raise it when fields change their meaning.
# They are imported when first met: some bring Captum with them.
KNOWN: Mapping[str, tuple[str, int]] = {
    "CIDSettings": ("explainers.cid.results", 1),
    "CIDResult": ("explainers.cid.results", 2),
    "RUResult": ("explainers.cid.results", 2),
    "Explanation": ("explainers.baselines.explain", 1),
    "Scores": ("explainers.evaluation.scores", 2),
}
PLAIN = (str, int, float, bool, type(None))


class BrokenRecord(ValueError):
    """What was read is no record of a known type and version."""


def encode(value: Any, known: Mapping[str, tuple[str, int]] = KNOWN) -> tuple[bytes, bytes]:
    """JSON and safetensors of a record, tensor, number or text, or of tuples and dictionaries (by text) of them.

    Raises TypeError for what is none of the known types.

    >>> decode(*encode((1.5, {"a": torch.arange(3)})))
    (1.5, {'a': tensor([0, 1, 2])})
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_encode(value, tensors, known), ensure_ascii=False)
    return text.encode(), save(tensors)


def decode(text: bytes, data: bytes, known: Mapping[str, tuple[str, int]] = KNOWN) -> Any:
    """The value that `encode` was given, its tensors on the CPU.

    Raises BrokenRecord for anything else: no code is run and no type outside of `known` is made.
    """
    try:
        return _decode(json.loads(text), load(data), known)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenRecord(f"expected a record of a known type and version, got something else ({error})") from error


def _encode(value: Any, tensors: dict[str, Tensor], known: Mapping[str, tuple[str, int]]) -> Any:
    if type(value) in PLAIN:
        return value
    if isinstance(value, np.generic):
        return cast(Any, value).item()
    if isinstance(value, tuple):
        return {"tuple": [_encode(one, tensors, known) for one in cast("tuple[Any, ...]", value)]}
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {"dict": [[str(key), _encode(one, tensors, known)] for key, one in pairs]}
    if isinstance(value, Tensor | np.ndarray):
        name = str(len(tensors))
        tensor = (
            value.detach().cpu()
            if isinstance(value, Tensor)
            else torch.as_tensor(np.array(cast(Any, value), order="C"))
        )
        # A copy of its own: safetensors refuses tensors that share memory.
        tensors[name] = tensor.clone(memory_format=torch.contiguous_format)
        return {"tensor" if isinstance(value, Tensor) else "array": name}
    name = type(value).__name__
    if is_dataclass(value) and name in known and type(value) is _known_type(name, known):
        content = {field.name: _encode(getattr(value, field.name), tensors, known) for field in fields(value)}
        return {"record": name, "version": known[name][1], "fields": content}
    raise TypeError(f"expected a record of a known type ({', '.join(known)}), got {type(value).__name__}")


def _decode(value: Any, tensors: dict[str, Tensor], known: Mapping[str, tuple[str, int]]) -> Any:
    if type(value) in PLAIN:
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    if "array" in value:
        return tensors[value["array"]].numpy()
    if "tuple" in value:
        return tuple(_decode(one, tensors, known) for one in value["tuple"])
    if "dict" in value:
        return {key: _decode(one, tensors, known) for key, one in value["dict"]}
    name, content = value["record"], value["fields"]
    if value["version"] != known[name][1]:
        raise BrokenRecord(f"{name} of version {value['version']}")
    made = _known_type(name, known)
    declared = {field.name: get_type_hints(made)[field.name] for field in fields(made)}
    values = {key: _decode(one, tensors, known) for key, one in content.items()}
    if set(values) != set(declared) or not all(_fits(values[key], kind) for key, kind in declared.items()):
        raise BrokenRecord(f"{name} with other fields")
    return made(**values)


def _fits(value: Any, declared: Any) -> bool:
    """Whether a value is of the declared type; what is in a tuple is not looked at."""
    if isinstance(declared, UnionType):
        return any(_fits(value, one) for one in get_args(declared))
    kind = get_origin(declared) or declared
    return isinstance(value, int | float if kind is float else kind)


def _known_type(name: str, known: Mapping[str, tuple[str, int]]) -> type:
    return getattr(importlib.import_module(known[name][0]), name)
