"""A network without noise that learns two spirals in a second: where the points of its last layer lie meanwhile."""

from typing import Any

import torch
from torch.nn import functional as F

from app.learn.lessons.bench import kept
from explainers.datasets.toys.spirals import spirals
from explainers.information_flow.binned import binned_entropy
from explainers.information_flow.clustering import distance_histograms
from explainers.information_flow.deterministic import deterministic_information
from explainers.networks.architectures.noisy import fully_connected
from explainers.randomness import TORCH_RANDOM, drawn_apart

ARMS, POINTS = 2, 150
WIDTHS = (2, 16, 8, 2, 2)
STEPS = (0, 1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500)
BINS = (0.01, 0.03, 0.1, 0.2, 0.5, 1.0)
RATE, SEED = 0.02, 2


@kept
def trained(seed: int = SEED) -> tuple[dict[str, Any], ...]:
    """After each of STEPS: `points` (n, 2) of the last hidden layer, `labels`, and what is measured of them in nats.

    `exact` is I(X;T) for X uniform over the n points, `binned` the entropies with bins of BINS; `within` and `between`
    are mean distances, `accuracy` is a share.
    """
    problem = spirals(arms=ARMS, points=POINTS)
    with drawn_apart():
        TORCH_RANDOM.manual_seed(seed)
        network = fully_connected(WIDTHS, "tanh", 0.0)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    found: list[dict[str, Any]] = []
    for step in range(STEPS[-1] + 1):
        scores = network(problem.x)
        if step in STEPS:
            t = network.signals(problem.x)[-1][1]
            distances = distance_histograms(t, problem.y).mean
            found.append(
                {
                    "points": t.numpy(),
                    "labels": problem.y.numpy(),
                    "exact": deterministic_information(t).value,
                    "binned": tuple(binned_entropy(t, width) for width in BINS),
                    "within": distances.within,
                    "between": distances.between,
                    "accuracy": float((scores.argmax(1) == problem.y).double().mean()),
                }
            )
        optimizer.zero_grad()
        F.cross_entropy(scores, problem.y).backward()
        optimizer.step()
    return tuple(found)
