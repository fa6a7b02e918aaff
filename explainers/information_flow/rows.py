"""One row of an experiment's table: one quantity of one layer after one epoch of one training."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Row:
    """What was measured, of what, and how. NaN and "" stand for what the quantity does not have.

    - `experiment`; `variant`, its title, with `activation`, `sigma` (0 without noise) and `orthonormal` (whether the
      weights were held near orthonormal); `seed` of the training; `epoch` after which it was measured.
    - `layer`: "1", "2", …, of so many `units`; "" and 0 for the whole network.
    - `quantity`: "I(X;T)" and "I(Y;T)", which without noise are exact, and "I(X;T) by integration"; "binned I(X;T)",
      what earlier work took for it, H(Bin(T)) of one propagation, and "binned I(Y;T)", both with the bins' `width`; all
      in nats. "within distance" and "between distance", means over pairs of one class and of two; "cosine within" and
      "cosine between"; "within radius" and "between radius", the shares of pairs at most `width` apart; "purity", the
      share of the ten nearest that have the same label. "CID" in nats a pixel, the mean over pictures. "accuracy" on
      held-out samples; "loss" of those trained on, in nats.
    - `value`, its standard error `error`, and the ends of its interval of 95 %, `low` and `high`.
    - `n` samples, `draws` of the noise for each; `ceiling`: the most that the value can be; `gap`: how much of the
      value may be due to so few draws; `flags`: what there is to be said against it, joined by ";".
    - `weight`, `bias` of a single neuron.
    """

    experiment: str
    variant: str
    activation: str
    sigma: float
    orthonormal: bool
    seed: int
    epoch: int
    layer: str
    units: int
    quantity: str
    value: float
    width: float = math.nan
    error: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    draws: int = 0
    ceiling: float = math.nan
    gap: float = math.nan
    flags: str = ""
    weight: float = math.nan
    bias: float = math.nan


_KINDS: dict[object, pa.DataType] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
SCHEMA = pa.schema([pa.field(one.name, _KINDS[one.type]) for one in fields(Row)])


def as_table(rows: Sequence[Row]) -> pa.Table:
    """The rows as Arrow's table of `SCHEMA`."""
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=SCHEMA)


def as_rows(table: pa.Table) -> list[Row]:
    """The rows of a table that `as_table` made.

    >>> row = Row("bits", "tanh", "tanh", 0.1, False, 0, 5, "1", 10, "I(X;T)", 1.5)
    >>> repr(as_rows(as_table([row]))) == repr([row])
    True
    """
    found: list[dict[str, Any]] = table.to_pylist()
    return [Row(**one) for one in found]
