"""Pictures are drawn or read, scaled and cut one after the other; whoever waits hears how far it has come."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")
# How often one hears of it: large birds take a tenth of a second each.
STEP = 2


@dataclass(frozen=True)
class Preparing:
    """`count` of `total` pictures are ready."""

    count: int
    total: int
    # There is no answer in it.
    progress = 0.0
    preliminary = True

    @property
    def share(self) -> float:
        """The share that is ready, 0 to 1."""
        return self.count / self.total


def gathered(items: Iterable[Item], total: int) -> Generator[Preparing, None, list[Item]]:
    """How far it has come, again and again, and all items: `items = yield from gathered(…)`.

    >>> [at.share for at in gathered("abcd", 4)]
    [0.5, 1.0]
    """
    found: list[Item] = []
    for item in items:
        found.append(item)
        if len(found) % STEP == 0:
            yield Preparing(len(found), total)
    return found
