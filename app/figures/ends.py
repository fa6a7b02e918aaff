"""What lies beyond the ends of a scale in nats, and what its two ends mean: said where the scale stands."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from explainers.methods.entropies import CID_NAME, RU_NAME

Ends = tuple[str, str]
# What little and much of an entropy mean, in a reader's words.
ENDS: dict[str, Ends] = {CID_NAME: ("kept", "thrown away"), RU_NAME: ("recovered", "lost")}
BELOW, ABOVE = "▼", "▲"
# On the colours of the two ends.
ON_LOW, ON_HIGH = "#f4f4f4", "#14191b"
# Rounding puts no cell beyond an end.
SLACK = 1e-6


def scale_words(ends: Ends | None, quantity: str = "entropy H (nats)") -> str:
    """The title of a scale that lies below its map, from little to much.

    >>> scale_words(("kept", "thrown away")), scale_words(None)
    ('kept ← entropy H (nats) → thrown away', 'entropy H (nats)')
    """
    return quantity if ends is None else f"{ends[0]} ← {quantity} → {ends[1]}"


def scale_title(
    maps: Sequence[np.ndarray], limits: tuple[float, float], ends: Ends | None, quantity: str = "entropy H (nats)"
) -> str:
    """The same with a second line on the marks, where any of the maps carries one.

    >>> scale_title([np.zeros(2)], (-4.5, 1.0), None), scale_title([np.array([2.0])], (-4.5, 1.0), None, "nats")
    ('entropy H (nats)', 'nats<br>▲ above the scale')
    """
    return "<br>".join(filter(None, (scale_words(ends, quantity), beyond_key(maps, limits))))


def beyond(cells: np.ndarray, limits: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Which bounded cells lie below and above the ends of a scale, whose colours they take."""
    finite = np.isfinite(cells)
    return finite & (cells < limits[0] - SLACK), finite & (cells > limits[1] + SLACK)


def beyond_words(maps: Sequence[np.ndarray], limits: tuple[float, float]) -> str:
    """How many cells lie beyond the ends, with the marks that they carry; empty where none does.

    >>> beyond_words([np.array([-5.3, -1.0, 2.0, np.inf])], (-4.5, 1.0)), beyond_words([np.zeros(2)], (-1, 1))
    ('▼ 1 below, ▲ 1 above the scale', '')
    """
    low, high = (sum(int(one[side].sum()) for one in (beyond(m, limits) for m in maps)) for side in (0, 1))
    said = ", ".join([f"{BELOW} {low} below"] * (low > 0) + [f"{ABOVE} {high} above"] * (high > 0))
    return f"{said} the scale" if said else ""


def beyond_key(maps: Sequence[np.ndarray], limits: tuple[float, float]) -> str:
    """What the marks that these maps carry mean.

    >>> beyond_key([np.array([-5.3, -1.0])], (-4.5, 1.0)), beyond_key([np.array([-5.3, 2.0])], (-4.5, 1.0))
    ('▼ below the scale', '▼ below, ▲ above the scale')
    """
    return re.sub(r" \d+", "", beyond_words(maps, limits))


def beyond_signs(cells: np.ndarray, limits: tuple[float, float]) -> str:
    """The same, as short as it can be said beside a small map.

    >>> beyond_signs(np.array([-5.3, -1.0, 2.0]), (-4.5, 1.0)), beyond_signs(np.zeros(2), (-1, 1))
    ('▼ 1 ▲ 1', '')
    """
    words = beyond_words([cells], limits)
    return words.removesuffix(" the scale").replace(" below", "").replace(" above", "").replace(",", "")


def marks_beyond(
    cells: np.ndarray, size: tuple[int, int], limits: tuple[float, float], extent: float = 300.0
) -> list[dict[str, Any]]:
    """Traces of small triangles on the cells beyond the ends; `size` in pixels of the picture, `extent` of the page."""
    dy, dx = size[0] / cells.shape[0], size[1] / cells.shape[1]
    side = extent / max(cells.shape)
    found: list[dict[str, Any]] = []
    for chosen, way, ink in zip(beyond(cells, limits), ("down", "up"), (ON_LOW, ON_HIGH), strict=True):
        rows, columns = np.nonzero(chosen)
        if len(rows):
            marker = {"symbol": f"triangle-{way}", "size": min(7.0, max(2.0, side * 0.5)), "color": ink}
            places = {"x": (columns + 0.5) * dx - 0.5, "y": (rows + 0.5) * dy - 0.5}
            place = {name: values.astype(np.float32) for name, values in places.items()}
            quiet = {"opacity": 0.75, "hoverinfo": "skip", "showlegend": False}
            marks = {"type": "scatter", "mode": "markers", "name": "beyond the scale", "marker": marker}
            found.append(marks | place | quiet)
    return found
