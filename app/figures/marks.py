"""Marks that mean the same in every figure: an open point is a value that is not to be relied on."""

from collections.abc import Sequence


def open_where(unsure: Sequence[bool], symbol: str) -> str | list[str]:
    """The symbol of each point of a curve, open where it is unsure; one for all where none is.

    >>> open_where([False, True], "circle"), open_where([], "diamond")
    (['circle', 'circle-open'], 'diamond')
    """
    return [symbol + "-open" * one for one in unsure] if any(unsure) else symbol
