"""How each network is drawn where several are: one colour and one symbol each, the same in every figure and file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Okabe and Ito's, safe for colour-blind readers, and two that differ from them in lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A6D3B", "#7F7F7F")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")
# The same in matplotlib's letters.
MARKERS: dict[str, Any] = dict(zip(SYMBOLS, "osD^PX*h", strict=True))


@dataclass(frozen=True)
class Style:
    """Colour and symbol of a network."""

    colour: str
    symbol: str


def styles_of(names: Sequence[str], known: Sequence[str]) -> dict[str, Style]:
    """A style for each of at most eight networks: its own by its place among all that are `known`, where that is free.

    >>> both = styles_of(["b", "z"], list("abc"))
    >>> both["b"].colour == COLOURS[1], both["z"] == both["b"]
    (True, False)
    """
    free = list(range(len(COLOURS)))
    found: dict[str, Style] = {}
    for name in names:
        own = known.index(name) % len(COLOURS) if name in known else free[0]
        place = own if own in free else free[0]
        free.remove(place)
        found[name] = Style(COLOURS[place], SYMBOLS[place])
    return found
