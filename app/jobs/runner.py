"""Long work off the page: one daemon thread per device steps through jobs that several sessions may share."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from app.words import counted
from explainers.devices import works_ahead

log = logging.getLogger(__name__)

LINGER = 60.0
# Seconds after which whoever has left gives way to those who are here: a lost connection comes back sooner.
GIVES_WAY = 4.0
# So many jobs may be begun and wait for their next turn, and one of every owner: each holds its features and sums.
BEGUN = 16
# So many owners without jobs are remembered.
SESSIONS = 256
LIVE = ("waiting", "running")


def preliminary(frame: Any) -> bool:
    """Whether a frame only says how far the preparations are."""
    return getattr(frame, "preliminary", False)


class Job:
    """One piece of work: an iterator of whole frames, each better than the one before.

    `state` is "waiting", "running", "done", "cancelled" or "failed"; `latest` the newest whole frame;
    `progress` 0..1 and `note` what the work reports; `seconds` spent on it; `error` what ended it. `place` is 1 for
    what begins next, 0 once it has begun; `others` the sessions that it takes turns with.
    """

    def __init__(
        self,
        key: str,
        work: Callable[["Job"], Iterator[Any]],
        number: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.key, self.work, self.number, self.clock = key, work, number, clock
        self.stop = threading.Event()
        self.ended = threading.Event()
        self.state, self.latest = "waiting", None
        self.error: BaseException | None = None
        self.progress, self.note, self.seconds = 0.0, "", 0.0
        self.place, self.others = 0, 0
        self.interest: dict[str, tuple[float, tuple[int, ...]]] = {}
        self.expires = float("inf")
        self.begun: float | None = None
        self.frames: Iterator[Any] | None = None

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def remaining(self) -> float | None:
        """Seconds left if it goes on as it did, others' turns included; None before there is anything to judge by."""
        if self.begun is None or self.progress <= 0.02:
            return None
        return (time.monotonic() - self.begun) * (1 / self.progress - 1)

    @property
    def work_left(self) -> float | None:
        """Seconds of its own work, others' turns left out, if it goes on as it did; None as in `remaining`."""
        if not self.seconds or self.progress <= 0.02:
            return self.remaining
        return self.seconds * (1 / self.progress - 1)

    @property
    def shown(self) -> bool:
        """Whether there is a first map to look at."""
        return self.latest is not None and not preliminary(self.latest)

    def turn(self, owner: str) -> tuple[int, bool, int, int]:
        """Its place among the jobs of `owner`, the least first.

        A priority has two numbers, or three where first maps of all jobs with the same first number come before any of
        them is finished: the second is then the place until there is one, the third from there on.
        """
        group, *places = self.interest[owner][1]
        later = self.shown and len(places) > 1
        return group, later, places[later], self.number

    @property
    def queue(self) -> str:
        """Where it stands among others, in words; empty where it stands alone.

        >>> job = Job("a", iter)
        >>> job.place = 3
        >>> job.queue
        'after 2 others'
        """
        if self.state == "waiting" and self.place > 1:
            return f"after {counted(self.place - 1, 'other')}"
        if self.state != "waiting" and self.others:
            return f"taking turns with {counted(self.others, 'other visitor')}"
        return ""

    def report(self, progress: float, note: str = "") -> None:
        """Called by work that cannot yield in between; raises CancelledError once nobody wants it."""
        self.progress, self.note = progress, note
        self.check()

    def check(self) -> None:
        """Raises CancelledError once nobody wants the job."""
        if self.stop.is_set() or self.clock() >= self.expires:
            raise CancelledError


class CancelledError(BaseException):
    """The work was asked to stop. No `except Exception` on the way, of this project or a library, may catch it."""


class Stoppable(TorchDispatchMode):
    """Within it torch asks before each of its operations, backwards too, whether to go on: `check` raises if not."""

    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__()
        self.check = check

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.check()
        return func(*args, **(kwargs or {}))


