"""A figure that fills in travels whole for every change: it is drawn anew only where that is worth its bytes."""

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
    """Of one figure: which of its views it shows.

    >>> now = [0.0]
    >>> sparing = Sparing(lambda: now[0])
    >>> first, later, done = View("a", "running"), View("a", "running", progress=0.2), View("a", "done")
    >>> sparing.shown([first, first]) == sparing.shown([first, later]) == [first, first]
    True
    >>> sparing.shown([first, done]), sparing.shown([done, done])
    ([View(key='a', state='running', ...), View(key='a', state='done', ...)], [View(key='a', state='done', ...), ...])
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.at, self.left = clock, clock(), AT_ONCE
        self.views: list[View] = []

    def shown(self, views: Sequence[View]) -> list[View]:
        """The newest where nothing is computed any more, where others are asked for, or where there is news of them
        and bytes are left; else those that were shown last."""
        now, before, size = self.clock(), self.views, sum(map(_bytes, views))
        self.left = min(AT_ONCE, self.left + max(A_SECOND, size / AT_LEAST) * (now - self.at))
        self.at = now
        others = [view.key for view in views] != [view.key for view in before]
        ends = [view.state for view in views] != [view.state for view in before]
        news = ends or list(map(_stage, views)) != list(map(_stage, before))
        # What is finished may take all that is left, previews the half of it.
        spare = self.left > (0 if ends else AT_ONCE / 2)
        if others or not any(view.live for view in views) or (news and spare):
            self.left -= size if others or news else 0
            self.views = list(views)
        return self.views


def sparing(name: str) -> Sparing:
    """That of this session's figure `name`."""
    return st.session_state.setdefault(f"sparing {name}", Sparing())


def _stage(view: View) -> tuple[bool, bool]:
    """What is news of a map that is not finished: a first preview, one from the second half of the work."""
    return view.value is not None, view.live and view.value is not None and view.progress >= HALFWAY


def _bytes(view: View) -> float:
    return AROUND + (VALUE * view.value.values.size if view.value is not None else 0)
