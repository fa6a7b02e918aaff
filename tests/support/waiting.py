"""Waiting for what other threads and processes do, within bounds."""

import threading
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 60
Found = TypeVar("Found")


def wait_until(holds: Callable[[], Found], every: float = 0.02) -> Found:
    """Returns what holds as soon as it does; fails after a minute."""
    pause = threading.Event()
    for _ in range(round(PATIENCE / every)):
        if found := holds():
            return found
        pause.wait(every)
    raise AssertionError("it never came to hold")


class Clock:
    """Time that stands where `now` is put."""

    now = 0.0

    def __call__(self) -> float:
        return self.now
