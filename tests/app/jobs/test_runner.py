"""Jobs: shared, cancelled, abandoned, overtaken; driven by events, never by the clock of the wall."""

import threading
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs import runner as jobs
from app.jobs.runner import CancelledError, Job, Runner
from explainers import CIDSettings, load_network
from explainers.methods.request import Workbench
from tests.support.waiting import wait_until

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


def test_what_someone_looks_at_overtakes_their_own_series(runner):
    series, looked_at = Work(), Work(2)
    runner.submit("series", series, "anna", priority=(1, 0))
    series.let(1)
    job = runner.submit("map", looked_at, "anna", priority=(0, 0))
    series.gate.release()
    looked_at.let(2)
    assert job.ended.wait(WAIT)
    assert job.state == "done"
    assert series.given <= 2


class Machine:
    """Jobs of given lengths on a device whose clock only they move; nothing starts before `go`."""

    def __init__(self, most: int = 16, strict: bool = False) -> None:
        self.now, self.order, self.jobs, self.start = 0.0, [], [], threading.Event()
        self.runner = Runner("machine", clock=lambda: self.now, linger=10**9, most=most, strict=strict)
        self.first = self.submit("first", "nobody", [0.0])
        while self.first.state == "waiting":
            pass

    def submit(self, key: str, owner: str, lengths: list[float], priority: tuple[int, ...] = (0, 0)) -> Job:
        def frames(job):
            for length in lengths:
                assert self.start.wait(WAIT)
                self.now += length
                self.order.append(key)
                yield key

        self.jobs.append(self.runner.submit(key, frames, owner, priority))
        return self.jobs[-1]

    def go(self) -> list[str]:
        """Keys in the order of their frames."""
        self.start.set()
        for job in self.jobs:
            assert job.ended.wait(WAIT)
        self.runner.close()
        return self.order[1:]


def test_sessions_share_the_time_of_the_device_and_not_the_number_of_steps():
    machine = Machine()
    machine.submit("long", "anna", [5.0] * 4)
    machine.submit("short", "bert", [1.0] * 40)
    order = machine.go()
    half = order[: order.index("long", order.index("long") + 1)]
    assert 4 <= half.count("short") <= 6
    assert order[:22].count("long") in (3, 4)


def test_first_maps_of_all_jobs_come_before_any_is_finished():
    machine = Machine()
    machine.submit("series", "anna", [1.0] * 2, priority=(2, 0))
    # A first frame of the deepest comes first; of the rest that of the one that is looked at.
    for depth, looked in ((0, True), (1, False), (2, False)):
        machine.submit(f"layer {depth}", "anna", [1.0] * 4, priority=(1, -depth, -10 if looked else -depth))
    for number in range(2):
        machine.submit(f"quick {number}", "anna", [1.0], priority=(0, number))
    first, last = ["layer 2", "layer 1", "layer 0"], ["layer 0"] * 3 + ["layer 2"] * 3 + ["layer 1"] * 3
    assert machine.go() == ["quick 0", "quick 1", *first, *last, "series", "series"]


def test_of_the_time_left_others_turns_are_no_part_once_it_is_known_what_it_takes_itself():
    job = Job("a", iter)
    job.begun, job.progress = job.clock() - 1000, 0.5
    assert job.work_left == pytest.approx(1000, rel=0.1)
    job.seconds = 10.0
    assert job.work_left == 10
    job.progress = 0.8
    assert job.work_left == pytest.approx(2.5)


def test_what_only_looks_for_a_start_is_no_first_map(runner):
    job = runner.submit("a", Work(2), "anna")
    job.latest = SimpleNamespace(preliminary=True)
    assert not job.shown
    job.latest = SimpleNamespace(preliminary=False)
    assert job.shown


def test_ten_jobs_of_one_session_do_not_delay_another():
    machine = Machine()
    for number in range(10):
        machine.submit(f"anna {number}", "anna", [1.0] * 3)
    machine.submit("bert", "bert", [1.0] * 3)
    order = machine.go()
    assert order.index("bert") <= 1
    assert order[:6].count("bert") == 3
    own = [key for key in order if key != "bert"]
    assert own == sorted(own)


def test_whoever_comes_late_has_no_claim_on_the_past():
    machine = Machine()

    def early(job):
        for number in range(40):
            machine.now += 1.0
            machine.order.append("early")
            if number == 20:
                machine.submit("late", "bert", [1.0] * 10)
            yield number

    machine.start.set()
    job = machine.runner.submit("early", early, "anna")
    assert job.ended.wait(WAIT)
    order = machine.go()
    after = order[order.index("late") :]
    assert after[:12].count("early") == 6


