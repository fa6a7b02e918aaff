"""I(X;T) and I(Y;T) of a hidden layer of a noisy network, by sending every input through it many times."""

import torch
from torch import Tensor

from explainers.information_flow.checks import (
    check_count,
    check_points,
    check_seed,
    check_sigma,
    check_tensor,
    check_units,
)
from explainers.information_flow.information import Draws, mixture_information, mixture_informations
from explainers.information_flow.records import CONFIDENCE, Information
from explainers.networks.architectures.noisy import NoisyNetwork
from explainers.randomness import Randomness

REPEATS = 32


def mutual_information_input(
    network: NoisyNetwork,
    layer: str,
    x: Tensor,
    *,
    draws: int = 10,
    repeats: int = REPEATS,
    seed: int = 0,
    marginal_repeats: int | None = None,
    chunk: int | None = None,
    confidence: float = CONFIDENCE,
    force: bool = False,
) -> Information:
    r"""I(X;T) of the hidden `layer` ("1", "2", …) for X uniform over the inputs `x` (n, …), in nats.

    .. math:: I(X;T) = h(T) - \frac1n\sum_i h(T \mid X = x_i)

    The layer is T = S + Z, Z ~ N(0, σ²I), with the network's own σ. In the first hidden layer S is one point for each
    input and h(T|X) = (d/2) log(2πeσ²); for a later one every input is propagated `repeats` times. See
    `mixture_information` for the estimate from there, with `draws` points of T for each input, and `Information` for
    what is to be said of it; fewer `marginal_repeats` than `repeats` show how unequal numbers of draws fake
    compression.

    Raises ValueError for a network without noise, a layer that it does not have, fewer than two inputs, inputs that
    give NaN, and more than 32 units without `force`.

    Source: Goldfeld et al., "Estimating Information Flow in Deep Neural Networks", ICML 2019.

    >>> from explainers.networks.architectures.noisy import fully_connected
    >>> network = fully_connected((2, 3, 2), "tanh", sigma=1e-3)
    >>> found = mutual_information_input(network, "1", torch.eye(2))
    >>> round(found.value, 4), found.flags
    (0.6931, ('near ceiling',))
    """
    centers = propagate(network, layer, x, repeats, seed, force)
    how = Draws(draws, seed, marginal_repeats if centers.shape[1] > 1 else None, chunk, confidence, force)
    return mixture_information(centers, network.sigma, how=how)


def mutual_information_label(
    network: NoisyNetwork,
    layer: str,
    x: Tensor,
    y: Tensor,
    *,
    draws: int = 10,
    repeats: int = REPEATS,
    seed: int = 0,
    chunk: int | None = None,
    confidence: float = CONFIDENCE,
    force: bool = False,
) -> Information:
    r"""I(Y;T) of the hidden `layer` for inputs `x` (n, …) and their labels `y` (n,), in nats.

    .. math:: I(Y;T) = h(T) - \sum_y p(y)\,h(T \mid Y = y)

    with the samples grouped by label, of the very draws that `mutual_information_input` takes: I(Y;T) ≤ I(X;T). Flag
    "near ceiling": T tells the inputs apart, and with them trivially their labels. Raises ValueError as that does.

    >>> from explainers.networks.architectures.noisy import fully_connected
    >>> network = fully_connected((2, 3, 2), "tanh", sigma=1e-3)
    >>> found = mutual_information_label(network, "1", torch.rand(8, 2), torch.tensor([0, 1] * 4))
    >>> round(found.ceiling, 4)
    0.6931
    """
    centers = propagate(network, layer, x, repeats, seed, force)
    return mixture_information(centers, network.sigma, y, Draws(draws, seed, None, chunk, confidence, force))


def mutual_informations(
    network: NoisyNetwork,
    layer: str,
    x: Tensor,
    y: Tensor,
    *,
    draws: int = 10,
    repeats: int = REPEATS,
    seed: int = 0,
    chunk: int | None = None,
    confidence: float = CONFIDENCE,
    force: bool = False,
) -> tuple[Information, Information]:
    """I(X;T) and I(Y;T) of the hidden `layer`, the same numbers as the two above give, for little more than one takes.

    >>> from explainers.networks.architectures.noisy import fully_connected
    >>> network = fully_connected((2, 3, 2), "tanh", sigma=1e-3)
    >>> of_x, of_y = mutual_informations(network, "1", torch.rand(8, 2), torch.tensor([0, 1] * 4))
    >>> of_y.value <= of_x.value
    True
    """
    centers = propagate(network, layer, x, repeats, seed, force)
    return mixture_informations(centers, network.sigma, y, Draws(draws, seed, None, chunk, confidence, force))


@torch.no_grad()
def propagate(network: NoisyNetwork, layer: str, x: Tensor, repeats: int, seed: int, force: bool = False) -> Tensor:
    """The centres S of the hidden `layer` from K independent propagations of each input: (n, K, d).

    K is `repeats`, and 1 in the first layer, where all are the same. The first k of K propagations are those that
    `repeats` = k gives. Raises ValueError as `mutual_information_input` does.
    """
    check_sigma(network.sigma)
    check_count("repeats", repeats)
    check_seed(seed)
    if layer not in network.hidden:
        raise ValueError(f"expected a hidden layer of {', '.join(network.hidden)}, got {layer!r}; choose one of them")
    x, place = _taken(network, x), network.hidden.index(layer)
    stream, found = Randomness(seed), list[Tensor]()
    for repeat in range(repeats if place else 1):
        signal = network.signals(x, stream("propagation", repeat))[place][0]
        check_units(signal.shape[1], force)
        found.append(check_points(signal, 2))
    return torch.stack(found, 1)


def _taken(network: NoisyNetwork, x: Tensor) -> Tensor:
    """The inputs in the network's own type; ValueError where they do not fit into it."""
    check_tensor("inputs", x)
    x = x.to(next(network.parameters(), x).dtype)
    try:
        # Without noise nothing is drawn.
        network.with_noise(0).signals(x[:1])
    except (RuntimeError, IndexError) as error:
        shape = tuple(x.shape)
        raise ValueError(
            f"expected inputs (n, …) that fit into the network, got {shape}; give its own shape"
        ) from error
    return x
