"""Captum's calling convention for CID and RU, without an import of Captum.

What Captum's tools for attribution methods ask for (`NoiseTunnel`, `captum.metrics`) is here by name. As its own
methods that look at no class do, `attribute` takes a `target` and does not use it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import wraps
from typing import Generic, ParamSpec, TypeVar

import torch
from torch import Tensor, nn

from explainers.cid.results import CIDResult, CIDSettings
from explainers.streams import last

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
Result = TypeVar("Result", bound=CIDResult, covariant=True)


def _seen_through(method: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """With `__wrapped__`, through which NoiseTunnel calls the method."""

    @wraps(method)
    def call(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        return method(*args, **kwargs)

    return call


class EntropyAttribution(ABC, Generic[Result]):
    """What CID and RU have in common: results that sharpen, of which the last is the map."""

    multiplies_by_inputs = False

    def __init__(self, model: nn.Module) -> None:
        self.forward_func = model

    def has_convergence_delta(self) -> bool:
        """Entropies do not sum to anything."""
        return False

    @abstractmethod
    def stream(self, inputs: Tensor, settings: CIDSettings | None = None, every: bool = False) -> Iterator[Result]:
        """Results that sharpen; the last is the answer."""

    def explain(self, inputs: Tensor, settings: CIDSettings | None = None) -> Result:
        """The maps (B, 1, H, W), in nats, of `inputs` (B, C, H, W) with everything that says how far to trust them.

        Raises ValueError for inputs that are not finite pictures, and for a grid that does not divide them.
        """
        return last(self.stream(inputs, settings))

    @_seen_through
    def attribute(
        self,
        inputs: Tensor | tuple[Tensor],
        settings: CIDSettings | None = None,
        target: object = None,
        additional_forward_args: None = None,
        importance: bool = False,
        **changes: object,
    ) -> Tensor | tuple[Tensor]:
        """The entropy map (B, 1, H, W) of `inputs` (B, C, H, W), in nats; of CID +inf where a pixel is not used.

        Settings may be given as a record, one by one, `attribute(x, beta=1e-3, seed=1)`, or both. As in Captum, the
        inputs may be a tuple of one tensor, and so is the answer then; `target` is not used, as no class is explained.

        With `importance` the map says instead how much each pixel matters, as scores of maps expect: −H, finite
        everywhere (an unused pixel is one nat below all others), in the shape of `inputs`, the same for each channel.

        Raises ValueError for more than one input, for `additional_forward_args`, and for what is no setting.
        """
        x = inputs[0] if isinstance(inputs, tuple) and len(inputs) == 1 else inputs
        if additional_forward_args is not None:
            raise ValueError("expected a network of one picture alone, got additional_forward_args; build them into it")
        known = [setting.name for setting in fields(CIDSettings)]
        if unknown := [name for name in changes if name not in known]:
            raise ValueError(
                f"expected settings out of {', '.join(known)}, got '{unknown[0]}', on which entropies do not depend; "
                "leave it out"
            )
        entropy = self.explain(x, replace(settings or CIDSettings(), **changes)).entropy.to(x.device)
        answer = importance_of(entropy).expand(x.shape).clone() if importance else entropy
        return (answer,) if isinstance(inputs, tuple) else answer


def importance_of(entropy: Tensor) -> Tensor:
    """−H of maps (B, 1, H, W), with an unused pixel one nat below all others of its picture, 0 where all are.

    >>> importance_of(torch.tensor([[[[1.0, 3.0, torch.inf]]]]))
    tensor([[[[-1., -3., -4.]]]])
    """
    used = entropy.isfinite()
    highest = torch.where(used, entropy, -torch.inf).amax((1, 2, 3), keepdim=True)
    unused = torch.where(highest.isfinite(), -highest - 1, 0)
    return torch.where(used, -entropy, unused)