def test_waiting_jobs_know_their_place_in_the_line():
    machine = Machine(most=1, strict=True)
    a = machine.submit("a", "anna", [1.0])
    again = machine.submit("again", "anna", [1.0])
    b = machine.submit("b", "bert", [1.0])
    c = machine.submit("c", "carl", [1.0])
    urgent = machine.submit("urgent", "bert", [1.0], priority=(-1, 0))
    assert [job.place for job in (machine.first, a, urgent, c, again, b)] == [0, 1, 2, 3, 4, 5]
    assert (a.queue, c.queue, machine.first.queue) == ("", "after 2 others", "taking turns with 3 other visitors")
    machine.runner.drop("anna", "a")
    assert [job.place for job in (again, urgent, c, b)] == [1, 2, 3, 4]
    assert machine.go() == ["again", "urgent", "c", "b"]


def test_a_job_of_two_sessions_stands_where_the_better_placed_does():
    machine = Machine(most=1, strict=True)
    for number in range(3):
        machine.submit(f"anna {number}", "anna", [1.0])
    shared = machine.submit("shared", "anna", [1.0])
    assert shared.place == 4
    machine.runner.submit("shared", shared.work, "bert")
    machine.submit("carl", "carl", [1.0])
    assert shared.place == 2
    machine.go()


@pytest.mark.parametrize(("owners", "strict", "expected"), [(12, True, 3), (12, False, 12), (2, False, 2)])
def test_no_more_jobs_are_begun_than_may_be_and_one_of_every_owner(owners, strict, expected):
    machine = Machine(most=3, strict=strict)
    alive, most = set(), 0

    def work(key):
        def frames(job):
            nonlocal most
            assert machine.start.wait(WAIT)
            alive.add(key)
            for number in range(5):
                most = max(most, len(alive))
                yield number
            alive.remove(key)

        return frames

    jobs = [machine.runner.submit(str(n), work(n), f"owner {n % owners}") for n in range(12)]
    # The machine stops when those that it knows of have ended.
    machine.jobs += jobs
    machine.go()
    assert {job.state for job in jobs} == {"done"}
    assert most == expected


@settings(max_examples=30, deadline=None)
@given(
    some.lists(some.tuples(some.integers(0, 5), some.integers(1, 9)), min_size=1, max_size=40),
    some.integers(1, 20),
    some.integers(0, 30),
)
def test_no_number_of_long_jobs_keeps_a_newcomer_waiting(long, most, when):
    """Whenever it comes, a new owner's job of one frame ends within one frame of every owner and one more."""
    machine = Machine(most=most)

    def frames(length):
        def work(job):
            for number in range(50):
                machine.now += length
                machine.order.append(job.key)
                if len(machine.order) == when + 2:
                    machine.submit("new", "newcomer", [1.0])
                yield number

        return work

    owners = {owner for owner, _ in long}
    for number, (owner, length) in enumerate(long):
        machine.jobs.append(machine.runner.submit(str(number), frames(length), f"owner {owner}"))
    order = machine.go()
    assert order.index("new") - when <= len(owners) + 1


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


class Ending(BaseException):
    """Not even an `Exception`."""


@pytest.mark.parametrize("error", [UnicodeDecodeError("utf-8", b"x", 0, 1, "garbled"), MemoryError(), Ending()])
@pytest.mark.parametrize("place", ["work", "clearing up", "on_end"])
def test_nothing_that_is_raised_ends_the_thread(error, place):
    def on_end(job):
        if place == "on_end" and job.key == "a":
            raise error

    def frames(job):
        try:
            yield 1
            if place == "work":
                raise error
        finally:
            if place == "clearing up":
                raise error

    runner = Runner("test", on_end)
    assert runner.submit("a", frames, "anna").ended.wait(WAIT)
    assert runner.job("a") is None
    work = Work(1)
    after = runner.submit("b", work, "anna")
    work.let(1)
    assert after.ended.wait(WAIT)
    assert after.state == "done"
    runner.close()


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


def endless(job):
    """One frame without an end, forwards and backwards."""
    weight = torch.eye(64, requires_grad=True)
    job.report(0.1, "begun")
    while True:
        (gradient,) = torch.autograd.grad((weight @ weight).relu().sum(), weight)
    yield gradient


