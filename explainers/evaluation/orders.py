"""The order of the pixels of a method's maps, which is what checks of the maps themselves compare.

Values of maps have units of their own, and those of CID, in nats, no zero that means anything, nor a bound. What is
compared is therefore their ranks, centred, on one scale for all methods.
"""

import time
from dataclasses import replace

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor, nn

from explainers.evaluation.methods import MapSettings, importance
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer


class ExplainFunction:
    """A method's maps, called for as Quantus does: (network, pictures, labels) -> order of the pixels.

    The network may be a randomised copy: a method that looks at a layer looks at the same one there. Counts what was
    made: `maps`, those that are `unsure` among them, and the `seconds` they took.
    """

    def __init__(self, network: Network, layer: Layer, method: str, settings: MapSettings) -> None:
        self.network, self.layer, self.method, self.settings = network, layer, method, settings
        self.maps, self.unsure, self.seconds = 0, 0, 0.0
        self._forward, self._backward = 0.0, 0.0

    def __call__(self, model: nn.Module, inputs: np.ndarray, targets: np.ndarray, **_: object) -> np.ndarray:
        """inputs (B, C, H, W) in network units, targets (B,) -> centred ranks (B, 1, H, W)."""
        began = time.perf_counter()
        weight = next(model.parameters())
        images, labels = torch.as_tensor(inputs).to(weight), torch.as_tensor(targets)
        shown = replace(self.network, module=model)
        maps, (forward, backward), off = importance(shown, self.layer, self.method, images, labels, self.settings)
        self.maps += len(maps)
        self.unsure += off
        self._forward += forward * len(maps)
        self._backward += backward * len(maps)
        self.seconds += time.perf_counter() - began
        return centred_ranks(maps)

    @property
    def passes(self) -> tuple[float, float]:
        """Forward and backward passes for one map on average."""
        return self._forward / max(self.maps, 1), self._backward / max(self.maps, 1)


def centred_ranks(maps: Tensor, seed: int = 0) -> np.ndarray:
    """(B, 1, H, W) in −1/2..1/2: the place of each pixel in the order of importance, equal values sharing theirs.

    NaN, a method's way to say nothing, comes last. A map that is constant has no order and gets one drawn from `seed`,
    which resembles that of no other map.

    >>> centred_ranks(torch.tensor([[[[1.0, float("inf"), 1.0, -2.0]]]])).ravel().tolist()
    [0.0, 0.375, 0.0, -0.375]
    """
    flat = maps.detach().flatten(1).nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf).cpu().numpy()
    pixels = flat.shape[1]
    ranks = (rankdata(flat, axis=1) - (pixels + 1) / 2) / pixels
    for row in np.flatnonzero((flat == flat[:, :1]).all(axis=1)):
        ranks[row] = (np.random.default_rng(seed).permutation(pixels) + 0.5) / pixels - 0.5
    return ranks.reshape(maps.shape)
