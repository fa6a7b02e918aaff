"""Small networks with noise inside, of which I(X;T) is a number: T = f(T before) + Z after every hidden layer.

Goldfeld, van den Berg, Greenewald, Melnyk, Nguyen, Kingsbury, Polyanskiy, "Estimating Information Flow in Deep Neural
Networks", ICML 2019: the noise belongs to the network, in training as in evaluation, and none is added to its output.
"""

import copy
import math
from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from explainers.randomness import normal

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU}


class NoisyNetwork(nn.Module):
    """Hidden layers S = f(T before), each followed by T = S + Z, Z ~ N(0, σ²I); then an output without noise.

    `sigma` is σ, in the units of the activations; 0 makes the deterministic twin. `hidden` names the hidden layers in
    order, "1", "2", …; the module of layer "2" is `layers.2`. Raises ValueError for a σ that is no noise.
    """

    def __init__(self, hidden: Sequence[nn.Module], output: nn.Module, sigma: float) -> None:
        super().__init__()
        self.sigma = _checked(sigma)
        self.layers = nn.ModuleDict({str(place): layer for place, layer in enumerate(hidden, 1)})
        self.output = output
        self.hidden: tuple[str, ...] = tuple(self.layers)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Inputs (n, …) to scores (n, classes); the noise is the next of `generator`, or of torch's own."""
        for layer in self.layers.values():
            x = self._noisy(layer(x), generator)
        return self.output(x)

    @torch.no_grad()
    def signals(self, x: Tensor, generator: torch.Generator | None = None) -> list[tuple[Tensor, Tensor]]:
        """For every hidden layer S, before its own noise, and T, after it: (n, d) each, pictures of features flattened.

        One propagation of x (n, …), with the noise that `forward` would have drawn from `generator`.
        """
        found: list[tuple[Tensor, Tensor]] = []
        for layer in self.layers.values():
            s = layer(x)
            x = self._noisy(s, generator)
            found.append((s.flatten(1), x.flatten(1)))
        return found

    def with_noise(self, sigma: float) -> "NoisyNetwork":
        """The network of these weights, shared with it, and another σ; with 0 the deterministic twin.

        >>> noisy = fully_connected((2, 3, 2), "tanh", 0.1)
        >>> twin = noisy.with_noise(0)
        >>> (twin.sigma, noisy.sigma, twin.output is noisy.output)
        (0.0, 0.1, True)
        """
        other = copy.copy(self)
        other.sigma = _checked(sigma)
        return other

    def _noisy(self, s: Tensor, generator: torch.Generator | None) -> Tensor:
        return torch.add(s, normal(*s.shape, like=s, generator=generator), alpha=self.sigma) if self.sigma else s


def fully_connected(widths: Sequence[int], activation: str, sigma: float) -> NoisyNetwork:
    """A noisy network of linear layers: `widths` from the inputs over the hidden layers to the classes.

    Inputs have any shape with so many numbers; pictures are flattened.
    `activation`: "tanh", "relu" or "leaky_relu". Raises ValueError for anything else, and without a hidden layer.

    >>> network = fully_connected((12, 10, 7, 5, 4, 3, 2), "tanh", 0.005)
    >>> network.hidden, network(torch.zeros(8, 12)).shape
    (('1', '2', '3', '4', '5'), torch.Size([8, 2]))
    """
    if len(widths) < 3 or min(widths) < 1:
        raise ValueError(
            f"expected positive widths of inputs, hidden layers and classes, got {tuple(widths)}; give at least three"
        )
    hidden = [_layer(nn.Linear(*pair), activation, nn.Flatten()) for pair in pairwise(widths[:-1])]
    return _initialised(NoisyNetwork(hidden, nn.Linear(widths[-2], widths[-1]), sigma), activation)


def convolutional(
    side: int, channels: Sequence[int], units: int, classes: int, activation: str, sigma: float
) -> NoisyNetwork:
    """A noisy network for pictures (n, 1, side, side): 3×3 convolutions of stride 2, then one layer of `units`.

    Raises ValueError for a picture that the convolutions leave nothing of, or an activation that is none.

    >>> [s.shape[1] for s, _ in convolutional(8, (4, 6), 8, 10, "tanh", 0.1).signals(torch.zeros(1, 1, 8, 8))]
    [64, 24, 8]
    """
    left = side
    hidden: list[nn.Module] = []
    for before, after in zip((1, *channels), channels, strict=False):
        hidden.append(_layer(nn.Conv2d(before, after, 3, stride=2, padding=1), activation))
        left = (left + 1) // 2
    if side < 1 or not channels:
        raise ValueError(f"expected a picture and channels of convolutions, got a side of {side} and {tuple(channels)}")
    hidden.append(_layer(nn.Linear(channels[-1] * left**2, units), activation, nn.Flatten()))
    return _initialised(NoisyNetwork(hidden, nn.Linear(units, classes), sigma), activation)


def orthonormal_penalty(network: nn.Module) -> Tensor:
    """How far the weights are from orthonormal: Σ ‖WWᵀ − I‖² over all layers, of Wᵀ where it has more rows.

    Added to the loss it keeps what a layer is told apart, which suppresses clustering. A convolution's W has a row for
    each output channel. Source: Cisse et al., "Parseval networks", ICML 2017.

    >>> orthonormal_penalty(nn.Linear(3, 2).requires_grad_(False)).item() > 0
    True
    """
    penalties: list[Tensor] = []
    for weight in network.parameters():
        if weight.ndim > 1:
            rows = weight.flatten(1)
            rows = rows if rows.shape[0] <= rows.shape[1] else rows.T
            unit = torch.eye(rows.shape[0], dtype=rows.dtype, device=rows.device)
            penalties.append((rows @ rows.T - unit).square().sum())
    return torch.stack(penalties).sum()


def _layer(weighted: nn.Module, activation: str, *flatten: nn.Flatten) -> nn.Module:
    if activation not in ACTIVATIONS:
        raise ValueError(f"expected one of {', '.join(ACTIVATIONS)}, got the activation '{activation}'; choose one")
    parts = [*(("flatten", one) for one in flatten), ("weighted", weighted), ("activation", ACTIVATIONS[activation]())]
    return nn.Sequential(OrderedDict(parts))


def _initialised(network: NoisyNetwork, activation: str) -> NoisyNetwork:
    for name, value in network.named_parameters():
        if value.ndim == 1:
            nn.init.zeros_(value)
        elif activation == "tanh" or name.startswith("output"):
            nn.init.xavier_normal_(value)
        else:
            nn.init.kaiming_normal_(value, nonlinearity="relu" if activation == "relu" else "leaky_relu", a=0.01)
    return network


def _checked(sigma: float) -> float:
    if not (math.isfinite(sigma) and sigma >= 0):
        raise ValueError(f"expected the noise as a finite number from 0 on, got σ = {sigma}; give its deviation")
    return float(sigma)
