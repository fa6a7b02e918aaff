"""Means of two maps and of their difference in words, with the decimals that are known of them."""

import math
from collections.abc import Mapping
from typing import Any

from app.compare.pairs import Difference
from app.figures.means import mean_words
from app.words import NONE, OR_MORE, error_of, known_places, signed


def side_words(mean: float, said: Mapping[str, Any]) -> str:
    """The `mean` over the cells that both layers use, of the map of which `said` are the numbers.

    >>> side_words(-1.2184, {"constraint": 1.0, "mean_error": 0.003, "loss": 0.03})
    '−1.22'
    >>> side_words(-1.2184, {"constraint": 21.9, "mean_error": 0.0})
    'about −1'
    """
    return mean_words({**said, "mean": mean}, 4)


def gap_words(found: Difference, most: int = 3) -> str:
    """The difference with the decimals that its error leaves it, at most so many."""
    return signed(found.mean, _places(found, most))


def gap_with_error(found: Difference) -> str:
    """The same with what it may be off by, and whether that is the least; a dash where no difference can be told."""
    if not found.certain:
        return NONE
    return gap_words(found, 4) + error_of(found.mean, found.error, _places(found, 4)) + (OR_MORE if found.more else "")


def _places(found: Difference, most: int) -> int:
    return most if math.isnan(found.error) else known_places(found.error, most)
