"""How every noisy network is trained: one frozen recipe each, nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from explainers.datasets.toys.digits import SIDE, digits
from explainers.datasets.toys.neuron import four_numbers
from explainers.datasets.toys.problem import Problem
from explainers.datasets.toys.spirals import spirals
from explainers.datasets.toys.twelve_bits import read_twelve_bits, twelve_bits
from explainers.networks.architectures.noisy import NoisyNetwork, convolutional, fully_connected

PROBLEMS: dict[str, Callable[[], Problem]] = {
    "four numbers": four_numbers,
    "twelve bits": twelve_bits,
    "spirals": spirals,
    "digits": digits,
}


@dataclass(frozen=True)
class NoisyRecipe:
    """Everything that determines a training besides the seed.

    `widths`: of the inputs, the hidden layers and the classes; with `channels`, of convolutions that come first, the
    layer after these and the classes. `sigma` is the noise of every hidden layer, `orthonormal` the weight of
    `orthonormal_penalty` in the loss. A step looks at `batch` samples; the learning rate `rate` stays as it is.
    After `snapshots` epochs each, spread evenly over their logarithm, the weights are kept.
    """

    problem: str
    widths: tuple[int, ...]
    activation: str
    sigma: float
    epochs: int
    batch: int
    rate: float
    channels: tuple[int, ...] = ()
    momentum: float = 0.9
    orthonormal: float = 0.0
    snapshots: int = 24

    def build(self) -> NoisyNetwork:
        """The network with fresh weights, drawn from torch's own generator."""
        if self.channels:
            units, classes = self.widths
            return convolutional(SIDE, self.channels, units, classes, self.activation, self.sigma)
        return fully_connected(self.widths, self.activation, self.sigma)

    def load(self, rule: Path | None = None) -> Problem:
        """The problem; `rule` is a file of `read_twelve_bits` for those of twelve bits.

        Raises ValueError where that is no rule, or the problem another.
        """
        if rule is None:
            return PROBLEMS[self.problem]()
        if self.problem != "twelve bits":
            raise ValueError(f"expected a problem of twelve bits for the rule in '{rule.name}', got {self.problem}")
        return read_twelve_bits(rule)

    def epochs_kept(self) -> tuple[int, ...]:
        """The epochs after which there is a snapshot, from 0, before the first, to the last.

        >>> replace(NOISY_RECIPES["spirals-tanh"], epochs=100, snapshots=6).epochs_kept()
        (0, 1, 3, 10, 32, 100)
        """
        spread = np.geomspace(1, max(self.epochs, 1), max(self.snapshots - 1, 2)).round().astype(int).tolist()
        return tuple(sorted({0, *(min(epoch, self.epochs) for epoch in spread)}))


def _bits(activation: str, sigma: float, orthonormal: float = 0.0) -> NoisyRecipe:
    """All patterns in every step: what the network is trained with besides the noise is the same each time."""
    widths = (12, 10, 7, 5, 4, 3, 2)
    return NoisyRecipe("twelve bits", widths, activation, sigma, 5000, 4096, 0.1, orthonormal=orthonormal)


_NEURON = NoisyRecipe("four numbers", (1, 1, 2), "tanh", 0.1, 4000, 256, 0.05, momentum=0.0)
_SPIRALS = NoisyRecipe("spirals", (2, 12, 8, 3, 3), "tanh", 0.05, 3000, 1024, 0.1)
_DIGITS = NoisyRecipe("digits", (64, 24, 12, 8, 10), "tanh", 0.1, 1000, 512, 0.1)

NOISY_RECIPES: dict[str, NoisyRecipe] = {
    "neuron-tanh": _NEURON,
    "neuron-relu": replace(_NEURON, activation="relu"),
    "bits-tanh-0.005": _bits("tanh", 0.005),
    "bits-tanh-0.02": _bits("tanh", 0.02),
    "bits-tanh-0.05": _bits("tanh", 0.05),
    "bits-tanh-0.2": _bits("tanh", 0.2),
    "bits-relu-0.005": _bits("relu", 0.005),
    "bits-tanh-0.005-orthonormal": _bits("tanh", 0.005, orthonormal=0.01),
    "deterministic-tanh": _bits("tanh", 0.0),
    "spirals-tanh": _SPIRALS,
    "spirals-leaky-relu": replace(_SPIRALS, activation="leaky_relu"),
    "digits-fully-connected": _DIGITS,
    "digits-convolutional": replace(_DIGITS, channels=(4, 6), widths=(8, 10)),
}
