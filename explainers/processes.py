"""How other processes of this library are begun."""

import multiprocessing
import os
import sys
from multiprocessing.context import BaseContext


def begun_afresh() -> BaseContext:
    """Processes that share nothing with this one, and begin at once where the system allows it.

    They are never forked from this process: where torch has started threads, a fork can deadlock. On Linux they are
    forked from another, which has imported this library and computes nothing; that saves each of them the seconds of
    importing torch. It keeps the environment of the moment in which the first of them began.
    """
    # Elsewhere libraries of the system start threads of their own, also where nothing is computed.
    if not sys.platform.startswith("linux"):
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # It looks for modules in the current folder first, which is right where this process does so, too.
    context.set_forkserver_preload(["explainers"] if {"", os.getcwd()} & {*sys.path} else [])
    return context
