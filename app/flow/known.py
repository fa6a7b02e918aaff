"""What there is to choose from: experiments, their networks, and each network's layers and epochs."""

from dataclasses import dataclass
from functools import lru_cache

from explainers.information_flow.experiments import EXPERIMENTS, MOST_UNITS
from explainers.randomness import drawn_apart
from explainers.train.noisy_recipes import NOISY_RECIPES
from explainers.train.snapshots import SNAPSHOTS

# What the switch shows instead of an experiment: networks that were trained without noise.
TWINS = {"bits": "deterministic"}
SHOWN = tuple(name for name in EXPERIMENTS if name not in TWINS.values())
NOISE = "σ "
# Where tables and snapshots lie.
FOLDER = SNAPSHOTS


@dataclass(frozen=True)
class Variant:
    """One network of an experiment; `kind` is all of its title but the noise, `name` that in an address."""

    experiment: str
    title: str
    recipe: str
    kind: str
    sigma: float
    discrete: bool

    @property
    def name(self) -> str:
        return slug(self.kind)


def slug(title: str) -> str:
    """
    >>> slug("tanh, orthonormal weights")
    'tanh-orthonormal-weights'
    """
    return "-".join("".join(sign if sign.isalnum() else " " for sign in title.lower()).split())


@lru_cache(maxsize=16)
def variants(experiment: str) -> tuple[Variant, ...]:
    """The networks of an experiment, in its order."""
    found: list[Variant] = []
    for one in EXPERIMENTS[experiment].variants:
        recipe = NOISY_RECIPES[one.recipe]
        kind = ", ".join(part for part in one.title.split(", ") if not part.startswith(NOISE))
        discrete = recipe.problem in ("twelve bits", "four numbers")
        found.append(Variant(experiment, one.title, one.recipe, kind, recipe.sigma, discrete))
    return tuple(found)


def kinds(experiment: str) -> dict[str, str]:
    """Names and titles of the kinds of network of an experiment.

    >>> kinds("spirals")
    {'tanh': 'tanh', 'leaky-relu': 'leaky ReLU'}
    """
    return {variant.name: variant.kind for variant in variants(experiment)}


def sigmas(experiment: str, kind: str) -> tuple[float, ...]:
    """The noises that networks of a kind were trained with.

    >>> sigmas("bits", "tanh"), sigmas("bits", "relu")
    ((0.005, 0.02, 0.05, 0.2), (0.005,))
    """
    return tuple(sorted(variant.sigma for variant in variants(experiment) if variant.name == kind))


def variant_of(experiment: str, kind: str, sigma: float) -> Variant:
    """The network of a kind and a noise."""
    return next(one for one in variants(experiment) if one.name == kind and one.sigma == sigma)


def twin_of(variant: Variant) -> Variant | None:
    """The network of the same problem that was trained without noise; None where there is none."""
    twin = TWINS.get(variant.experiment)
    return variants(twin)[0] if twin else None


def title_of(variant: Variant) -> str:
    """Experiment and network.

    >>> title_of(variants("bits")[0])
    'Twelve bits, tanh, σ 0.005'
    """
    return f"{EXPERIMENTS[variant.experiment].title}, {variant.title}"


@lru_cache(maxsize=32)
def layers(recipe: str) -> dict[str, int]:
    """The hidden layers of a network, and how many units each has.

    >>> layers("spirals-tanh")
    {'1': 12, '2': 8, '3': 3}
    """
    made = NOISY_RECIPES[recipe]
    with drawn_apart():
        network = made.build()
    signals = network.signals(made.load().some(2)[0])
    return {layer: s.shape[1] for layer, (s, _) in zip(network.hidden, signals, strict=True)}


@lru_cache(maxsize=32)
def inputs(recipe: str) -> int:
    """How many inputs the problem of a network has.

    >>> inputs("neuron-tanh"), inputs("bits-tanh-0.005")
    (4, 4096)
    """
    return len(NOISY_RECIPES[recipe].load().y)


def measured(recipe: str) -> list[str]:
    """The layers that are small enough for an estimate."""
    return [layer for layer, units in layers(recipe).items() if units <= MOST_UNITS]


def epochs(recipe: str) -> tuple[int, ...]:
    """The epochs after which there are snapshots."""
    return NOISY_RECIPES[recipe].epochs_kept()


def widths(experiment: str) -> tuple[float, ...]:
    """The widths of bins with which an experiment was looked at; none where it was not."""
    return EXPERIMENTS[experiment].widths
