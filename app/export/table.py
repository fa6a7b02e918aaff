"""Numbers as CSV: one row per cell, units in the header, nothing that a spreadsheet would run."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from app.export.record import Taken
from explainers.cid.certainty import loss_unknown, mean_uncertainty

# Name of the number -> title of the column, with its unit.
NUMBERS = {
    "mean": "mean (nats)",
    "mean_error": "standard error of the mean (nats)",
    "constraint": "constraint reached (of 1)",
    "constraint_error": "standard error of the constraint (of 1)",
    "largest_share": "share of the largest sample in the constraint (of 1)",
    "loss": "lost below the maximum, estimate (nats)",
    "loss_error": "standard error of the loss (nats)",
    "delta_f2": "delta_f2 (feature units squared per input unit squared)",
    "unbounded": "unbounded cells",
    "converged": "converged",
    "error": "error of the reconstruction (RMSE, of 1)",
    "decoder_share": "decoder's own share of the squared error (of 1)",
    "forward_passes": "forward passes",
    "backward_passes": "backward passes",
    "seconds": "time (s)",
}
# Beside the standard error, with what the constraint and the loss tell.
OFF = "what the mean may be off by (nats)"
MORE = "or by more, since what is lost is not known"
SETTINGS = ("beta", "grid", "refine", "method", "probes", "seed")
# What spreadsheets take for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cells_csv(cells: Iterable[Taken]) -> bytes:
    """One row per cell: what was asked, then what came out; empty where a method has no such number."""
    return written([_row(cell) for cell in cells])


def written(rows: Sequence[dict[str, object]]) -> bytes:
    """Rows with the same keys as CSV (RFC 4180) in UTF-8, marked so that spreadsheets read it as such."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows({name: guarded(value) for name, value in row.items()} for row in rows)
    return text.getvalue().encode("utf-8-sig")


def guarded(value: object) -> object:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers.

    What is not known is empty.

    >>> guarded("=HYPERLINK(1)"), guarded("+1.png"), guarded(-1.5), guarded("cat"), guarded(None), guarded(math.nan)
    ("'=HYPERLINK(1)", "'+1.png", -1.5, 'cat', '', '')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA) else value


def _off(numbers: Mapping[str, float | int]) -> float | None:
    off = mean_uncertainty(numbers) if "constraint" in numbers else math.nan
    return None if math.isnan(off) else off


def _row(cell: Taken) -> dict[str, Any]:
    finite = cell.values[np.isfinite(cell.values)]
    ends = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    decoder = "" if cell.decoder is None else f"{cell.decoder.blocks} blocks, trained on {cell.decoder.data}"
    return (
        {
            "network": cell.network,
            "weights (SHA-256)": cell.fingerprint,
            "layer": cell.layer,
            "picture": cell.picture_title,
            "picture's key": cell.picture,
            "part of the picture (left, top, right, bottom, of 1)": cell.part,
            "object drawn (corners, of 1)": cell.outline,
            "method": cell.method_title,
            "class explained": cell.class_name + " (channel)" * (cell.explains == "channel"),
            "rows": cell.values.shape[0],
            "columns": cell.values.shape[1],
            "smallest value (in the map's unit)": ends[0],
            "largest value (in the map's unit)": ends[1],
            "the map's unit": cell.unit,
        }
        | {title: cell.numbers.get(name) for name, title in NUMBERS.items()}
        | {OFF: _off(cell.numbers), MORE: loss_unknown(cell.numbers) or None}
        | {"solver" if name == "method" else name: cell.settings.get(name) for name in SETTINGS}
        | {"decoder": decoder, "device": cell.device}
        | {f"version of {name}": text for name, text in cell.versions.items()}
    )
