"""The disk on a thread of its own: what pages ask of it, and how long one of them may wait for an answer."""

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from app.jobs.memory import Recent

log = logging.getLogger(__name__)

# Seconds that the pages of one session may wait at once, and of every second after that: a disk that is well answers
# in a few thousandths, and what it keeps is there when a page is first drawn.
AT_ONCE, A_SECOND = 0.2, 0.1
# A disk that has not answered for so long is taken to have nothing.
GIVEN_UP = 2.0
SESSIONS = 1024


class Patience:
    """Seconds that may be waited: `most` at once, and `rate` of every second after that.

    >>> now = [0.0]
    >>> patience = Patience(0.2, 0.1, lambda: now[0])
    >>> patience.spend(0.15)
    >>> round(patience.left(), 2)
    0.05
    >>> now[0] = 1.0
    >>> round(patience.left(), 2)
    0.15
    """

    def __init__(self, most: float, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.rate, self.clock = most, rate, clock
        self._left, self._at = most, clock()

    def left(self) -> float:
        now = self.clock()
        self._left, self._at = min(self.most, self._left + (now - self._at) * self.rate), now
        return max(self._left, 0.0)

    def spend(self, seconds: float) -> None:
        self._left -= seconds


class Question:
    """What the disk is asked, since when, and its answer once there is one."""

    def __init__(self, key: str) -> None:
        self.key, self.asked = key, time.monotonic()
        self.answered, self.answer = threading.Event(), None

    @property
    def given_up(self) -> bool:
        return time.monotonic() - self.asked > GIVEN_UP


class Reader:
    """Calls `read(key)` on its own thread, once for all that ask at the same time; what it raises is an answer of None.

    Whoever asks waits no longer than the patience of its session lasts.
    """

    def __init__(self, read: Callable[[str], Any]) -> None:
        self.read = read
        self._open: dict[str, Question] = {}
        self._lock = threading.Lock()
        self._queue: SimpleQueue[Question | None] = SimpleQueue()
        self._patience = Recent(SESSIONS, 60.0)
        # A daemon: the server may stop without waiting for a disk.
        threading.Thread(target=self._loop, name="reader", daemon=True).start()

    def ask(self, key: str, session: str) -> Question:
        """The question, answered or not."""
        with self._lock:
            question = self._open.get(key)
            if question is None:
                question = self._open[key] = Question(key)
                self._queue.put(question)
        patience = self._patience.get(session) or Patience(AT_ONCE, A_SECOND)
        self._patience.put(session, patience)
        started = time.monotonic()
        question.answered.wait(patience.left())
        patience.spend(time.monotonic() - started)
        return question

    def close(self) -> None:
        """Ends the thread."""
        self._queue.put(None)

    def _loop(self) -> None:
        while (question := self._queue.get()) is not None:
            try:
                question.answer = self.read(question.key)
            # Of any kind: the thread serves everybody.
            except BaseException:
                log.exception("a result could not be read")
            with self._lock:
                del self._open[question.key]
            question.answered.set()
