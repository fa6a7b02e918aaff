"""No page waits for the disk: results are read on a thread of its own, and waited for within bounds."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from app.jobs import reading
from app.jobs.backend import Backend, the_backend
from app.jobs.kept import PENDING, RECORDS, Kept
from app.jobs.memory import MEBIBYTE, Store
from app.jobs.reading import Patience, Reader
from app.soak.work import MAPS
from explainers.methods.request import MAP_LANE, Workbench
from explainers.storage.results import ResultStore
from tests.support.pages import done, page, until, uploaded
from tests.support.records import explanation, same

WAIT = 60
PAGES = ("explore", "compare", "fairness", "evaluate", "learn")
DISK = ("get", "put", "drop", "clear", "sizes", "made_by")


@pytest.fixture
def folder(tmp_path, monkeypatch, fresh_backend) -> Path:
    monkeypatch.setenv("RESULTS_HOME", str(tmp_path))
    monkeypatch.setenv("RESULTS_LIMIT", "5")
    return tmp_path


@pytest.fixture
def hangs(monkeypatch) -> Iterator[threading.Event]:
    """No look at the disk is answered before the test is over, or sets this."""
    goes_on, get = threading.Event(), ResultStore.get
    monkeypatch.setattr(ResultStore, "get", lambda *given: goes_on.wait(WAIT) and get(*given))
    yield goes_on
    goes_on.set()


def visit(name: str = "explore") -> AppTest:
    query = dict(part.split("=") for part in MAPS[0].query.split("&")) if name == "explore" else {}
    return page(name, **query).run()


@given(
    some.floats(0, 10),
    some.floats(0, 1),
    some.lists(some.tuples(some.floats(0, 100), some.floats(0, 10)), max_size=30),
)
def test_what_is_waited_is_bounded_at_once_and_over_time(most, rate, steps):
    now = [0.0]
    patience, waited = Patience(most, rate, lambda: now[0]), 0.0
    for between, asked in steps:
        now[0] += between
        wait = min(asked, patience.left())
        assert 0 <= wait <= most
        patience.spend(wait)
        now[0], waited = now[0] + wait, waited + wait
        assert waited <= most + rate * now[0] + 1e-9


def test_one_look_answers_all_that_ask_meanwhile(monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", 0.0)
    asked, go_on = [], threading.Event()

    def read(key: str) -> str:
        asked.append(key)
        assert go_on.wait(WAIT)
        return key.upper()

    reader = Reader(read)
    first, second, other = (reader.ask(key, session) for key, session in (("a", "x"), ("a", "y"), ("b", "x")))
    assert first is second
    assert not first.answered.is_set()
    go_on.set()
    assert other.answered.wait(WAIT)
    assert (first.answer, other.answer, asked) == ("A", "B", ["a", "b"])
    reader.close()


def test_a_look_that_fails_ends_no_thread(caplog):
    reader = Reader(lambda key: int(key))
    for key, answer in (("a", None), ("1", 1)):
        question = reader.ask(key, "anna")
        assert question.answered.wait(WAIT)
        assert question.answer == answer
    assert "could not be read" in caplog.text
    reader.close()


def test_what_the_disk_has_is_found_at_once_and_what_it_has_not_is_asked_for_once(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", WAIT)
    disk = ResultStore(tmp_path, MEBIBYTE, RECORDS)
    disk.put("a", explanation(1.0))
    kept, looks = Kept(Store(MEBIBYTE), disk), []
    get = disk.get
    monkeypatch.setattr(disk, "get", lambda key: looks.append(key) or get(key))
    assert same(kept.find("a", "anna"), explanation(1.0))
    assert [kept.find(key, "anna") for key in ("b", "b")] == [None, None]
    assert kept.get("a") is kept.find("a", "anna")
    assert looks == ["a", "b"]
    kept.put("b", explanation(2.0))
    assert same(kept.find("b", "bert"), explanation(2.0))
    kept.close()


def test_a_disk_that_does_not_answer_is_pending_and_then_has_nothing(tmp_path, monkeypatch, hangs):
    monkeypatch.setattr(reading, "AT_ONCE", 0.0)
    kept = Kept(Store(MEBIBYTE), ResultStore(tmp_path, MEBIBYTE, RECORDS))
    assert kept.find("a", "anna") is PENDING
    monkeypatch.setattr(reading, "GIVEN_UP", -1.0)
    assert kept.find("a", "anna") is None
    kept.close()


def test_no_page_looks_at_the_disk_on_its_own_thread(folder, monkeypatch):
    """Only the reader and the thread of the work open the store."""
    threads = watched(monkeypatch)
    for name in PAGES:
        assert not visit(name).exception
    until(visit(), done)
    assert "reader" in threads
    assert threads <= {"reader", f"maps on {the_backend().device}"}


def watched(monkeypatch) -> set[str]:
    """The threads that will have called the store."""
    threads = set()
    for name in DISK:
        call = getattr(ResultStore, name)

        def noted(*given: object, call: Callable = call) -> object:
            threads.add(threading.current_thread().name)
            return call(*given)

        monkeypatch.setattr(ResultStore, name, noted)
    return threads


@dataclass(frozen=True)
class Given:
    """A request whose work is a function."""

    key: str
    work: Callable[[], Iterator[object]]
    refusal_key, cost, lane = "", 1, MAP_LANE

    def refusal(self) -> None:
        return None

    def stream(self, bench: Workbench) -> Iterator[object]:
        return self.work()


def test_cancel_keeps_what_is_ready_without_waiting_for_the_disk(folder, monkeypatch):
    one, go_on, made = Backend(torch.device("cpu")), threading.Event(), explanation(1.0)
    threads = watched(monkeypatch)

    def work() -> Iterator[object]:
        yield made
        assert go_on.wait(WAIT)
        yield made

    view = one.ask(Given("a", work), "anna")
    pause, job = threading.Event(), one.maps.job("a")
    while job.latest is None:
        pause.wait(0.01)
    one.stop(view.key, "anna")
    assert one.results.get("a") is made
    go_on.set()
    assert job.ended.wait(WAIT)
    assert threads <= {"reader", "maps on cpu"}
    assert list(one.results.disk.sizes()) == ["a"]
    one.close()


@pytest.mark.long
def test_pages_are_drawn_and_maps_computed_while_the_disk_never_answers(folder, hangs):
    at = visit()
    assert not at.exception
    assert not done(at)
    assert done(until(at, done))
    assert not hangs.is_set()


def test_a_map_on_disk_is_there_when_the_page_is_first_drawn(folder, monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", WAIT)
    until(visit(), done)
    assert the_backend().results.disk.sizes()
    the_backend.clear()
    monkeypatch.setattr("app.jobs.backend.QUICK_LOAD", WAIT)
    assert done(visit())
    assert not the_backend().maps._jobs


def test_what_a_job_is_at_work_on_is_not_looked_for_on_disk(folder, monkeypatch):
    looks, one = [], Backend(torch.device("cpu"))
    monkeypatch.setattr(one.results, "find", lambda key, session: looks.append(key))
    go_on = threading.Event()

    def work() -> Iterator[float]:
        assert go_on.wait(WAIT)
        yield 1.5

    for _ in range(5):
        assert one.ask(Given("a", work), "anna").live
    assert looks == ["a"]
    job = one.maps.job("a")
    go_on.set()
    assert job.ended.wait(WAIT)
    one.close()


def test_a_job_that_ends_between_the_look_and_the_next_job_is_not_done_again(folder, monkeypatch):
    one, begun = Backend(torch.device("cpu")), []

    def work() -> Iterator[float]:
        begun.append(True)
        yield 2.5

    def just_before_it_ended(key: str, session: str) -> None:
        one.results.put(key, 1.5)

    monkeypatch.setattr(one.results, "find", just_before_it_ended)
    one.ask(Given("a", work), "anna")
    job = one.maps.job("a")
    assert job is None or job.ended.wait(WAIT)
    assert one.results.get("a") == 1.5
    assert not begun
    one.close()


def test_results_of_uploads_lie_under_digests_without_names(folder):
    uploaded("very-private-name.png")
    keys = the_backend().results.disk.sizes()
    assert keys
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)
    assert not [path for path in folder.iterdir() if b"very-private" in path.read_bytes()]
