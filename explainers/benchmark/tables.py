"""Tables in Markdown."""

from collections.abc import Iterable, Sequence
from statistics import median

from explainers.numerals import minus


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table with one line for each of `lines`."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines))


def three(values: Sequence[float], digits: str) -> str:
    """The median, with the least and the most where they differ; a dash where there is nothing.

    >>> three([1, 2, 6], ".0f"), three([-0.5], ".2f"), three([], ".2f")
    ('2 (1 to 6)', '−0.50', '–')
    """
    if not values:
        return "–"
    middle, least, most = (number(value, digits) for value in (median(values), min(values), max(values)))
    return middle if least == most else f"{middle} ({least} to {most})"


def number(value: float, digits: str) -> str:
    """The number with a true minus sign."""
    return minus(format(value, digits))