class Runner:
    """A queue and its one thread.

    After each frame the owner who has had the least time of the device goes next, and of its jobs the one of the best
    priority: a map someone looks at overtakes their own long series, and nobody waits for another's. At most `most`
    jobs are begun at a time, and beyond that one of every owner, so that no number of long jobs keeps a newcomer's
    short one waiting (`strict`: none beyond). A job nobody has asked about for `linger` seconds is cancelled, in the
    middle of a frame too: torch is asked before each of its operations (`Stoppable`). On a `device` that works ahead of
    the processor that would hold up the queue; there jobs are cancelled between frames, which come every 50 ms, and
    where the work reports. Whoever has gone away (`away`) comes after everybody else, and what nobody else waits for
    stops after a few seconds if somebody asks who is there. `on_end(job)` runs on the worker's thread when a job is
    done, cancelled or failed; nothing that work or `on_end` raises ends that thread.
    """

    def __init__(
        self,
        name: str,
        on_end: Callable[[Job], None] = lambda job: None,
        linger: float = LINGER,
        clock: Callable[[], float] = time.monotonic,
        most: int = BEGUN,
        strict: bool = False,
        device: torch.device | None = None,
    ) -> None:
        self.linger, self.clock, self.on_end, self.most, self.strict = linger, clock, on_end, most, strict
        # Whether jobs are asked within a frame, too.
        self.within = device is None or not works_ahead(device)
        self._jobs: dict[str, Job] = {}
        # Cancelled jobs whose key was asked for again before they ended.
        self._replaced: list[Job] = []
        # Seconds that an owner has had, and when its last turn was.
        self._had: dict[str, tuple[float, int]] = {}
        # Since when an owner has been away.
        self._away: dict[str, float] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._turn = self._number = 0
        # A daemon: the server may stop without waiting for a long map.
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()

    def submit(
        self,
        key: str,
        work: Callable[[Job], Iterator[Any]],
        owner: str,
        priority: tuple[int, ...] = (0, 0),
    ) -> Job:
        """The live job of that key, joined or started; asking again is the heartbeat that keeps it alive."""
        with self._changed:
            job = self._jobs.get(key)
            new = False
            if job is None or job.stop.is_set():
                new = True
                if job is not None:
                    self._replaced.append(job)
                self._number += 1
                job = self._jobs[key] = Job(key, work, self._number, self.clock)
            self._away.pop(owner, None)
            self._give_way()
            self._welcome(owner)
            job.interest[owner] = (self.clock(), priority)
            job.expires = self.clock() + self.linger
            if new:
                self._line_up()
            self._changed.notify()
            return job

    @property
    def count(self) -> int:
        """How many jobs wait or run."""
        return len(self._jobs)

    def job(self, key: str) -> Job | None:
        """The live job of that key."""
        return self._jobs.get(key)

    def leave(self, owner: str, keep: frozenset[str] | set[str] = frozenset()) -> None:
        """`owner` no longer wants any job but those of the keys in `keep`; others' interest stays."""
        with self._changed:
            for job in self._jobs.values():
                if job.key not in keep and job.interest.pop(owner, None) and not job.interest:
                    job.stop.set()
            self._line_up()
            self._changed.notify()

    def away(self, visitor: str) -> None:
        """Whose owners, "visitor/slot", are no longer there, until they ask again."""
        with self._changed:
            gone = {owner for owner in self._owners() if owner.partition("/")[0] == visitor}
            self._away = {owner: since for owner, since in self._away.items() if owner in self._owners()}
            self._away |= dict.fromkeys(gone, self.clock())

    def drop(self, owner: str, key: str) -> None:
        """`owner` no longer wants the job of `key`."""
        with self._changed:
            job = self._jobs.get(key)
            if job and job.interest.pop(owner, None) and not job.interest:
                job.stop.set()
            self._line_up()
            self._changed.notify()

    def close(self) -> None:
        """Cancels everything and ends the thread."""
        with self._changed:
            self._closed = True
            for job in self._jobs.values():
                job.stop.set()
            self._changed.notify()

    def join(self, seconds: float) -> None:
        """Waits, once closed, until its thread has ended, or so long: a thread that Python cuts off within torch
        takes the whole process down with a complaint."""
        self._thread.join(seconds)

    def _loop(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        """One frame of one job; False once closed. Nothing of the job stays with the thread."""
        found = self._next()
        if found is None:
            return False
        job, owner = found
        started = self.clock()
        try:
            with Stoppable(job.check) if self.within else nullcontext():
                job.frames = job.frames or iter(job.work(job))
                frame = next(job.frames, None)
        except CancelledError:
            self._end(job, "cancelled")
        # Of any kind: the thread serves everybody, and no work may end it.
        except BaseException as error:
            job.error = error
            self._end(job, "failed")
        else:
            if frame is None:
                self._end(job, "done")
            else:
                job.latest = frame
                job.progress = getattr(frame, "progress", job.progress)
                if job.stop.is_set():
                    self._end(job, "cancelled")
        self._count(job, owner, self.clock() - started)
        return True

    def _count(self, job: Job, owner: str, seconds: float) -> None:
        job.seconds += seconds
        with self._changed:
            self._turn += 1
            if owner in self._had:
                self._had[owner] = (self._had[owner][0] + seconds, self._turn)

    def _next(self) -> tuple[Job, str] | None:
        """Waits for a job to step, and for whom; first ends those that nobody wants. None once closed."""
        while True:
            with self._changed:
                for job in list(self._jobs.values()):
                    self._forget(job)
                replaced, self._replaced = self._replaced, []
                unwanted = [job for job in (*replaced, *self._jobs.values()) if job.stop.is_set() and job.live]
                if not unwanted:
                    if self._closed:
                        return None
                    if self._jobs:
                        return self._choose()
                    self._changed.wait()
            for job in unwanted:
                self._end(job, "cancelled")

    def _choose(self) -> tuple[Job, str]:
        jobs = list(self._jobs.values())
        begun = [job for job in jobs if job.begun is not None]
        choice = jobs
        if len(begun) >= self.most:
            busy = {owner for job in begun for owner in job.interest}
            choice = [job for job in jobs if job.begun is not None or not (self.strict or busy & job.interest.keys())]
        owner = min({owner for job in choice for owner in job.interest}, key=self._rank)
        job = min((job for job in choice if owner in job.interest), key=lambda job: job.turn(owner))
        if job.begun is None:
            job.state, job.begun = "running", time.monotonic()
        self._line_up()
        return job, owner

    def _rank(self, owner: str) -> tuple[bool, float, int, str]:
        return owner in self._away, *self._had[owner], owner

    def _give_way(self) -> None:
        """Somebody who is here asks: what is only waited for by those who left a while ago stops."""
        left = {owner for owner, since in self._away.items() if self.clock() - since >= GIVES_WAY}
        for job in self._jobs.values():
            if job.interest and job.interest.keys() <= left:
                job.stop.set()

    def _owners(self) -> set[str]:
        return {owner for job in self._jobs.values() for owner in job.interest}

    def _welcome(self, owner: str) -> None:
        """Whoever comes late, or comes back, has no claim on the time that others had meanwhile."""
        owners = self._owners()
        if owner in owners:
            return
        if len(self._had) > len(owners) + SESSIONS:
            self._had = {other: self._had[other] for other in owners}
        had, turn = self._had.get(owner, (0.0, 0))
        self._had[owner] = (max(had, min((self._had[other][0] for other in owners), default=0.0)), turn)

    def _line_up(self) -> None:
        """Says of every job where it stands: each owner's first one, then each owner's second one, …"""
        owners = sorted(self._owners(), key=self._rank)
        best: dict[str, tuple[int, int]] = {}
        for rank, owner in enumerate(owners):
            own = [job for job in self._jobs.values() if owner in job.interest and job.begun is None]
            own.sort(key=lambda job, owner=owner: job.turn(owner))
            for place, job in enumerate(own):
                best[job.key] = min(best.get(job.key, (place, rank)), (place, rank))
        line = {key: place for place, key in enumerate(sorted(best, key=best.__getitem__), start=1)}
        for job in self._jobs.values():
            job.place = line.get(job.key, 0)
            job.others = len(owners) - len(job.interest)

    def _forget(self, job: Job) -> None:
        now = self.clock()
        job.interest = {o: (t, p) for o, (t, p) in job.interest.items() if now - t < self.linger}
        if not job.interest:
            job.stop.set()

    def _end(self, job: Job, state: str) -> None:
        frames, job.frames = job.frames, None
        # First the result is kept, then the job is forgotten: whoever asks in between finds one of them. Whatever
        # goes wrong there, the job has ended and the thread goes on.
        job.state = state
        try:
            if (close := getattr(frames, "close", None)) is not None:
                close()
        except BaseException:
            log.exception("a job could not clear up")
        try:
            self.on_end(job)
        except BaseException:
            log.exception("the end of a job could not be told")
        with self._changed:
            if self._jobs.get(job.key) is job:
                del self._jobs[job.key]
        job.ended.set()
