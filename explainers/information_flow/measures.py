"""What is measured of a snapshot: rows of the table, by the parts that an experiment names."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from sklearn.metrics import mutual_info_score
from torch import Tensor

from explainers.cid.results import CIDSettings
from explainers.datasets.toys.problem import Problem
from explainers.information_flow.binned import binned_entropy, binned_information
from explainers.information_flow.bridge import mean_cid
from explainers.information_flow.clustering import (
    cosine_similarity,
    distance_histograms,
    fraction_within,
    neighbour_purity,
)
from explainers.information_flow.deterministic import deterministic_information
from explainers.information_flow.estimates import mutual_informations
from explainers.information_flow.experiments import MOST_UNITS, Experiment, Item
from explainers.information_flow.neuron import integrated_information
from explainers.information_flow.records import Information
from explainers.information_flow.rows import Row
from explainers.networks.architectures.noisy import NoisyNetwork
from explainers.randomness import Randomness
from explainers.train.noisy_recipes import NoisyRecipe
from explainers.train.snapshots import Snapshots

# Samples whose pairs are looked at, and how near two are that count as one cluster, in units of the activations.
PAIRED, RADIUS = 512, 0.2


@dataclass(frozen=True)
class Subject:
    """One snapshot of a training, and the samples of which it is asked."""

    experiment: Experiment
    item: Item
    problem: Problem
    snapshots: Snapshots

    @property
    def recipe(self) -> NoisyRecipe:
        """How it was trained."""
        return self.experiment.recipe(self.item.variant)

    @cached_property
    def network(self) -> NoisyNetwork:
        """The network of the snapshot."""
        return self.snapshots.network(self.recipe, self.item.epoch)

    @cached_property
    def samples(self) -> tuple[Tensor, Tensor]:
        """Inputs and labels, the same ones for every seed and epoch."""
        return self.problem.some(self.experiment.n)

    @cached_property
    def units(self) -> dict[str, int]:
        """How many units each hidden layer has."""
        signals = self.network.signals(self.problem.x[:1])
        return {layer: s.shape[1] for layer, (s, _) in zip(self.network.hidden, signals, strict=True)}

    def propagated(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """One propagation of `x` through the network, the same noise for every epoch."""
        return self.network.signals(x, Randomness(self.item.seed)("looked at"))

    def row(self, layer: str, quantity: str, value: float, **more: Any) -> Row:
        """A row of this snapshot; `more` are columns that the quantity has."""
        item, recipe = self.item, self.recipe
        neuron = {"weight": "layers.1.weighted.weight", "bias": "layers.1.weighted.bias"}
        if self.recipe.problem == "four numbers":
            state = self.network.state_dict()
            more = {**more, **{column: state[name].item() for column, name in neuron.items()}}
        known = (self.experiment.name, item.variant.title, recipe.activation, recipe.sigma, recipe.orthonormal > 0)
        units = self.units[layer] if layer else 0
        return Row(*known, item.seed, item.epoch, layer, units, quantity, value, **more)

    def information(self, layer: str, quantity: str, found: Information) -> Row:
        """The row of an estimate, its interval as wide as that of its draws and that over the inputs together."""
        ends = {
            "low": min(found.low, found.over_inputs[0]),
            "high": max(found.high, found.over_inputs[1]),
        }
        counts = {"n": found.n, "draws": found.points // found.n}
        more = {"error": found.error, "ceiling": found.ceiling, "gap": found.gap, "flags": ";".join(found.flags)}
        return self.row(layer, quantity, found.value, **ends, **counts, **more)


def _training(subject: Subject) -> Iterator[Row]:
    place = subject.snapshots.epochs.index(subject.item.epoch)
    yield subject.row("", "accuracy", subject.snapshots.accuracy[place], n=len(subject.problem.held_out))
    yield subject.row("", "loss", subject.snapshots.loss[place], n=len(subject.problem.train))


def _information(subject: Subject) -> Iterator[Row]:
    x, y = subject.samples
    network, seed = subject.network, subject.item.seed
    draws, repeats = subject.experiment.draws, subject.experiment.repeats
    if not network.sigma:
        yield from _exact(subject)
        return
    for layer, units in subject.units.items():
        if units <= MOST_UNITS:
            of_x, of_y = mutual_informations(network, layer, x, y, draws=draws, repeats=repeats, seed=seed)
            yield subject.information(layer, "I(X;T)", of_x)
            yield subject.information(layer, "I(Y;T)", of_y)


def _exact(subject: Subject) -> Iterator[Row]:
    """In double precision: activations that differ fall together as late as they can."""
    x, y = subject.samples
    signals = copy.deepcopy(subject.network).double().signals(x.double())
    for layer, (s, _) in zip(subject.units, signals, strict=True):
        found = deterministic_information(s, continuous=not subject.problem.discrete)
        yield subject.information(layer, "I(X;T)", found)
        places = np.unique(s.numpy(), axis=0, return_inverse=True)[1].ravel()
        known, most = (mutual_info_score(y.numpy(), one) for one in (places, y.numpy()))
        yield subject.row(
            layer, "I(Y;T)", known, error=0.0, low=known, high=known, n=found.n, ceiling=most, flags="deterministic"
        )


def _clustering(subject: Subject) -> Iterator[Row]:
    x, y = subject.problem.some(min(PAIRED, subject.experiment.n))
    for layer, (_, t) in zip(subject.units, subject.propagated(x), strict=True):
        distances = distance_histograms(t, y, bins=1).mean
        cosines, close = cosine_similarity(t, y), fraction_within(t, y, RADIUS)
        for (within, between), found, width in (
            (("within distance", "between distance"), distances, math.nan),
            (("cosine within", "cosine between"), cosines, math.nan),
            (("within radius", "between radius"), close, RADIUS),
        ):
            yield subject.row(layer, within, found.within, width=width, n=len(x))
            yield subject.row(layer, between, found.between, width=width, n=len(x))
        yield subject.row(layer, "purity", neighbour_purity(t, y), n=len(x))


def _bins(subject: Subject) -> Iterator[Row]:
    x, y = subject.samples
    most = mutual_info_score(y.numpy(), y.numpy())
    for layer, (_, t) in zip(subject.units, subject.propagated(x), strict=True):
        for width in subject.experiment.widths:
            told = {"width": width, "n": len(x)}
            yield subject.row(layer, "binned I(X;T)", binned_entropy(t, width), ceiling=math.log(len(x)), **told)
            yield subject.row(layer, "binned I(Y;T)", binned_information(t, width, y), ceiling=most, **told)


def _integration(subject: Subject) -> Iterator[Row]:
    x, _ = subject.samples
    centers = subject.network.signals(x)[0][0]
    yield subject.row("1", "I(X;T) by integration", integrated_information(centers, subject.network.sigma), n=len(x))


def _cid(subject: Subject) -> Iterator[Row]:
    """Of one picture of each label; a quick look is content with two, and the closed form."""
    quick = subject.experiment.shrunk > 1
    labels, settings = range(2 if quick else subject.problem.classes), CIDSettings(refine=not quick)
    pictures = torch.stack([subject.problem.x[subject.problem.y == label][0] for label in labels])
    for layer in subject.units:
        found, unused = mean_cid(subject.network, layer, pictures, settings)
        flags = "unused" if unused else ""
        yield subject.row(layer, "CID", found.mean, low=found.low, high=found.high, n=found.count, flags=flags)


PARTS: dict[str, Callable[[Subject], Iterator[Row]]] = {
    "training": _training,
    "information": _information,
    "integration": _integration,
    "clustering": _clustering,
    "bins": _bins,
    "CID": _cid,
}
# By quantity the part that gives it.
PART_OF = {
    quantity: part
    for part, quantities in {
        "training": ("accuracy", "loss"),
        "information": ("I(X;T)", "I(Y;T)"),
        "integration": ("I(X;T) by integration",),
        "clustering": (
            *("within distance", "between distance", "cosine within", "cosine between"),
            *("within radius", "between radius", "purity"),
        ),
        "bins": ("binned I(X;T)", "binned I(Y;T)"),
        "CID": ("CID",),
    }.items()
    for quantity in quantities
}
