"""What ships of the studies: long tables, curves, verdicts and maps, read once for all visitors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from explainers.assets import DamagedFile
from explainers.cid.certainty import uncertain
from explainers.networks.catalogue import registered
from explainers.networks.specs import EPOCHS, STUDIED
from explainers.studies.base import tables
from explainers.studies.base.curves import curves
from explainers.studies.base.report import Finding
from explainers.studies.base.run import missing
from explainers.studies.base.study import Axis, Study
from explainers.studies.base.verdicts import VERDICTS
from explainers.studies.catalogue import STUDIES
from explainers.sweeps.table import TableError

FOLDER = tables.FOLDER


def title_of(name: str) -> str:
    """What a network is called, of those too that have no weights here yet.

    >>> title_of("vgg16-lookalikes"), title_of("resnet32-cifar10-epoch1"), title_of("none of them")
    ('VGG-16, look-alikes', 'ResNet-32, CIFAR-10, after epoch 1', 'none of them')
    """
    return next((spec.title for spec in (*registered().values(), *STUDIED, *EPOCHS) if spec.name == name), name)


@dataclass(frozen=True, eq=False)
class Known:
    """A study with its long table, the curves of it, what was found, and maps by `row`; `damage` says what is wrong.

    `unsure` are the rows whose map does not meet its constraint, as far as that was measured.
    """

    study: Study
    long: pd.DataFrame = field(repr=False)
    drawn: pd.DataFrame = field(repr=False)
    findings: tuple[Finding, ...]
    maps: Mapping[str, np.ndarray] = field(repr=False)
    lacking: tuple[str, ...] = ()
    damage: str = ""
    unsure: frozenset[str] = frozenset()

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Of the quantities that there are curves of."""
        there = set(self.drawn["quantity"])
        return tuple(axis for axis in self.study.axes if axis.quantity in there)

    @property
    def counts(self) -> dict[str, int]:
        """How many claims have each verdict, those that none has left out."""
        words = [one.verdict.word for one in self.findings]
        return {word: words.count(word) for word in VERDICTS if word in words}

    def series(self, quantity: str) -> list[str]:
        """Names of the curves of a quantity, in their order."""
        return self.drawn.loc[self.drawn["quantity"] == quantity, "series"].unique().tolist()


def known(name: str, folder: Path = FOLDER) -> Known:
    """What ships of the study called `name`."""
    stamps = tuple(path.stat().st_mtime_ns for path in sorted(folder.glob("*.*")) if path.is_file())
    return _known(name, folder, stamps)


@lru_cache(maxsize=64)
def _known(name: str, folder: Path, stamps: tuple[int, ...]) -> Known:
    study = STUDIES[name]
    sources = [STUDIES[one] for one in (study.name, *study.uses)]
    try:
        long = tables.long_table(study, STUDIES, folder)
        maps = {row: cells for one in sources for row, cells in tables.maps_of(one, folder).items()}
        unsure = frozenset(row for one in sources for row in _unsure(one, folder))
        damage = ""
    except (DamagedFile, TableError) as error:
        long, maps, damage = pd.DataFrame(columns=list(tables.LONG)), {}, str(error)
        unsure = frozenset[str]()
    findings = tuple(Finding(study, claim, claim.verdict(long)) for claim in study.claims)
    return Known(study, long, curves(long), findings, maps, missing(study), damage, unsure)


def _unsure(study: Study, folder: Path) -> list[str]:
    """Rows whose map does not meet its constraint; none of a table that has no such column."""
    rows = tables.rows_of(study, folder)
    if "constraint" not in rows:
        return []
    constraint, error = (rows[name].to_numpy(float) for name in ("constraint", "mean_error"))
    return rows.loc[uncertain(constraint, error, rows["converged"].eq(True).to_numpy(bool)), "row"].tolist()
