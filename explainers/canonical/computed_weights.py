"""Weights that a module computes from others before each pass: parametrisations, weight and spectral norm, pruning."""

from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize


def fix_weights(private: nn.Module) -> None:
    """Give every part of a private copy the weights that it computes, as plain ones, and take the computing away."""
    with torch.no_grad():
        for part in list(private.modules()):
            if parametrize.is_parametrized(part):
                _fix_parametrised(part)
            hooks: dict[int, Any] = vars(part)["_forward_pre_hooks"]
            for key, hook in list(hooks.items()):
                name = getattr(hook, "name", None) or getattr(hook, "_tensor_name", None)
                if type(hook).__module__.startswith("torch.nn.utils.") and name is not None:
                    hook(part, ())
                    part.register_parameter(name, nn.Parameter(vars(part).pop(name).detach(), requires_grad=False))
                    del hooks[key]


def _fix_parametrised(part: Any) -> None:
    weights = {name: getattr(part, name).detach() for name in part.parametrizations}
    part.__class__ = parametrize.type_before_parametrizations(part)
    del part._modules["parametrizations"]
    part._parameters.update(weights)
