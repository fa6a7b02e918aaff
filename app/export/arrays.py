"""Maps as NumPy's own archive, with everything needed to make them again as JSON beside them."""

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from app.export.record import Taken, described

NOTE = (
    "Load with numpy.load(file, allow_pickle=False); 'about' is JSON. Each entry of 'cells' names its arrays: map "
    "(rows, columns) in its unit, inf where the layer does not use the cell; picture (H, W, 3) as the network sees it; "
    "input (3, H, W) in network units; reconstruction (H, W, 3) of RU."
)


def cells_npz(cells: Sequence[Taken], **more: np.ndarray) -> bytes:
    """An archive that `numpy.load(…, allow_pickle=False)` reads: float32 maps, pictures, inputs, and `about`.

    One cell's arrays are called map, picture, input; of several, map_0, map_1, … Equal pictures stand there once.
    `more` arrays stand beside them under their own names.
    """
    arrays: dict[str, np.ndarray] = {}
    entries = [
        described(cell) | {"arrays": _named(arrays, cell, f"_{place}" if len(cells) > 1 else "")}
        for place, cell in enumerate(cells)
    ]
    about = json.dumps({"note": NOTE, "cells": entries}, ensure_ascii=False, allow_nan=False, indent=1)
    buffer = io.BytesIO()
    written: dict[str, Any] = {"about": np.array(about), **arrays, **more}
    np.savez_compressed(buffer, **written)
    return buffer.getvalue()


def _named(arrays: dict[str, np.ndarray], cell: Taken, ending: str) -> dict[str, str]:
    """Adds the cell's arrays; what each is called."""
    parts = {"map": cell.values, "picture": cell.image, "input": cell.x}
    if cell.reconstruction is not None:
        parts["reconstruction"] = cell.reconstruction
    names = {}
    for part, array in parts.items():
        shared = () if part == "map" else (n for n, known in arrays.items() if _same(n, part, known, array))
        names[part] = next(iter(shared), part + ending)
        arrays[names[part]] = array
    return names


def _same(name: str, part: str, known: np.ndarray, array: np.ndarray) -> bool:
    return name.startswith(part) and np.array_equal(known, array)
