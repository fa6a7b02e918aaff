"""Pages are imported before anybody asks for them: with PyTorch, that takes as long as ten seconds."""

import gc
import sys
import threading
from importlib import import_module
from types import ModuleType

PAGES = (
    "explore", "compare", "fairness", "evaluate", "layers", "studies", "flow", "learn", "teach", "glossary", "about",
)  # fmt: skip
# Seconds that the server has for itself, to answer the first visitor.
HEAD_START = 1.0


class Beforehand:
    """One thread that imports every page, soon after it was begun, or as soon as somebody asks.

    A server that ends in the middle of it waits until the next import within begins: a library that is cut off while it
    sets itself up takes the whole process with it. Python waits for threads that are no daemons.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._work, name="imports", daemon=False)

    def begin(self) -> None:
        self._thread.start()

    def pages(self) -> dict[str, ModuleType]:
        """The module of each of `PAGES`, by its name, once all are there.

        Two threads that import at once might wait for each other.

        Raises whatever the import of one of them raises.
        """
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join()
        return {name: import_module(f"app.{name}.page") for name in PAGES}

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """Asked before each import of the process: finds nothing, and ends the thread of a server that has ended."""
        if threading.current_thread() is self._thread and not threading.main_thread().is_alive():
            raise SystemExit

    def _work(self) -> None:
        self._asked.wait(HEAD_START)
        sys.meta_path.insert(0, self)
        # What imports make stays: to look through half a million objects for rubbish takes a fifth of the time.
        collects = gc.isenabled()
        gc.disable()
        try:
            for name in PAGES:
                import_module(f"app.{name}.page")
        finally:
            sys.meta_path.remove(self)
            if collects:
                gc.enable()


BEFOREHAND = Beforehand()
