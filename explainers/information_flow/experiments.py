"""The experiments that ship: which networks, how many samples, and what is measured of each of their layers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from explainers.methods.entropies import CID_NAME
from explainers.storage.digest import digest
from explainers.storage.versions import method_version
from explainers.train.noisy_recipes import NOISY_RECIPES, NoisyRecipe

# Raised whenever the same settings give other rows.
VERSION = 1
SEEDS = 5
# From so many units on no estimate is made: its bias is beyond what samples can mend.
MOST_UNITS = 24


@dataclass(frozen=True)
class Variant:
    """One network of an experiment: the title, and the name of its recipe, which its snapshots ship under."""

    title: str
    recipe: str


@dataclass(frozen=True)
class Item:
    """What is computed at once: one part of what is measured of one snapshot."""

    variant: Variant
    seed: int
    epoch: int
    part: str


@dataclass(frozen=True)
class Experiment:
    """The networks, and how they are looked at.

    `parts`: names of `explainers.information_flow.measures.PARTS`. Informations are estimated from `n` samples with
    `draws` points of T each and `repeats` propagations of each; `widths` are those of bins. `shrunk` divides the
    epochs of the recipes, for a quick look.
    """

    name: str
    title: str
    variants: tuple[Variant, ...]
    parts: tuple[str, ...]
    n: int = 1024
    draws: int = 1
    repeats: int = 32
    widths: tuple[float, ...] = ()
    shrunk: int = 1

    def settings(self, *variants: Variant) -> str:
        """SHA-256 of all that the rows of these variants, by default of all, depend on besides the seed."""
        how = (VERSION, self.n, self.draws, self.repeats, self.widths)
        how += (method_version(CID_NAME),) if "CID" in self.parts else ()
        return digest(repr(how), *(repr(self.recipe(variant)) for variant in variants or self.variants))

    def recipe(self, variant: Variant) -> NoisyRecipe:
        """How a variant is trained."""
        found = NOISY_RECIPES[variant.recipe]
        return replace(found, epochs=max(3, found.epochs // self.shrunk), snapshots=6) if self.shrunk > 1 else found

    def quick(self) -> "Experiment":
        """The same with a fiftieth of the epochs, an eighth of the samples and few draws: in a minute, and rough."""
        return replace(self, n=min(self.n, 128), repeats=8, draws=min(self.draws, 100), shrunk=50)

    def items(self, seeds: int = SEEDS, variants: tuple[Variant, ...] = ()) -> Iterator[Item]:
        """All that there is to compute, in the order of the table."""
        for variant in variants or self.variants:
            for seed in range(seeds):
                for epoch in self.recipe(variant).epochs_kept():
                    for part in self.parts:
                        yield Item(variant, seed, epoch, part)


_WIDTHS = (0.001, 0.01, 0.1, 0.5)
_MONITORS = ("training", "information", "clustering")

EXPERIMENTS: dict[str, Experiment] = {
    one.name: one
    for one in (
        Experiment(
            "neuron",
            "A single neuron, along its training",
            (Variant("tanh, σ 0.1", "neuron-tanh"), Variant("ReLU, σ 0.1", "neuron-relu")),
            ("training", "information", "integration"),
            n=4,
            draws=2500,
        ),
        Experiment(
            "bits",
            "Twelve bits",
            (
                Variant("tanh, σ 0.005", "bits-tanh-0.005"),
                Variant("tanh, σ 0.02", "bits-tanh-0.02"),
                Variant("tanh, σ 0.05", "bits-tanh-0.05"),
                Variant("tanh, σ 0.2", "bits-tanh-0.2"),
                Variant("ReLU, σ 0.005", "bits-relu-0.005"),
                Variant("tanh, σ 0.005, orthonormal weights", "bits-tanh-0.005-orthonormal"),
            ),
            (*_MONITORS, "bins"),
            widths=_WIDTHS,
        ),
        Experiment(
            "spirals",
            "Spirals",
            (Variant("tanh, σ 0.05", "spirals-tanh"), Variant("leaky ReLU, σ 0.05", "spirals-leaky-relu")),
            (*_MONITORS, "bins"),
            widths=_WIDTHS,
        ),
        Experiment(
            "digits",
            "Handwritten digits",
            (
                Variant("fully connected, tanh, σ 0.1", "digits-fully-connected"),
                Variant("convolutional, tanh, σ 0.1", "digits-convolutional"),
            ),
            (*_MONITORS, "CID"),
        ),
        Experiment(
            "deterministic",
            "Twelve bits without noise",
            (Variant("tanh, without noise", "deterministic-tanh"),),
            (*_MONITORS, "bins"),
            n=4096,
            widths=_WIDTHS,
        ),
    )
}
