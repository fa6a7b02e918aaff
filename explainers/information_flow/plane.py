"""A single neuron over weight and bias: the information in T = f(wX + b) + Z, estimated and integrated."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from explainers.datasets.toys.neuron import four_numbers
from explainers.information_flow.information import Draws, mixture_information
from explainers.information_flow.neuron import integrated_information
from explainers.information_flow.rows import Row
from explainers.networks.architectures.noisy import ACTIVATIONS

NAME = "neuron-plane"
SIGMA = 0.1
WEIGHTS: list[float] = np.linspace(0, 5, 21).tolist()
BIASES: list[float] = np.linspace(-6, 6, 25).tolist()
TITLES = {"tanh": f"tanh, σ {SIGMA:g}", "relu": f"ReLU, σ {SIGMA:g}"}


DRAWS = 4000


def plane_rows() -> Iterator[Row]:
    """For every activation, weight and bias the estimate of I(X;T) and its value by integration, both in nats.

    X is uniform on −3, −1, 1 and 3. Negative weights give the same with the numbers in another order.
    """
    for activation in TITLES:
        for w, b in product(WEIGHTS, BIASES):
            yield from point_rows(activation, w, b)


def point_rows(activation: str, w: float, b: float, draws: int = DRAWS) -> tuple[Row, Row]:
    """The two rows of one weight and bias; every point has noise of its own."""
    x = four_numbers().x.double()
    centers = ACTIVATIONS[activation]()(w * x + b)
    seed = WEIGHTS.index(w) * len(BIASES) + BIASES.index(b)
    found = mixture_information(centers[:, None], SIGMA, how=Draws(draws, seed))
    known = (NAME, TITLES[activation], activation, SIGMA, False, 0, 0, "1", 1)
    exact = Row(*known, "I(X;T) by integration", integrated_information(centers, SIGMA), n=len(x), weight=w, bias=b)
    estimate = replace(
        exact,
        quantity="I(X;T)",
        value=found.value,
        error=found.error,
        low=found.low,
        high=found.high,
        draws=draws,
        ceiling=found.ceiling,
        flags=";".join(found.flags),
    )
    return estimate, exact


def plane_settings() -> str:
    """What the rows depend on."""
    return repr((SIGMA, WEIGHTS, BIASES, DRAWS))