def test_cancel_stops_torch_in_the_middle_of_a_frame(runner):
    job = runner.submit("a", endless, "anna")
    wait_until(lambda: job.note == "begun")
    runner.drop("anna", "a")
    assert job.ended.wait(WAIT)
    assert (job.state, job.latest) == ("cancelled", None)
    after = runner.submit("b", lambda job: iter([torch.ones(3).sum()]), "anna")
    assert after.ended.wait(WAIT)
    assert after.latest == 3


def test_cancel_stops_torch_in_the_middle_of_a_backward_pass(runner):
    inside = threading.Event()

    class Slow(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            inside.set()
            while True:
                gradient = gradient + 1

    def work(job):
        x = torch.ones(3, requires_grad=True)
        yield torch.autograd.grad(Slow.apply(x).sum(), x)

    job = runner.submit("a", work, "anna")
    assert inside.wait(WAIT)
    runner.drop("anna", "a")
    assert job.ended.wait(WAIT)
    assert job.state == "cancelled"


@pytest.mark.parametrize("at", [1, 40, 700])
@pytest.mark.parametrize("method", ["cid", "ru", "integrated_gradients"])
def test_not_one_operation_of_torch_is_begun_after_a_cancel(monkeypatch, runner, method, at):
    """Cancelled while torch is in its operation number `at`, forwards or backwards: it is the last one."""
    network, device = load_network("resnet20-cifar10"), torch.device("cpu")
    layer, network_input = network.layer("layer1.2"), prepare(network, find_picture("bird/0", 32))
    request = network_input.request(network, layer, method, CIDSettings(grid=2, probes=8))

    def work(job):
        return request.stream(Workbench(device, job.report))

    executed = []

    class Counted(jobs.Stoppable):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            found = super().__torch_dispatch__(func, types, args, kwargs)
            executed.append(func)
            if len(executed) == at:
                runner.drop("anna", "a")
            return found

    monkeypatch.setattr(jobs, "Stoppable", Counted)
    job = runner.submit("a", work, "anna")
    assert job.ended.wait(60)
    assert job.state == "cancelled", job.error
    assert len(executed) == at


def test_a_closed_tab_stops_torch_in_the_middle_of_a_frame(runner, clock):
    job = runner.submit("a", endless, "anna")
    wait_until(lambda: job.note == "begun")
    clock[0] = 61.0
    assert job.ended.wait(WAIT)
    assert job.state == "cancelled"


def test_work_that_cannot_begin_fails_and_the_thread_goes_on(runner):
    def broken(job):
        raise ArithmeticError("at once")

    job = runner.submit("a", broken, "anna")
    assert job.ended.wait(WAIT)
    assert (job.state, str(job.error)) == ("failed", "at once")
    assert runner.submit("b", lambda job: iter([1]), "anna").ended.wait(WAIT)


def test_a_cancelled_job_that_is_asked_for_again_ends_too(ended):
    machine = Machine()
    first = machine.submit("a", "anna", [1.0] * 3)
    machine.runner.drop("anna", "a")
    second = machine.submit("a", "anna", [1.0] * 2)
    assert second is not first
    assert machine.go() == ["a", "a"]
    assert (first.state, second.state) == ("cancelled", "done")


def test_whoever_has_left_gives_way_to_those_who_are_here_and_comes_back_in_time(runner, clock, ended):
    old, new = Work(), Work()
    left = runner.submit("old", old, "anna/map")
    old.let(1)
    runner.away("anna")
    # A connection that was lost for a moment.
    clock[0] = 3.0
    runner.submit("old", old, "anna/map")
    runner.submit("new", new, "bert/map")
    clock[0] = 10.0
    runner.submit("new", new, "bert/map")
    assert not left.stop.is_set()
    runner.away("anna")
    clock[0] = 13.0
    runner.submit("new", new, "bert/map")
    assert not left.stop.is_set()
    clock[0] = 14.5
    runner.submit("new", new, "bert/map")
    old.let(1)
    assert left.ended.wait(WAIT)
    assert ended == [("old", "cancelled")]


def test_what_somebody_who_has_left_shares_with_others_goes_on(runner, clock):
    work = Work()
    job = runner.submit("key", work, "anna/map")
    runner.submit("key", work, "bert/map")
    runner.away("anna")
    clock[0] = 20.0
    runner.submit("other", Work(), "carl/map")
    assert not job.stop.is_set()


def test_whoever_comes_back_goes_on_with_what_was_begun(runner, clock):
    work = Work()
    job = runner.submit("key", work, "anna/map")
    runner.away("anna")
    clock[0] = 30.0
    runner.submit("key", work, "anna/map")
    assert not job.stop.is_set()
