"""Means with the ends of their intervals: as bars in a figure, and as words."""

import math
from collections.abc import Sequence
from typing import Any

from app.words import decimal

# Mean, low end and high end; the ends are NaN where there is no interval.
Ends = tuple[float, float, float]


def error_bars(ends: Sequence[Ends]) -> dict[str, Any]:
    """Plotly's bars from the low end to the high one.

    >>> error_bars([(1.0, 0.5, 2.0), (1.0, math.nan, math.nan)])["array"]
    [1.0, 0.0]
    """
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - mean if math.isfinite(high) else 0.0 for mean, _, high in ends],
        "arrayminus": [mean - low if math.isfinite(low) else 0.0 for mean, low, _ in ends],
        "thickness": 1.2,
        "width": 3,
    }


def whiskers(errors: Sequence[float]) -> dict[str, Any]:
    """Plotly's bars by what each value may be off by; none where that is not known (NaN).

    >>> whiskers([0.5, math.nan])["array"]
    [0.5, 0.0]
    """
    return {
        "type": "data",
        "array": [error if math.isfinite(error) else 0.0 for error in errors],
        "thickness": 1,
        "width": 3,
    }


def said(ends: Ends, unit: str = "") -> list[str]:
    """The lines of a label: the mean, and the interval where there is one.

    >>> said((-1.0, -1.5, -0.5), "nats"), said((2.0, math.nan, math.nan))
    (['−1.000 nats', '95 % interval −1.500 to −0.500'], ['2.000'])
    """
    mean, low, high = ends
    interval = [f"95 % interval {decimal(low)} to {decimal(high)}"] if math.isfinite(low) else []
    return [f"{decimal(mean)} {unit}".strip(), *interval]
