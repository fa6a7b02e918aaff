"""Modules are imported before anybody asks for them: with PyTorch, the pages take as long as ten seconds."""

import gc
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

# Seconds that the server has for itself, to answer the first visitor.
HEAD_START = 1.0


class Beforehand:
    """One thread that imports modules, soon after it was begun, or as soon as somebody asks.

    A server that ends in the middle of it waits until the next import within begins: a library that is cut off while it
    sets itself up takes the whole process with it. Python waits for threads that are no daemons.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, names: Sequence[str]) -> None:
        """Calling this again changes nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, args=(names,), name="imports", daemon=False)
            self._thread.start()

    def modules(self, names: Sequence[str]) -> list[ModuleType]:
        """Those modules, once the thread has ended: two that import at once might wait for each other.

        Raises whatever the import of one of them raises.
        """
        self._asked.set()
        if self._thread is not None:
            self._thread.join()
        return [import_module(name) for name in names]

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """Asked before each import of the process: finds nothing, and ends the thread of a server that has ended."""
        if threading.current_thread() is self._thread and not threading.main_thread().is_alive():
            raise SystemExit

    def _work(self, names: Sequence[str]) -> None:
        self._asked.wait(HEAD_START)
        # What imports make stays: to look through half a million objects for rubbish takes a fifth of the time.
        collects = gc.isenabled()
        gc.disable()
        # A list of its own each time: other threads may be looking through the one that was there.
        sys.meta_path = [self, *sys.meta_path]
        try:
            for name in names:
                import_module(name)
        finally:
            sys.meta_path = [finder for finder in sys.meta_path if finder is not self]
            if collects:
                gc.enable()


BEFOREHAND = Beforehand()
