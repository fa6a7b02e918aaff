"""What a baseline is given: private copies of the network that count their passes, pictures and targets."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from explainers.baselines.positions import Layout
from explainers.canonical.modules import Average
from explainers.canonical.network import canonise
from explainers.networks.copies import out_of_place, structural_copy
from explainers.networks.outputs import described, scores_in


@dataclass(eq=False)
class Passes:
    """Pictures that went forward and gradients of pictures that went backward through the network.

    `told` hears of every new sum of both.
    """

    forward: int = 0
    backward: int = 0
    told: Callable[[int], None] | None = None

    def count(self, module: nn.Module, args: tuple[object, ...], output: Any) -> None:
        """A forward hook of the outermost module."""
        self.add(forward=len(output))
        if output.requires_grad:
            output.register_hook(self._count_backward)

    def _count_backward(self, gradient: Tensor) -> None:
        self.add(backward=len(gradient))

    def add(self, forward: int = 0, backward: int = 0) -> None:
        """So many passes more of the pictures; tells whoever wants to know."""
        self.forward += forward
        self.backward += backward
        if self.told is not None:
            self.told(self.forward + self.backward)


class Scores(nn.Module):
    """(B, classes) from a network; a class's logits at many positions are averaged to one.

    The network gets a copy of its pictures, into which it may write. One number for each picture is one class; of a
    tuple the first tensor is taken, of a dictionary `out` or `logits`.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.average = Average(_mean_over_positions)

    def forward(self, x: Tensor) -> Tensor:
        """Scores (B, C) of pictures (B, C, H, W), which stay as they are."""
        given = self.net(x.clone())
        output = scores_in(given)
        if output is None or not output.is_floating_point() or output.dim() == 0 or len(output) != len(x):
            raise ValueError(
                "expected a network that gives floating-point scores with one row per picture, got "
                f"{described(given)}; give the part of it that does"
            )
        return self.average(output) if output.dim() > 2 else output.view(len(x), -1)


def _mean_over_positions(output: Tensor) -> Tensor:
    return output.flatten(2).mean(2)


@dataclass(frozen=True, eq=False)
class Case:
    """One call of one method: inputs (B, C, H, W), target (B,), the layer as (path, call) and its layout, or None."""

    module: nn.Module
    inputs: Tensor
    target: Tensor | None = None
    place: tuple[str, int] | None = None
    layout: Layout | None = None
    passes: Passes = field(default_factory=Passes)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        height, width = self.inputs.shape[-2:]
        return height, width

    def located(self) -> tuple[tuple[str, int], Layout]:
        """Place and layout of the layer, for methods that look at one."""
        assert self.place is not None
        assert self.layout is not None
        return self.place, self.layout

    def goal(self) -> Tensor:
        """The target, for methods that explain one."""
        assert self.target is not None
        return self.target

    def plain(self) -> Scores:
        """A copy of the network that shares the weights alone, with nothing done in place."""
        return self._counted(out_of_place(structural_copy(self.module, widen=True)))

    def canonical(self) -> Scores:
        """The same function as `canonise` writes it."""
        return self._counted(canonise(self.module, self.inputs))

    def canonical_graph(self) -> fx.GraphModule:
        """The copy in canonical form, whose passes count as well."""
        graph = canonise(self.module, self.inputs)
        graph.register_forward_hook(self.passes.count)
        return graph

    def _counted(self, net: nn.Module) -> Scores:
        scores = Scores(net).eval()
        scores.register_forward_hook(self.passes.count)
        return scores

    def each(self) -> list["Case"]:
        """One case for each picture, all counting into the same place."""
        targets = [None] * len(self.inputs) if self.target is None else torch.split(self.target, 1)
        return [
            replace(self, inputs=x, target=target)
            for x, target in zip(torch.split(self.inputs, 1), targets, strict=True)
        ]


def enlarge(feature_map: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, 1, h, w) → (B, 1, H, W), bilinear, as the papers of CAM and Grad-CAM do."""
    return F.interpolate(feature_map, size, mode="bilinear", align_corners=False)
