"""How a device is made to work faster where that is asked for; maps differ by no more than rounding."""

from dataclasses import dataclass

import torch
from torch import Tensor

from explainers.cid.jacobian import Function
from explainers.networks.features import Feature


@dataclass(frozen=True)
class Acceleration:
    """Options of the passes that a map is made of; what tries the network before them runs as it is.

    - `channels_last`: pictures go in with their channels side by side in memory.
    - `fold`: batch normalisation is computed within the convolution before it where that is proved to be the same
      function, and on the processor pictures stay with their channels side by side (`networks/folding.py`).
    - `compile`: the backend of `torch.compile` ("inductor") that is given the layer's function, and RU's decoder.

    Fewer bits are not among them: bfloat16 moves maps by ten times what the solver loses (`docs/gpu.md`).
    """

    channels_last: bool = False
    compile: str | None = None
    fold: bool = False

    def feature(self, feature: Feature, x: Tensor) -> Feature:
        """The feature for pictures like `x`, folded if that is asked for."""
        return feature.folded(x) if self.fold else feature

    def of(self, h: Function) -> Function:
        """The function h of pictures (B, C, H, W), or of rows (B, D), sped up.

        >>> h = lambda x: x.flatten(1) @ torch.ones(4, 1)
        >>> Acceleration(channels_last=True).of(h)(torch.ones(1, 1, 2, 2))
        tensor([[4.]])
        """
        if self.compile is not None:
            h = torch.compile(h, backend=self.compile)
        return (lambda x: h(_channels_last(x))) if self.channels_last else h


PLAIN = Acceleration()


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
