"""The tables of the experiments, and from their rows what the figures draw."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from app.figures.flow import Series, style_of
from app.flow import known
from app.flow.known import Variant
from app.words import counted, decimal, number
from explainers.assets import check_shipped
from explainers.information_flow.unfolding import content

Frame = pd.DataFrame
INPUT, LABEL, BINNED, INTEGRAL = "I(X;T)", "I(Y;T)", "binned I(X;T)", "I(X;T) by integration"
BITS = math.log(2)


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of one network, all trainings; `unit` is that of informations."""

    variant: Variant
    rows: Frame = field(repr=False)
    unit: str = "nats"

    @property
    def factor(self) -> float:
        """From nats to the unit."""
        return 1 / BITS if self.unit == "bits" else 1.0

    @property
    def seeds(self) -> int:
        return int(self.rows["seed"].nunique())

    def of(self, quantity: str, layer: str | None = None, width: float | None = None) -> Frame:
        """The rows of a quantity, of one layer or all, with bins of one width."""
        found = self.rows[self.rows["quantity"] == quantity]
        if layer is not None:
            found = found[found["layer"] == layer]
        if width is not None:
            found = found[np.isclose(found["width"], width)]
        return found

    def has(self, quantity: str) -> bool:
        return bool((self.rows["quantity"] == quantity).any())

    def layers(self, quantity: str) -> list[str]:
        """The layers that have it, in their order."""
        return sorted(self.of(quantity)["layer"].unique(), key=lambda name: int(name or 0))

    def ceiling(self, quantity: str) -> float | None:
        """The most that an information can be, in the unit; None where the table does not say."""
        found = self.of(quantity)["ceiling"].dropna()
        return float(found.iloc[0]) * self.factor if len(found) else None

    def scale(self, quantity: str) -> float:
        """What values of a quantity are multiplied by for the unit."""
        return self.factor if "I(" in quantity else 1.0

    def series(
        self,
        quantity: str,
        layer: str,
        title: str,
        place: int,
        width: float | None = None,
        dash: str = "solid",
    ) -> Series:
        """The curve of a quantity of one layer: the mean over the trainings, the lowest and the highest."""
        rows, scale = self.of(quantity, layer, width), self.scale(quantity)
        grouped = rows.groupby("epoch")["value"]
        mean, low, high = (one * scale for one in (grouped.mean(), grouped.min(), grouped.max()))
        unit = unit_of(quantity, self.unit)
        words = tuple(
            "<br>".join(self._said(rows, int(epoch), title, value, ends, unit, scale))
            for epoch, value, *ends in zip(mean.index, mean, low, high, strict=True)
        )
        epochs = tuple(int(epoch) for epoch in mean.index)
        return Series(title, style_of(place), epochs, tuple(mean), tuple(low), tuple(high), words, dash)

    def _said(
        self, rows: Frame, epoch: int, title: str, value: float, ends: Sequence[float], unit: str, scale: float
    ) -> Iterator[str]:
        here = rows[rows["epoch"] == epoch]
        yield f"{title}, epoch {epoch:,}"
        yield f"{decimal(value)} {unit}".strip()
        if unit in ("nats", "bits"):
            other, times = ("bits", 1 / BITS) if unit == "nats" else ("nats", BITS)
            yield f"= {decimal(value * times)} {other}"
        if len(here) > 1:
            yield f"{len(here)} trainings: {decimal(ends[0])} to {decimal(ends[1])}"
        error = float(here["error"].mean())
        if math.isfinite(error) and error:
            yield f"standard error of the draws {number(error * scale, 2)}"

    def gaps(self, layers: Sequence[str]) -> dict[str, float]:
        """By layer with too few propagations how much too high I(X;T) may be at the worst, in the unit.

        No more than all of it, since no information is below 0.
        """
        rows = self.of(INPUT)
        rows = rows[rows["flags"].str.contains("few repeats") & rows["layer"].isin(layers)]
        worst = rows[["gap", "value"]].min(axis=1).groupby(rows["layer"]).max() * self.factor
        return {str(layer): float(gap) for layer, gap in worst.items()}

    def flags(self, layers: Sequence[str]) -> dict[str, dict[str, list[int]]]:
        """By flag and layer the epochs at which estimates of I(X;T) have it in any training."""
        found: dict[str, dict[str, list[int]]] = {}
        rows = self.of(INPUT)
        rows = rows[(rows["flags"] != "") & rows["layer"].isin(layers)]
        for epoch, layer, flags in zip(rows["epoch"], rows["layer"], rows["flags"], strict=True):
            for flag in flags.split(";"):
                epochs = found.setdefault(flag, {}).setdefault(layer, [])
                if int(epoch) not in epochs:
                    epochs.append(int(epoch))
        return found


def unit_of(quantity: str, unit: str) -> str:
    """What a quantity is measured in; "" where it is a share or in units of activations."""
    if "I(" in quantity:
        return unit
    return {"CID": "nats a pixel", "loss": "nats"}.get(quantity, "")


def rows_of(variant: Variant, unit: str = "nats") -> Rows | None:
    """The rows of a network; None where its table is not here, or has none of it. Raises DamagedFile."""
    path = known.FOLDER / f"{variant.experiment}.parquet"
    if not (of := content(path)):
        return None
    table = _read(path, of)
    rows = table[table["variant"] == variant.title]
    return Rows(variant, rows, unit) if len(rows) else None


@lru_cache(maxsize=4)
def _read(path: Path, of: str) -> Frame:
    check_shipped(path)
    table = pd.read_parquet(path)
    return table.astype({"variant": "category", "quantity": "category", "experiment": "category"})


def summary(rows: Rows | None) -> str:
    """What a table is made of, for its caption."""
    if rows is None:
        return ""
    n = int(rows.of(INPUT)["n"].max()) if rows.has(INPUT) else 0
    parts = [counted(rows.seeds, "training")] + ([f"{counted(n, 'sample')} for each estimate"] if n else [])
    return ", ".join(parts)
