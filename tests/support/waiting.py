"""Waiting for what other threads and processes do, within bounds."""

import threading
from collections.abc import Callable

PATIENCE = 60


def wait_until(holds: Callable[[], object], every: float = 0.02) -> None:
    """Returns as soon as something holds; fails after a minute."""
    pause = threading.Event()
    for _ in range(round(PATIENCE / every)):
        if holds():
            return
        pause.wait(every)
    raise AssertionError("it never came to hold")
