"""A sweep on this machine: in this process, or in several that compute side by side."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import BaseContext

from explainers.sweeps.plan import Block, Problem
from explainers.sweeps.work import Bench, Done, work

# So often a block may take its process with it before it is given up.
TRIES = 3
LOST = "the process that computed it was ended from outside {} times, perhaps for want of memory"
NOT_BEGUN = (
    "expected processes that take up work, they ended as they began; a script of your own begins a sweep below "
    '`if __name__ == "__main__":` and lies in a file; or choose --workers 0'
)


def run_here(blocks: Iterable[Block], bench: Bench, go_on: Callable[[], bool] = lambda: True) -> Iterator[Done]:
    """One block after the other, for as long as `go_on()`."""
    for block in blocks:
        if not go_on():
            return
        yield work(block, bench)


def run_processes(
    blocks: Iterable[Block], bench: Bench, workers: int, go_on: Callable[[], bool] = lambda: True
) -> Iterator[Done]:
    """The blocks as they become ready, by `workers` processes; no block is begun once `go_on()` is false.

    A process that is lost is replaced, and the blocks that were under way done again, each alone, so that only the one
    that ends its process three times is given up. Raises ValueError, one sentence, where processes end as they begin.
    """
    others = set(multiprocessing.active_children())
    waiting = iter(blocks)
    again: list[Block] = []
    lost: Counter[int] = Counter()
    running: dict[Future[Done], Block] = {}
    pool = _pool(workers)
    whole = False
    try:
        _begin(pool, workers)
        while True:
            suspected = again or any(lost[block.place] for block in running.values())
            while len(running) < (1 if suspected else 2 * workers) and go_on():
                block = again.pop() if again else next(waiting, None)
                if block is None:
                    break
                with _unheard():
                    running[pool.submit(work, block, bench)] = block
            if not running:
                whole = True
                return
            ready, _ = wait(running, return_when=FIRST_COMPLETED)
            ended: list[Block] = []
            for future in ready:
                block = running.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    ended.append(block)
            if ended:
                # All that was under way is lost with the pool; nobody can say which block did it.
                ended += running.values()
                running.clear()
                pool.shutdown(wait=False, cancel_futures=True)
                pool = _pool(workers)
                lost.update(block.place for block in ended)
                again += [block for block in ended if lost[block.place] < TRIES]
                for block in ended:
                    if lost[block.place] >= TRIES:
                        yield given_up(block, TRIES)
    finally:
        if not whole:
            # Whoever ends a sweep does not wait for the maps that are being computed.
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
        pool.shutdown(wait=True, cancel_futures=True)


def given_up(block: Block, tries: int) -> Done:
    """What is said of a block whose workers were lost again and again."""
    reason = LOST.format(tries)
    return Done(block, (), tuple(Problem(item.name, block.network, "", "", reason) for item in block.items))


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=_apart(), initializer=_follow_parent)


def _apart() -> BaseContext:
    """How processes begin that share nothing with this one, at once where the system allows it.

    They are never forked from this process: where torch has started threads, a fork can deadlock. On Linux they are
    forked from another, which stays as long as this one, has imported this library and computes nothing; that saves
    each of them the seconds of importing torch. It keeps the environment of the moment in which the first began.
    """
    # Elsewhere libraries of the system start threads of their own, also where nothing is computed.
    if not sys.platform.startswith("linux"):
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # It looks for modules in the current folder first, which is right where this process does so, too.
    context.set_forkserver_preload(["explainers"] if {"", os.getcwd()} & {*sys.path} else [])
    return context


def _begin(pool: ProcessPoolExecutor, workers: int) -> None:
    """Waits until a process is there. Raises ValueError, one sentence, where they end before they have any work."""
    try:
        with _unheard():
            begun = [pool.submit(cores) for _ in range(workers)]
        wait(begun, return_when=FIRST_COMPLETED).done.pop().result()
    except (BrokenProcessPool, OSError, EOFError):
        # What they complain of comes first.
        pool.shutdown(wait=True, cancel_futures=True)
        raise ValueError(NOT_BEGUN) from None


@contextmanager
def _unheard() -> Generator[None]:
    """Processes that begin here do not hear Ctrl-C, which goes to all of a terminal: the first one ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _follow_parent() -> None:
    """Ends this process with the one that began it, whatever ended that, and with nothing else: not with Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def cores() -> int:
    """Of this machine, as far as this process may use them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
