r"""The same layer at less cost: batch normalisation within the convolution before it, channels side by side in memory.

In evaluation mode a batch normalisation is an affine map of each channel, as the convolution before it is one:

.. math:: \gamma\,\frac{W * x + b - \mu}{\sqrt{v + \epsilon}} + \beta = W' * x + b', \qquad
          W' = \frac{\gamma}{\sqrt{v + \epsilon}} W, \quad b' = \frac{\gamma\,(b - \mu)}{\sqrt{v + \epsilon}} + \beta

Nothing but rounding changes, where nobody else reads what the convolution gives (`sole_readers.py`). A network that
reads a value stays as it is, and so does every convolution or normalisation that has hooks or code of its own.
"""

import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from explainers.networks.copies import named_parts
from explainers.networks.signatures import state_of
from explainers.networks.silence import gradient_of
from explainers.networks.sole_readers import Pairs, SoleReaders, is_watched
from explainers.norms import norm
from explainers.randomness import Randomness, drawn_apart

# In units of the rounding error, of what the feature and its gradient are long.
FEATURE_ROUNDINGS, GRADIENT_ROUNDINGS = 10_000, 100_000
BESIDE = 0.3
Tensors = tuple[Tensor, Tensor | None]


class Placed(Protocol):
    """A layer's function on a private copy `net`; `layout` is that of the pictures."""

    net: nn.Module
    layout: torch.memory_format

    def __call__(self, x: Tensor) -> Tensor:
        """The feature."""
        ...


Run = TypeVar("Run", bound=Placed)


@dataclass(frozen=True)
class Plan:
    """What is folded; which convolutions run, and in what layout."""

    pairs: Pairs = frozenset()
    convolutions: frozenset[str] = frozenset()
    layout: torch.memory_format = torch.preserve_format


@dataclass
class _Known:
    """Of a network as long as its `state` is this: plans of its layers, and weights that all of them share."""

    state: object
    plans: dict[object, Plan] = field(default_factory=dict[object, Plan])
    weights: dict[object, Tensors] = field(default_factory=dict[object, Tensors])


_lock = threading.Lock()
_all: "weakref.WeakKeyDictionary[nn.Module, _Known]" = weakref.WeakKeyDictionary()


def folded(module: nn.Module, place: Callable[[], Run], x: Tensor, what: object) -> Run | None:
    """The function that `place` makes anew, on a copy of `module`, cheaper to run on pictures like `x` (B, C, H, W).

    `what` tells the layer. The module is left as it was; what was found out, and the weights that were made, are kept
    as long as it lives and stays the same. None where nothing can be proved, or hooks look on.
    """
    if is_watched(module):
        return None
    state = state_of(module)
    with _lock:
        known = _all.get(module)
        if known is None or known.state != state:
            known = _all[module] = _Known(state)
    where = x.dtype, x.device
    plan = known.plans.get((what, x.shape[1:], where))
    if plan is None:
        with drawn_apart(x.device):
            plan = _find(place, x, lambda run, plan: _apply(run, plan, known.weights, where))
        known.plans[what, x.shape[1:], where] = plan
    return None if plan == Plan() else _apply(place(), plan, known.weights, where)


def _layouts(x: Tensor) -> Iterator[torch.memory_format]:
    # Elsewhere it has not been measured.
    if x.device.type == "cpu" and x.dtype == torch.float32 and torch.backends.mkldnn.is_available():
        yield torch.channels_last
    yield torch.preserve_format


def _find(place: Callable[[], Run], x: Tensor, apply: Callable[[Run, Plan], Run]) -> Plan:
    """The first plan that can be proved and gives the same feature and gradient."""
    noise = torch.randn(x.shape[1:], generator=Randomness(0)("folding"), dtype=torch.float64).to(x)
    beside = x[0] + BESIDE * x[0].std(correction=0).clamp_min(0.1) * noise
    both = torch.stack([x[0], beside])
    for layout in _layouts(x):
        try:
            plan = _provable(place, both, layout)
            if plan is None:
                break
            if _is_same(place(), apply(place(), plan), both):
                return plan
        except Exception:  # its author counts on contiguous memory, or on something that nobody thought of
            continue
    return Plan()


def _provable(place: Callable[[], Placed], x: Tensor, layout: torch.memory_format) -> Plan | None:
    """The pairs that may be folded, by two passes of `x`; None where values were read."""
    found: list[Plan] = []
    for gradients in (False, True):
        run = place()
        run.layout = layout
        if any(isinstance(part, torch.jit.ScriptModule) for part in run.net.modules()):
            return None
        seen = SoleReaders(run.net)
        with torch.set_grad_enabled(gradients), seen.looking, seen.reading:
            feature = run(x.clone().requires_grad_(gradients))
        if seen.looked:
            return None
        found.append(Plan(seen.pairs(feature), seen.convolutions, layout))
    return replace(found[1], pairs=found[0].pairs & found[1].pairs)


def _is_same(run: Placed, other: Placed, x: Tensor) -> bool:
    """Feature and gradient agree to rounding."""
    (feature, pull), (found, other_pull) = gradient_of(run, x), gradient_of(other, x)
    v = torch.randn(feature.shape, generator=Randomness(0)("folding back"), dtype=torch.float64).to(feature)
    pairs = ((feature, found, FEATURE_ROUNDINGS), (pull(v), other_pull(v), GRADIENT_ROUNDINGS))
    return all(
        torch.equal(a.isfinite(), b.isfinite()) and bool(norm(a - b) <= roundings * torch.finfo(a.dtype).eps * norm(a))
        for a, b, roundings in pairs
    )


def _apply(run: Run, plan: Plan, weights: dict[object, Tensors], where: object) -> Run:
    """`run` as the plan says; `weights` has those that were made."""
    run.layout = plan.layout
    parts, after = dict(named_parts(run.net)), dict(plan.pairs)
    for path in plan.convolutions if plan.layout == torch.channels_last else after:
        part = parts[path]
        key = path, after.get(path), plan.layout, where
        if key not in weights:
            weights[key] = _weights(part, parts.get(after.get(path, "")) if path in after else None, plan.layout)
        part.forward = partial(_convolve, part, *weights[key])
    for path in after.values():
        parts[path].forward = _pass
    return run


def _weights(convolution: Any, after: Any, layout: torch.memory_format) -> Tensors:
    """W' and b', or W and b where there is no normalisation."""
    weight, bias = convolution.weight, convolution.bias
    if after is not None:
        mean, variance = after.running_mean, after.running_var
        weight, bias = fuse_conv_bn_weights(weight, bias, mean, variance, after.eps, after.weight, after.bias)
        weight, bias = weight.detach(), bias.detach()
    return weight.contiguous(memory_format=layout) if weight.dim() == 4 else weight, bias


def _convolve(convolution: Any, weight: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    return convolution._conv_forward(x, weight, bias)


def _pass(x: Tensor) -> Tensor:
    return x
