"""How other processes of this library are begun."""

import multiprocessing
import sys
from multiprocessing.context import BaseContext


def begun_afresh(module: str) -> BaseContext:
    """Processes that have no threads of this one, and `module` imported.

    They are never forked from this process: where torch has started threads, a fork can deadlock. On Linux they are
    forked from another, in which nothing runs and which has imported the module once; that saves each of them the
    seconds of importing torch. It keeps the environment of the moment in which the first of them began.
    """
    # Elsewhere libraries of the system start threads of their own, also where nothing runs.
    if not sys.platform.startswith("linux"):
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    return context
