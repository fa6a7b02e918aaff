"""Long work off the page: one daemon thread steps through jobs that several sessions may share."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

LINGER = 60.0
LIVE = ("waiting", "running")


class Job:
    """One piece of work: an iterator of whole frames, each better than the one before.

    `state` is "waiting", "running", "done", "cancelled" or "failed"; `latest` the newest whole frame;
    `progress` 0..1 and `note` what the work reports; `seconds` spent on it; `error` what ended it.
    """

    def __init__(self, key: str, work: Callable[["Job"], Iterator[Any]]) -> None:
        self.key, self.work = key, work
        self.stop = threading.Event()
        self.ended = threading.Event()
        self.state, self.latest, self.error = "waiting", None, None
        self.progress, self.note, self.seconds = 0.0, "", 0.0
        self.turn = 0
        self.interest: dict[str, tuple[float, tuple[int, int]]] = {}
        self.frames: Iterator[Any] | None = None

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def remaining(self) -> float | None:
        """Seconds of work left if it goes on as it did; None before there is anything to judge by."""
        return self.seconds * (1 / self.progress - 1) if self.progress > 0.02 else None

    def report(self, progress: float, note: str = "") -> None:
        """Called by work that cannot yield in between; raises CancelledError once nobody wants it."""
        self.progress, self.note = progress, note
        if self.stop.is_set():
            raise CancelledError


class CancelledError(Exception):
    """The work was asked to stop."""


class Runner:
    """A queue and its one thread.

    After each frame the job of the best priority goes next, and equals take turns: a map someone looks at
    overtakes a long series. A job nobody has asked about for `linger` seconds is cancelled. `on_end(job)`
    runs on the worker's thread when a job is done, cancelled or failed.
    """

    def __init__(
        self,
        name: str,
        on_end: Callable[[Job], None] = lambda job: None,
        linger: float = LINGER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.linger, self.clock, self.on_end = linger, clock, on_end
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._turn = 0
        # A daemon: the server may stop without waiting for a long map.
        threading.Thread(target=self._loop, name=name, daemon=True).start()

    def submit(
        self,
        key: str,
        work: Callable[[Job], Iterator[Any]],
        owner: str,
        priority: tuple[int, int] = (0, 0),
    ) -> Job:
        """The live job of that key, joined or started; asking again is the heartbeat that keeps it alive."""
        with self._changed:
            job = self._jobs.get(key)
            if job is None or job.stop.is_set():
                job = self._jobs[key] = Job(key, work)
            job.interest[owner] = (self.clock(), priority)
            self._changed.notify()
            return job

    def job(self, key: str) -> Job | None:
        """The live job of that key."""
        return self._jobs.get(key)

    def leave(self, owner: str, keep: frozenset[str] | set[str] = frozenset()) -> None:
        """`owner` no longer wants any job but those of the keys in `keep`; others' interest stays."""
        with self._changed:
            for job in self._jobs.values():
                if job.key not in keep and job.interest.pop(owner, None) and not job.interest:
                    job.stop.set()
            self._changed.notify()

    def drop(self, owner: str, key: str) -> None:
        """`owner` no longer wants the job of `key`."""
        with self._changed:
            job = self._jobs.get(key)
            if job and job.interest.pop(owner, None) and not job.interest:
                job.stop.set()
            self._changed.notify()

    def close(self) -> None:
        """Cancels everything and ends the thread."""
        with self._changed:
            self._closed = True
            for job in self._jobs.values():
                job.stop.set()
            self._changed.notify()

    def _loop(self) -> None:
        while (job := self._next()) is not None:
            started = time.perf_counter()
            try:
                job.state = "running"
                job.frames = job.frames or iter(job.work(job))
                frame = next(job.frames, None)
            except CancelledError:
                self._end(job, "cancelled")
            except Exception as error:
                job.error = error
                self._end(job, "failed")
            else:
                job.seconds += time.perf_counter() - started
                if frame is None:
                    self._end(job, "done")
                else:
                    job.latest = frame
                    job.progress = getattr(frame, "progress", job.progress)
                    if job.stop.is_set():
                        self._end(job, "cancelled")

    def _next(self) -> Job | None:
        """Waits for a job to step; first ends those that nobody wants. None once closed."""
        while True:
            with self._changed:
                for job in list(self._jobs.values()):
                    self._forget(job)
                unwanted = [job for job in self._jobs.values() if job.stop.is_set()]
                if not unwanted:
                    if self._closed:
                        return None
                    if self._jobs:
                        job = min(self._jobs.values(), key=self._rank)
                        self._turn += 1
                        job.turn = self._turn
                        return job
                    self._changed.wait()
            for job in unwanted:
                self._end(job, "cancelled")

    def _rank(self, job: Job) -> tuple:
        return min(priority for _, priority in job.interest.values()), job.turn

    def _forget(self, job: Job) -> None:
        now = self.clock()
        job.interest = {o: (t, p) for o, (t, p) in job.interest.items() if now - t < self.linger}
        if not job.interest:
            job.stop.set()

    def _end(self, job: Job, state: str) -> None:
        if hasattr(job.frames, "close"):
            job.frames.close()
        job.frames = None
        # First the result is kept, then the job is forgotten: whoever asks in between finds one of them.
        job.state = state
        self.on_end(job)
        with self._changed:
            if self._jobs.get(job.key) is job:
                del self._jobs[job.key]
        job.ended.set()
