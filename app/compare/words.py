"""Means of two maps and of their difference in words, with the decimals that are known of them."""

from collections.abc import Mapping
from typing import Any

from app.compare.pairs import Difference
from app.figures.means import mean_words
from app.words import NONE, gap, signed_known


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
    return signed_known(found.mean, found.error, most)


def gap_with_error(found: Difference) -> str:
    """The same with what it may be off by, and whether that is the least; a dash where no difference can be told."""
    return gap(found.mean, found.error, least=bool(found.more)) if found.certain else NONE
