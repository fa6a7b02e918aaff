"""Jobs: shared, cancelled, abandoned, overtaken; driven by events, never by the clock of the wall."""

import threading

import pytest

from app.jobs import CancelledError, Job, Runner

WAIT = 10


class Work:
    """Frames that come one by one, each only when the test lets it."""

    def __init__(self, frames: int = 1000) -> None:
        self.frames, self.given = frames, 0
        self.gate, self.made, self.closed = threading.Semaphore(0), threading.Semaphore(0), threading.Event()

    def __call__(self, job: Job):
        try:
            for number in range(self.frames):
                assert self.gate.acquire(timeout=WAIT)
                self.given += 1
                self.made.release()
                yield number
        finally:
            self.closed.set()

    def let(self, frames: int) -> None:
        """Lets so many frames through and waits until they are made."""
        for _ in range(frames):
            self.gate.release()
        for _ in range(frames):
            assert self.made.acquire(timeout=WAIT)


@pytest.fixture
def ended() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def runner(ended, clock):
    made = Runner("test", lambda job: ended.append((job.key, job.state)), linger=60, clock=lambda: clock[0])
    yield made
    made.close()


def test_a_job_ends_with_its_last_frame(runner, ended):
    work = Work(3)
    job = runner.submit("a", work, "anna")
    work.let(3)
    assert job.ended.wait(WAIT)
    assert (job.state, job.latest, ended) == ("done", 2, [("a", "done")])
    assert runner.job("a") is None


def test_equal_requests_share_one_job_and_one_cancel_leaves_the_other_running(runner):
    work, second = Work(3), Work(3)
    job = runner.submit("a", work, "anna")
    assert runner.submit("a", second, "bert") is job
    work.let(1)
    runner.drop("anna", "a")
    work.let(2)
    assert job.ended.wait(WAIT)
    assert (job.state, second.given) == ("done", 0)


def test_cancel_stops_the_work_at_the_next_frame(runner, ended):
    work = Work()
    job = runner.submit("a", work, "anna")
    work.let(2)
    runner.drop("anna", "a")
    work.gate.release()
    assert job.ended.wait(WAIT)
    assert work.closed.is_set()
    assert work.given <= 3
    assert ended == [("a", "cancelled")]


def test_a_job_nobody_asks_about_any_more_is_cancelled(runner, clock):
    work = Work()
    job = runner.submit("a", work, "anna")
    work.let(1)
    clock[0] = 50.0
    runner.submit("a", work, "anna")
    clock[0] = 100.0
    work.let(1)
    assert job.live
    clock[0] = 111.0
    work.gate.release()
    assert job.ended.wait(WAIT)
    assert job.state == "cancelled"


def test_what_someone_looks_at_overtakes_a_series(runner):
    series, looked_at = Work(), Work(2)
    runner.submit("series", series, "anna", priority=(1, 0))
    series.let(1)
    job = runner.submit("map", looked_at, "bert", priority=(0, 0))
    series.gate.release()
    looked_at.let(2)
    assert job.ended.wait(WAIT)
    assert job.state == "done"
    assert series.given <= 2


def test_equals_take_turns(runner):
    order: list[str] = []
    start = threading.Event()

    def work(name):
        def frames(job):
            for number in range(4):
                assert start.wait(WAIT)
                order.append(name)
                yield number

        return frames

    first = runner.submit("a", work("a"), "anna")
    second = runner.submit("b", work("b"), "bert")
    start.set()
    assert first.ended.wait(WAIT)
    assert second.ended.wait(WAIT)
    assert order[1:7] in (["b", "a"] * 3, ["a", "b"] * 3)


def test_leaving_keeps_what_is_still_wanted(runner):
    a, b = Work(), Work(1)
    dropped, kept = runner.submit("a", a, "anna"), runner.submit("b", b, "anna")
    runner.leave("anna", keep={"b"})
    a.gate.release()
    assert dropped.ended.wait(WAIT)
    b.let(1)
    assert kept.ended.wait(WAIT)
    assert (dropped.state, kept.state) == ("cancelled", "done")


def test_a_failure_ends_the_job_and_not_the_thread(runner, ended):
    def broken(job):
        yield 1
        raise ArithmeticError("three")

    job = runner.submit("a", broken, "anna")
    assert job.ended.wait(WAIT)
    assert (job.state, job.latest, type(job.error)) == ("failed", 1, ArithmeticError)
    work = Work(1)
    after = runner.submit("b", work, "anna")
    work.let(1)
    assert after.ended.wait(WAIT)
    assert after.state == "done"


def test_asking_again_after_a_cancel_starts_anew(runner):
    work, again = Work(), Work(1)
    first = runner.submit("a", work, "anna")
    work.let(1)
    runner.drop("anna", "a")
    second = runner.submit("a", again, "anna")
    assert second is not first
    work.gate.release()
    again.let(1)
    assert second.ended.wait(WAIT)
    assert first.ended.wait(WAIT)
    assert (first.state, second.state) == ("cancelled", "done")


def test_work_that_cannot_yield_is_stopped_by_its_report(runner):
    inside, go_on = threading.Event(), threading.Event()

    def download(job):
        inside.set()
        assert go_on.wait(WAIT)
        job.report(0.5, "half of it")
        yield "never"

    job = runner.submit("a", download, "anna")
    assert inside.wait(WAIT)
    runner.drop("anna", "a")
    go_on.set()
    assert job.ended.wait(WAIT)
    assert (job.state, job.latest, job.progress) == ("cancelled", None, 0.5)
    with pytest.raises(CancelledError):
        job.report(1.0)
