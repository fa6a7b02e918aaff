"""A figure that fills in sends the maps that have changed, and those only where that is worth its bytes."""

import operator
import time
from collections.abc import Callable, Sequence

import streamlit as st

from app.jobs.backend import View

# Bytes that a figure may take at once, and a second after that: less than five million in ten minutes. A larger one
# may be drawn so often, in seconds, all the same.
AT_ONCE, A_SECOND, AT_LEAST = 2.0e6, 3.0e3, 45.0
# Of one map beside its values, and of one value, which is a float in letters.
AROUND, VALUE = 2000, 16 / 3
# From here on an unfinished map is shown a second time.
HALFWAY = 0.5


class Sparing:
    """Of one figure: which of its views it shows. Each travels alone, or for any change the `whole` figure.

    >>> now = [0.0]
    >>> sparing = Sparing(clock=lambda: now[0])
    >>> first, later, done = View("a", "running"), View("a", "running", progress=0.2), View("a", "done")
    >>> sparing.shown([first, first]) == sparing.shown([first, later]) == [first, first]
    True
    >>> sparing.shown([first, done]), sparing.shown([done, done])
    ([View(key='a', state='running', ...), View(key='a', state='done', ...)], [View(key='a', state='done', ...), ...])
    """

    def __init__(self, whole: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.whole, self.clock, self.at, self.left = whole, clock, clock(), AT_ONCE
        self.views: list[View] = []

    def shown(self, views: Sequence[View]) -> list[View]:
        """The newest where nothing is computed any more, or where others are asked for; else those that were shown
        last, without those of which there is news while bytes are left."""
        now, size = self.clock(), sum(map(_bytes, views))
        self.left = min(AT_ONCE, self.left + max(A_SECOND, size / AT_LEAST) * (now - self.at))
        self.at = now
        before = self.views
        if [view.key for view in views] != [view.key for view in before] or not any(view.live for view in views):
            self.left -= 0 if list(map(_stage, views)) == list(map(_stage, before)) else size
            self.views = list(views)
        elif self.whole:
            self.views = self._newer(before, views, size)
        else:
            pairs = zip(before, views, strict=True)
            newer = [self._newer([old], [new], _bytes(new))[0] for old, new in pairs]
            self.views = before if all(map(operator.is_, newer, before)) else newer
        return self.views

    def _newer(self, before: list[View], now: Sequence[View], size: float) -> list[View]:
        """What is finished may take all that is left, previews the half of it."""
        ends = [view.state for view in before] != [view.state for view in now]
        news = ends or list(map(_stage, before)) != list(map(_stage, now))
        if not news or self.left <= (0 if ends else AT_ONCE / 2):
            return before
        self.left -= size
        return list(now)


def sparing(name: str, whole: bool = False) -> Sparing:
    """That of this session's figure `name`."""
    return st.session_state.setdefault(f"sparing {name}", Sparing(whole))


def _stage(view: View) -> tuple[str, str, bool, bool]:
    """What is news of a map: its state, a first preview, one from the second half of the work."""
    return (
        view.key,
        view.state,
        view.value is not None,
        view.live and view.value is not None and view.progress >= HALFWAY,
    )


def _bytes(view: View) -> float:
    return AROUND + (VALUE * view.value.values.size if view.value is not None else 0)
