"""A layer of a network as a function h: input -> feature, computed up to that layer and no further."""

import copy
import threading
from collections.abc import Callable

import torch
from torch import Tensor, nn

from explainers.nested import is_mapping, is_sequence
from explainers.networks.copies import structural_copy, weight_dtype
from explainers.networks.folding import folded
from explainers.networks.layers import Layer, find_layer
from explainers.networks.outputs import described, scores_in
from explainers.networks.silence import check_gradient
from explainers.networks.trial import check_function, once
from explainers.surroundings import plain_arithmetic


class Feature:
    """The feature f = h(x) of one layer, as a plain function (B, C, H, W) -> (B, D).

    The module itself is never touched: h runs a structural copy that shares the weights' memory, holds
    them without gradients and is in evaluation mode; half-precision weights are made single ones. Several threads
    may call one `Feature`, and any number of them may share one module. Nothing above the layer is computed.
    Where the layer gives a tuple, its tensors are flattened and joined; of a dictionary, `out` or `logits` is taken.

    `layer` is a module of `module`, its path, its readable name or a `Layer`; `device` moves the copy, not
    the module.

    Raises ValueError for a layer that the network does not have, does not reach, or whose output is
    not a floating-point feature with one row per picture.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    >>> Feature(net, "1")(torch.zeros(5, 3, 4, 4)).shape
    torch.Size([5, 16])
    """

    def __init__(self, module: nn.Module, layer: nn.Module | str | Layer, device: torch.device | None = None) -> None:
        self.path, self.call = find_layer(module, layer)
        self._module, self._device = module, device
        # How pictures lie in memory.
        self.layout = torch.preserve_format
        self._place()

    def _place(self) -> None:
        """A copy of the network, which stops at the layer."""
        self.net = structural_copy(self._module, self._device, widen=True)
        self._calls = threading.local()
        if self.path:
            _in_python(self.net, self.path).register_forward_hook(self._stop)

    def folded(self, x: Tensor) -> "Feature":
        """This feature at less cost, to rounding, for pictures like `x`; of weights as they are now (`folding.py`)."""

        def again() -> Feature:
            other = copy.copy(self)
            other._place()
            return other

        with plain_arithmetic():
            return folded(self._module, again, x, (self.path, self.call)) or self

    def pictures(self, inputs: Tensor, device: torch.device | None = None) -> Tensor:
        """The inputs (B, C, H, W) as h takes them: a copy of their own, in the type of the weights.

        Raises ValueError where h is no function of one picture (`check_function`).
        """
        with plain_arithmetic():
            x = inputs.detach().to(device or inputs.device, weight_dtype(self.net)).clone()
            check_function(self._module, self, x, (self.path, self.call))
        return x

    def check_gradient(self, h: Callable[[Tensor], Tensor], x: Tensor) -> None:
        """Raises ValueError where the gradient of `h`, this feature in whatever unit, does not tell how it moves."""
        what = ("gradient", self.path, self.call, x.shape[1:], x.dtype, x.device)
        once(self._module, what, lambda: check_gradient(h, x))

    def __call__(self, x: Tensor) -> Tensor:
        """The feature of x (B, C, H, W), flattened to (B, n)."""
        return self._flatten(self.output(x), len(x))

    def output(self, x: Tensor) -> object:
        """What the layer gives, as it gives it."""
        self._calls.count = 0
        try:
            # A network may write into what it is given.
            output = self.net(x.clone(memory_format=self.layout))
        except _Reached as reached:
            output = reached.output
        else:
            if self.path:
                raise ValueError(
                    f"expected the network to run layer '{self.path}' at least {self.call + 1} times, "
                    f"it ran {self._calls.count} times; choose a layer that the forward pass uses"
                )
        return output

    def _stop(self, module: nn.Module, args: tuple[object, ...], output: object) -> None:
        self._calls.count += 1
        if self._calls.count > self.call:
            raise _Reached(output)

    def _flatten(self, output: object, batch: int) -> Tensor:
        scores = scores_in(output) if is_mapping(output) else output
        tensors = [scores] if isinstance(scores, Tensor) else _tensors(scores)
        usable = tensors and all(t.is_floating_point() and t.dim() and len(t) == batch for t in tensors)
        if not usable:
            raise ValueError(
                f"expected layer '{self.path or 'output'}' to give floating-point features with one row per "
                f"picture, got {described(output)} for {batch} picture{'s' * (batch > 1)}; choose another layer"
            )
        rows = [t.reshape(batch, -1) for t in tensors]
        return rows[0] if len(rows) == 1 else torch.cat(rows, 1)


class _Reached(Exception):
    """Carries a layer's output out of the forward pass, which ends there."""

    def __init__(self, output: object) -> None:
        super().__init__()
        self.output = output


def _in_python(net: nn.Module, path: str) -> nn.Module:
    """The part at `path`. Raises ValueError where it is compiled: nothing can stop there."""
    part = net
    for name in path.split("."):
        if not isinstance(part, torch.jit.ScriptModule):
            part = getattr(part, name)
    if isinstance(part, torch.jit.ScriptModule):
        raise ValueError(
            f"expected a layer whose pass can be stopped, got '{path}' of a compiled ScriptModule; give the network as "
            "it was before torch.jit, or the whole network as its layer ''"
        )
    return part


def _tensors(output: object) -> list[Tensor]:
    return [t for t in output if isinstance(t, Tensor)] if is_sequence(output) else []
