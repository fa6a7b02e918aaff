"""The time that is left: foreseen from what requests took on this machine, said as roughly as it is known.

What has been said is a promise: it counts down, and rises only where there is another reason than a wrong guess.
"""

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from app.words import coarsely, time_left

# Of a job that nothing is known of, the share from which on what it took says how long the rest takes.
TELLING = 0.3
LONGER = "longer than foreseen"


@dataclass(frozen=True)
class Part:
    """A piece of work: `foreseen` seconds as a whole, from measured ones; `guessed` seconds from counts of operations.

    `progress` 0..1; `remaining` seconds if it goes on as it began; `told`: it counts its own steps, so that this holds
    from the first of them on.
    """

    foreseen: float | None = None
    guessed: float | None = None
    progress: float = 0.0
    remaining: float | None = None
    told: bool = False

    @property
    def left(self) -> tuple[float | None, bool]:
        """Seconds, and whether they are more than a guess; None where nothing is known."""
        if self.remaining is not None and self.told:
            return self.remaining, True
        if self.foreseen is not None:
            return self.foreseen * (1 - self.progress), True
        if self.remaining is not None and self.progress >= TELLING:
            return self.remaining, True
        return (None if self.guessed is None else self.guessed * (1 - self.progress)), False


def together(parts: Sequence[Part]) -> tuple[float | None, bool]:
    """Seconds of all parts, one after the other, and whether they are more than a guess.

    >>> together([Part(foreseen=20.0, progress=0.5), Part(foreseen=5.0)])
    (15.0, True)
    >>> together([Part(foreseen=20.0), Part(guessed=100.0)]), together([Part(), Part(guessed=1.0)]), together([])
    ((120.0, False), (None, False), (None, False))
    """
    known = [part.left for part in parts]
    seconds = [left for left, _ in known if left is not None]
    if not parts or len(seconds) < len(parts):
        return None, False
    return sum(seconds), all(sure for _, sure in known)


class Promise:
    """What was said of the time that is left, and for which work.

    >>> now = [0.0]
    >>> promise = Promise(lambda: now[0])
    >>> promise.say(60.0, True, "three maps")
    'about 1 min left'
    >>> now[0] = 10.0
    >>> promise.say(100.0, True, "three maps"), promise.say(30.0, True, "three maps")
    ('about 50 s left', 'about 30 s left')
    >>> promise.say(100.0, True, "four maps"), promise.say(200.0, False, "five maps")
    ('about 2 min left', 'a few minutes left')
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._ends, self._reason = 0.0, None

    def say(self, seconds: float | None, sure: bool, reason: Hashable) -> str:
        """Words for the line; `reason` is all that may make it longer: what is asked for, and who else waits."""
        if seconds is None:
            return ""
        if not sure:
            self._reason = None
            return f"{coarsely(seconds)} left"
        now = self.clock()
        ends = now + seconds
        self._ends = min(self._ends, ends) if reason == self._reason else ends
        self._reason = reason
        return time_left(self._ends - now) if self._ends > now else LONGER
