"""Rubbish is collected beside the requests, not after each of them."""

import atexit
import gc
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# Cycles are rare between two runs of a page: ten seconds of them are a few megabytes.
SECONDS = 10.0
# A thread that computes in Python gives way to others so often. Work that calls torch asks for its turn after every
# operation, and so does the thread that answers visitors: behind sixteen pages that are drawn, Python's own five
# milliseconds make a tenth of a second each time.
SWITCH = 5e-4


class Collector:
    """One thread that collects every `seconds`.

    What imports left behind, half a million objects of torch and Captum, is never looked at again: it is frozen once
    nothing more has been imported. Without that, a collection holds all threads up for a third of a second.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.stopped = seconds, threading.Event()
        self._modules, self._settled = 0, False
        self._thread = threading.Thread(target=self._loop, name="collector", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Nothing is collected or frozen once this returns: at its end Python would list what it cannot free."""
        self.stopped.set()
        self._thread.join()
        gc.unfreeze()

    def _loop(self) -> None:
        while not self.stopped.wait(self.seconds):
            self.collect()

    def collect(self) -> None:
        """Collects, and freezes what is left where modules were imported since the last time but no longer are."""
        count = len(sys.modules)
        if count != self._modules:
            self._modules, self._settled = count, False
            gc.collect()
        elif self._settled:
            gc.collect()
        else:
            # What was frozen before may have become rubbish since.
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            self._settled = True


@asynccontextmanager
async def upkeep(_: object) -> AsyncIterator[dict]:
    """The collector for as long as the server runs."""
    sys.setswitchinterval(SWITCH)
    collector = Collector(SECONDS)
    collector.start()
    # However the server ends.
    atexit.register(collector.stop)
    yield {}
    atexit.unregister(collector.stop)
    collector.stop()
