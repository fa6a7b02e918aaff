"""The record of a study: what the paper claims, what is computed, how rows become curves, and how a claim is judged."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from explainers.cid.results import CIDSettings
from explainers.methods.entropies import CID_NAME
from explainers.studies.base.scores import Task
from explainers.studies.base.verdicts import NO_RESULT, UNDECIDED, Effect, Lacking, Verdict, judge
from explainers.sweeps.items import Item

QUICK_PICTURES = 2
# The harder edition of the birds, on which networks differ.
LOOKALIKES = "lookalikes"
QUICK = CIDSettings(grid=8, refine=False)


@dataclass(frozen=True)
class Leg:
    """A part of a sweep: maps of the layers of one network over the first `pictures`.

    `series` is what its curves are called, by default the network; `training` tells networks of one kind apart;
    `source` names pictures other than rendered birds, where no others are asked for.
    """

    network: str
    layers: tuple[str, ...]
    methods: tuple[str, ...] = (CID_NAME,)
    settings: CIDSettings = field(default_factory=CIDSettings)
    pictures: int = 12
    series: str = ""
    training: int = 0
    source: str = ""

    def quick(self) -> "Leg":
        """First, middle and last layer of two pictures, coarse and not refined."""
        layers = tuple(dict.fromkeys((self.layers[0], self.layers[len(self.layers) // 2], self.layers[-1])))
        settings = replace(self.settings, grid=QUICK.grid, refine=QUICK.refine)
        return replace(self, layers=layers, settings=settings, pictures=min(self.pictures, QUICK_PICTURES))


@dataclass(frozen=True)
class Claim:
    """What the paper says, and how it is asked of the rows.

    `printed` is the number that stands there, "" where none does. `effect` of the long table is positive where it is as
    claimed, in `unit`; `margin` is the smallest that counts; `same`: the claim is that there is none.
    """

    name: str
    says: str
    where: str
    measured: str
    unit: str
    effect: Callable[[pd.DataFrame], Effect] = field(repr=False)
    margin: float
    printed: str = ""
    same: bool = False

    def verdict(self, long: pd.DataFrame) -> Verdict:
        """Computed from the long table; without rows there is no result yet."""
        try:
            return judge(self.effect(long), self.margin, self.same)
        except Lacking as error:
            return Verdict(NO_RESULT if long.empty else UNDECIDED, reason=str(error))


@dataclass(frozen=True)
class Axis:
    """What a chart of one quantity shows: its title with the unit, and how `x` is to be drawn; `named` as words."""

    quantity: str
    title: str
    x_title: str = "depth: share of the way through the network"
    logarithmic: bool = False
    named: bool = False


Tasks = Callable[[Sequence[Item], bool], Iterable[Task]]
Arrange = Callable[[pd.DataFrame], pd.DataFrame]
Derive = Callable[[pd.DataFrame, Mapping[str, np.ndarray]], pd.DataFrame]


def as_it_is(long: pd.DataFrame) -> pd.DataFrame:
    """The long table unchanged."""
    return long


@dataclass(frozen=True)
class Study:
    """One experiment of the paper, or beyond it.

    - `legs` are computed as a sweep, or else `tasks` of the items as scores; `pictures` is how many tasks ship with,
      `source` names others than the twelve rendered birds.
    - `uses` names studies whose rows count as well; `needs` networks, by name, that it would take to answer all,
      `needs_library` a module that is installed only if asked for.
    - `arrange` turns the long table into the one that is drawn (columns series, x, at), and `axes` say how; `derive`
      makes the long table of rows and their maps where something else than means is asked.
    - `differs`: what is done otherwise than in the paper; `note`: what a reader has to know about the result.
    """

    name: str
    title: str
    question: str
    figure: str
    claims: tuple[Claim, ...]
    axes: tuple[Axis, ...]
    legs: tuple[Leg, ...] = ()
    tasks: Tasks | None = None
    pictures: int = 0
    source: str = ""
    uses: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    needs_library: str = ""
    arrange: Arrange = as_it_is
    derive: Derive | None = None
    varied: str = "layer"
    differs: str = ""
    note: str = ""

    @property
    def file(self) -> str:
        """The name of its table."""
        return f"{self.name}.parquet"

    @property
    def maps_file(self) -> str:
        """The name of the file with its maps."""
        return f"{self.name}.maps.parquet"

    @property
    def computes(self) -> bool:
        """Whether it has rows of its own."""
        return bool(self.legs) or self.tasks is not None

    @property
    def networks(self) -> tuple[str, ...]:
        """Those of its legs, in order."""
        return tuple(dict.fromkeys(leg.network for leg in self.legs))
