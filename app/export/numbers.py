"""The numbers of maps as a table for readers: one row for each map."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.export.curves import Curves
from app.export.record import Taken
from app.export.report import Table
from app.figures.means import mean_words
from app.words import NONE, NOT_KNOWN, OR_MORE, decimal, duration, least, near, number, passes
from explainers.cid.certainty import is_certain, loss_unknown, mean_uncertainty


def numbers_table(cells: Sequence[Taken], more: Sequence[Mapping[str, str]] = ()) -> Table:
    """What each map comes to, what it may be off by and what it cost; `more` numbers of each map stand beside them.

    Columns that would be empty are left out; the maps are called by what they do not share.
    """
    added = more or [{} for _ in cells]
    rows = [_numbers(cell) | dict(extra) for cell, extra in zip(cells, added, strict=True)]
    heads = [name for name in dict.fromkeys(name for row in rows for name in row) if any(row.get(name) for row in rows)]
    body = (
        (title, *(row.get(name) or NONE for name in heads)) for title, row in zip(_titles(cells), rows, strict=True)
    )
    return Table("The numbers", ("Map", *heads), tuple(body))


def _titles(cells: Sequence[Taken]) -> list[str]:
    parts = [(cell.method_title, cell.layer, cell.network_title, cell.picture_title) for cell in cells]
    shared = [len({part[place] for part in parts}) == 1 for place in range(4)]
    # The method is always said.
    kept = [place for place in range(4) if place == 0 or not shared[place]]
    return [" · ".join(part[place] for place in kept if part[place]) for part in parts]


def _numbers(cell: Taken) -> dict[str, str]:
    said = cell.numbers
    cost = {"Passes through the network": passes(said["forward_passes"], said["backward_passes"])}
    cost |= {"Time": duration(said["seconds"])}
    if "mean" not in said:
        largest = np.abs(cell.values).max()
        return {f"Largest value ({cell.unit})": number(float(largest))} | cost
    sure = "" if is_certain(said) else ", uncertain"
    lost = said.get("loss", np.nan) + 2 * said.get("loss_error", np.nan)
    found = {
        "Mean (nats)": mean_words(said) + sure,
        "May be off by (nats)": _off(said),
        "Constraint (1 where it holds)": near(said["constraint"], said["constraint_error"]),
        "Lost at most (nats)": NOT_KNOWN if np.isnan(lost) else decimal(lost),
        "Cells not used": f"{said['unbounded']:.0f}" if said["unbounded"] else "",
        "Decoder's error (of 1)": decimal(said["error"]) if "error" in said else "",
    }
    return found | cost


def _off(said: Mapping[str, float | int]) -> str:
    """What the mean may be off by, never zero; at least, where nothing is known of what is lost."""
    off = mean_uncertainty(said)
    return decimal(least(off, 3)) + (OR_MORE if loss_unknown(said) and np.isfinite(off) else "")


def curves_table(curves: Curves) -> Table:
    """The values of curves, one row for each place, with what they may be off by."""
    heads = tuple(f"{curve.title} ({unit_of(curve.axis)})" for curve in curves.curves)
    rows = []
    for place, name in enumerate(curves.layers):
        row = [name]
        for curve in curves.curves:
            value = curve.values[place]
            error = curve.errors[place] if curve.errors else None
            unsure = ", uncertain" if curve.unsure and curve.unsure[place] else ""
            more = OR_MORE if curve.more and curve.more[place] else ""
            row.append(NONE if value is None else near(value, np.nan if error is None else error) + more + unsure)
        rows.append(tuple(row))
    return Table("The curves in numbers", ("Layer", *heads), tuple(rows))


def unit_of(axis: str) -> str:
    """The unit in the title of an axis.

    >>> unit_of("mean CID (nats per input variable)"), unit_of("share")
    ('nats per input variable', 'share')
    """
    return axis.rpartition("(")[2].rstrip(")")
