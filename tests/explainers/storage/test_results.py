"""The laws of the results on disk: found again, bounded, oldest use out first, whatever happens to the disk."""

import multiprocessing
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explainers.storage import results as module
from explainers.storage.results import ENTRY, ResultStore, results_folder, results_limit
from tests.support.disks import small_disk

KILOBYTE = 1000
WAIT = 60


@pytest.fixture(autouse=True)
def usual_limit(monkeypatch) -> None:
    monkeypatch.delenv("RESULTS_LIMIT", raising=False)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def store(folder) -> ResultStore:
    return ResultStore(folder, limit=1000 * KILOBYTE)


def block(number: int, kilobytes: int = 1) -> torch.Tensor:
    return torch.full((kilobytes * 250,), float(number))


@contextmanager
def process(work: Callable, *arguments: object) -> Iterator[tuple[BaseProcess, Connection]]:
    """A process that does `work(pipe, *arguments)`, and the other end of its pipe; forked, to start at once."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    made = context.Process(target=work, args=(there, *arguments))
    made.start()
    there.close()
    yield made, here
    made.kill()
    made.join()


def answer(pipe: Connection) -> object:
    assert pipe.poll(WAIT), "the other process is silent"
    return pipe.recv()


@pytest.mark.long
def test_what_was_put_is_found_by_another_process_later(store, folder):
    store.put("a", (torch.arange(5), "five"))
    code = (
        "import sys, pathlib, explainers.storage.results as r; print(r.ResultStore(pathlib.Path(sys.argv[1])).get('a'))"
    )
    read = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert read.stdout.strip() == "(tensor([0, 1, 2, 3, 4]), 'five')"
    assert ResultStore(folder).get("b") is None


def test_a_key_holds_the_last_value_put(store):
    store.put("a", 1)
    store.put("a", block(2))
    assert torch.equal(store.get("a"), block(2))
    assert list(store.sizes()) == ["a"]
    store.drop("a")
    assert store.get("a") is None
    store.put("a", 3)
    store.clear()
    assert store.get("a") is None
    assert store.problem == ""


def test_what_computed_a_result_stands_beside_it_and_goes_with_it(store, monkeypatch):
    store.put("a", block(1))
    assert store.made_by("a") == module.numerics()
    assert f"torch {torch.__version__}" in store.made_by("a")
    monkeypatch.setattr(module, "numerics", lambda: "another processor")
    store.put("b", block(2))
    assert (store.made_by("a") == "another processor", store.made_by("b")) == (False, "another processor")
    store.drop("a")
    store.put("c", block(3))
    assert store.made_by("a") == ""
    assert torch.equal(store.get("b"), block(2))


def test_results_of_servers_that_said_nothing_of_their_processor_are_read(store, folder):
    store.put("a", block(1))
    change(folder, "DROP TABLE made")
    change(folder, "DROP TABLE bound")
    assert torch.equal(store.get("a"), block(1))
    assert store.made_by("a") == ""
    store.put("b", block(2))
    assert torch.equal(store.get("a"), block(1))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("gp"), st.integers(0, 9), st.integers(1, 30)), max_size=40))
def test_the_least_recently_used_goes_first(tmp_path_factory, steps):
    """Against a list of keys in order of use."""
    limit = 100 * KILOBYTE
    store = ResultStore(tmp_path_factory.mktemp("store"), limit)
    kept: dict[str, int] = {}
    for action, number, kilobytes in steps:
        key = str(number)
        if action == "g":
            assert (store.get(key) is not None) == (key in kept)
            if key in kept:
                kept[key] = kept.pop(key)
            continue
        store.put(key, block(number, kilobytes))
        kept.pop(key, None)
        size = store.sizes()[key]
        while sum(kept.values()) + size > limit:
            del kept[next(iter(kept))]
        kept[key] = size
    assert list(store.sizes().items()) == list(kept.items())


def test_the_bound_holds_on_the_disk_under_many_puts(folder):
    store = ResultStore(folder, limit=300 * KILOBYTE)
    sizes = random.Random(0)
    largest = 0
    for number in range(300):
        store.put(str(number), block(number, sizes.randint(1, 60)))
        largest = max(largest, sum(file.stat().st_size for file in folder.iterdir()))
    assert largest <= store.limit * 1.02 + 8 * ENTRY
    assert sum(store.sizes().values()) <= store.limit
    assert store.get("299") is not None
    store.put("too large", block(0, 400))
    assert store.get("too large") is None
    assert store.get("299") is not None


def test_a_smaller_limit_on_a_shared_folder_costs_nobody_s_results(store, folder):
    """The larger limit counts as long as somebody uses it, and for a week after that."""
    for number in range(20):
        store.put(str(number), block(number, 20))
    small = ResultStore(folder, limit=100 * KILOBYTE)
    small.put("new", block(1, 20))
    assert len(store.sizes()) == 21
    assert torch.equal(small.get("0"), block(0, 20))


def test_a_smaller_limit_is_kept_once_the_larger_is_used_no_more(store, folder, monkeypatch):
    for number in range(20):
        store.put(str(number), block(number, 20))
    monkeypatch.setattr(module, "REMEMBERED", 0.0)
    small = ResultStore(folder, limit=100 * KILOBYTE)
    small.put("new", block(1, 20))
    assert sum(small.sizes().values()) <= small.limit
    assert (folder / "results.sqlite").stat().st_size <= small.limit * 1.02 + 8 * ENTRY


def test_a_small_limit_reads_what_is_larger_than_itself(store, folder):
    store.put("large", block(1, 400))
    small = ResultStore(folder, limit=50 * KILOBYTE)
    assert torch.equal(small.get("large"), block(1, 400))
    assert torch.equal(store.get("large"), block(1, 400))


def test_results_are_for_their_user_alone(store, folder):
    store.put("a", block(1))
    assert folder.joinpath("results.sqlite").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_lock_that_somebody_holds_stalls_nobody(store, folder, mode):
    """One short wait, then the disk is left alone for a while; afterwards it is used again."""
    store.put("a", block(1))
    other = sqlite3.connect(folder / "results.sqlite", isolation_level=None)
    other.execute(f"BEGIN {mode}")
    started = time.monotonic()
    for number in range(100):
        store.put(str(number), block(number))
        store.get("a")
    assert time.monotonic() - started < 2 * (module.WAIT_TO_WRITE + module.WAIT_TO_READ)
    assert store.problem == "Results are not kept on disk: another process holds them."
    other.execute("ROLLBACK")
    other.close()
    store._locked = -module.BACK_OFF
    assert torch.equal(store.get("a"), block(1))
    store.put("b", block(2))
    assert store.problem == ""


def put_and_get(pipe: Connection, folder: Path) -> None:
    results = ResultStore(folder, 400 * KILOBYTE)
    wrong = []
    for number in range(60):
        key = str(number * 7 % 13)
        results.put(key, (key, block(int(key), 8)))
        found = results.get(other := str(number % 13))
        if found is not None and (found[0] != other or not torch.equal(found[1], block(int(other), 8))):
            wrong.append(found)
    pipe.send((wrong, results.problem))


def test_three_processes_write_at_once(folder):
    with ExitStack() as stack:
        pipes = [stack.enter_context(process(put_and_get, folder))[1] for _ in range(3)]
        assert [answer(pipe) for pipe in pipes] == [([], "")] * 3
    store = ResultStore(folder, limit=400 * KILOBYTE)
    assert len(store.sizes()) == 13
    for key in store.sizes():
        assert store.get(key)[0] == key


def test_threads_share_one_store(store):
    wrong: list[object] = []

    def work(name: int) -> None:
        for number in range(10):
            store.put(f"{name} {number}", block(name))
            if not torch.equal(store.get(f"{name} {number}"), block(name)):
                wrong.append((name, number))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert store.problem == ""
    assert len(store.sizes()) == 40


def change(folder: Path, sql: str, *values: object) -> None:
    database = sqlite3.connect(folder / "results.sqlite")
    with database:
        database.execute(sql, values)
    database.close()


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("UPDATE entry SET data = substr(data, 1, length(data) - 7) WHERE key = 'a'", None),
        ("UPDATE entry SET data = ? WHERE key = 'a'", b""),
        ("UPDATE entry SET data = ? WHERE key = 'a'", "text"),
        ("UPDATE entry SET record = ? WHERE key = 'a'", b"\xff\xfe"),
        ("UPDATE entry SET record = CAST(? AS TEXT) WHERE key = 'a'", b"\xff\xfe"),
        ("UPDATE entry SET record = (SELECT record FROM entry WHERE key = 'b') WHERE key = 'a'", None),
        ("UPDATE entry SET checksum = ? WHERE key = 'a'", 7),
        ("UPDATE entry SET key = 'a' WHERE key = 'c'", None),
    ],
)
def test_one_broken_entry_is_dropped_and_the_others_stay(store, folder, sql, value):
    store.put("a", block(1))
    store.put("b", (block(2), 2))
    store.put("c", block(3))
    if "key = 'a' WHERE key = 'c'" in sql:
        store.drop("a")
    change(folder, sql, *([] if value is None else [value]))
    assert store.get("a") is None
    assert "a" not in store.sizes()
    assert store.get("b")[1] == 2
    assert store.problem == ""
    store.put("a", block(1))
    assert torch.equal(store.get("a"), block(1))


def truncated(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def garbled(file: Path) -> None:
    file.write_bytes(random.Random(1).randbytes(50_000))


def garbled_inside(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096:-4096] = random.Random(2).randbytes(len(data) - 8192)
    file.write_bytes(data)


def other_tables(file: Path) -> None:
    file.unlink()
    change(file.parent, "CREATE TABLE entry (key TEXT)")


def a_view(file: Path) -> None:
    file.unlink()
    change(file.parent, "CREATE VIEW entry AS SELECT 1 AS key, 2 AS used")


def a_stale_journal(file: Path) -> None:
    file.with_name(f"{file.name}-journal").write_bytes(random.Random(3).randbytes(5000))


@pytest.mark.parametrize(
    "harm",
    [truncated, emptied, garbled, garbled_inside, other_tables, a_view, a_stale_journal],
    ids=lambda f: f.__name__,
)
def test_a_broken_file_costs_its_entries_and_nothing_else(store, folder, harm):
    for number in range(20):
        store.put(str(number), block(number, 2))
    harm(folder / "results.sqlite")
    for number in range(20):
        found = store.get(str(number))
        assert found is None or torch.equal(found, block(number, 2))
    store.put("new", block(7))
    store.put("new", block(7))
    assert torch.equal(store.get("new"), block(7))
    assert store.problem == ""


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_damaged_header_or_schema_means_a_store_that_works(tmp_path_factory, data):
    """Whatever the first pages say, what comes back is right or nothing, and new results are kept."""
    folder = tmp_path_factory.mktemp("damaged")
    store = ResultStore(folder, limit=1000 * KILOBYTE)
    store.put("a", block(1))
    file = folder / "results.sqlite"
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.one_of(st.integers(0, 110), st.integers(3500, 4096), st.integers(0, 8191)))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        content[place : place + len(piece)] = piece
    file.write_bytes(content)
    for action in (lambda: store.get("a"), lambda: store.put("b", block(2)), store.sizes, lambda: store.drop("c")):
        action()
    found = store.get("a")
    assert found is None or torch.equal(found, block(1))
    store.put("b", block(2))
    assert torch.equal(store.get("b"), block(2))


def test_damage_is_told(store, folder):
    store.put("a", block(1))
    assert store.notice == ""
    garbled(folder / "results.sqlite")
    assert store.get("a") is None
    assert store.notice == module.LOST
    store.put("a", block(1))
    assert (store.problem, store.notice) == ("", module.LOST)


def test_every_garbled_byte_is_seen(store, folder):
    """Wherever the file is damaged, what comes back is right or nothing."""
    generator = random.Random(4)
    file = folder / "results.sqlite"
    for number in range(6):
        store.put(str(number), block(number, 2))
    whole = file.read_bytes()
    for _ in range(60):
        data = bytearray(whole)
        place = generator.randrange(len(data))
        data[place : place + 8] = generator.randbytes(8)
        file.write_bytes(data)
        for number in range(6):
            found = store.get(str(number))
            assert found is None or torch.equal(found, block(number, 2))


def test_the_folder_may_be_deleted_while_running(store, folder):
    store.put("a", block(1))
    shutil.rmtree(folder)
    assert store.get("a") is None
    store.put("a", block(2))
    assert torch.equal(store.get("a"), block(2))
    assert store.problem == ""


def test_a_folder_that_cannot_be_made_means_no_results_and_one_notice(tmp_path, caplog):
    (tmp_path / "results").write_text("not a folder")
    store = ResultStore(tmp_path / "results")
    for number in range(3):
        store.put("a", number)
        assert store.get("a") is None
    assert store.problem == "Results are not kept on disk: the folder cannot be used."
    assert str(tmp_path) not in store.problem
    assert len(caplog.records) == 1
    (tmp_path / "results").unlink()
    store.put("a", 1)
    assert (store.get("a"), store.problem) == (1, "")


def test_a_full_disk_means_no_more_results_and_one_notice(store, monkeypatch, caplog):
    """The file may not grow: SQLite answers as on a full disk."""
    store.put("a", block(1, 20))
    opening = module.OPENING
    monkeypatch.setattr(module, "OPENING", opening + "; PRAGMA max_page_count = 20")
    for number in range(3):
        store.put("b", block(2, 200 + number))
    assert store.problem == "Results are not kept on disk: the disk is full."
    assert len(caplog.records) == 1
    assert store.get("b") is None
    assert torch.equal(store.get("a"), block(1, 20))
    monkeypatch.setattr(module, "OPENING", opening)
    store.put("b", block(2))
    assert torch.equal(store.get("b"), block(2))
    assert store.problem == ""


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk of its own of half a megabyte."""
    with small_disk(tmp_path / "disk", 512) as disk:
        yield disk


def test_a_disk_that_fills_up(disk):
    store = ResultStore(disk / "results")
    store.put("a", block(1, 20))
    (disk / "filler").write_bytes(b"x" * 300 * KILOBYTE)
    for number in range(30):
        store.put(str(number), block(number, 20))
    assert store.problem == "Results are not kept on disk: the disk is full."
    assert torch.equal(store.get("a"), block(1, 20))
    for number in range(30):
        found = store.get(str(number))
        assert found is None or torch.equal(found, block(number, 20))
    (disk / "filler").unlink()
    store.put("b", block(2, 20))
    assert torch.equal(store.get("b"), block(2, 20))
    assert store.problem == ""


def test_a_disk_that_becomes_read_only(disk):
    store = ResultStore(disk / "results")
    store.put("a", block(1))
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    store.put("b", block(2))
    assert store.problem == "Results are not kept on disk: the folder cannot be written to."
    assert store.get("b") is None
    assert torch.equal(store.get("a"), block(1))
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    store.put("b", block(2))
    assert torch.equal(store.get("b"), block(2))
    assert store.problem == ""


class Stops(ResultStore):
    """Comes to a halt after it has evicted and written part of the file, before the end of the transaction."""

    pipe: Connection

    def _evict(self, database: sqlite3.Connection, room: int) -> None:
        super()._evict(database, room)
        database.execute("PRAGMA cache_size = 4")
        database.execute("INSERT INTO entry VALUES ('half', 99, 1, x'00', x'00', zeroblob(300000))")
        self.pipe.send("in the middle")
        time.sleep(WAIT)


def put_half(pipe: Connection, folder: Path) -> None:
    store = Stops(folder, 1000 * KILOBYTE)
    store.pipe = pipe
    store.put("new", block(9, 190))


def test_a_writer_that_is_killed_in_the_middle_leaves_whole_entries_only(store, folder):
    for number in range(5):
        store.put(str(number), block(number, 190))
    with process(put_half, folder) as (writer, pipe):
        assert answer(pipe) == "in the middle"
        assert (folder / "results.sqlite-journal").is_file()
        writer.kill()
        writer.join()
    assert list(store.sizes()) == ["0", "1", "2", "3", "4"]
    for number in range(5):
        assert torch.equal(store.get(str(number)), block(number, 190))
    store.put("new", block(9, 190))
    assert torch.equal(store.get("new"), block(9, 190))
    assert store.problem == ""


def put_for_ever(pipe: Connection, folder: Path) -> None:
    store = ResultStore(folder, 1000 * KILOBYTE)
    for number in range(10**9):
        store.put(str(number % 30), block(number % 30, 80))
        pipe.send(number)


@pytest.mark.parametrize("puts", [1, 5, 12, 13, 25, 40])
def test_a_writer_that_is_killed_at_any_moment_leaves_whole_entries_only(store, folder, puts):
    with process(put_for_ever, folder) as (writer, pipe):
        for _ in range(puts):
            answer(pipe)
        writer.kill()
        writer.join()
    sizes = store.sizes()
    # Eleven fit.
    assert len(sizes) >= min(puts, 11)
    for key in sizes:
        assert torch.equal(store.get(key), block(int(key), 80))
    store.put("new", block(1))
    assert torch.equal(store.get("new"), block(1))
    assert store.problem == ""


def test_no_file_is_made_for_a_look_or_without_a_limit(folder):
    assert ResultStore(folder).get("a") is None
    assert ResultStore(folder).sizes() == {}
    nothing = ResultStore(folder, limit=0)
    nothing.put("a", 1)
    assert nothing.get("a") is None
    assert not folder.exists()


def test_folder_and_limit_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("RESULTS_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("RESULTS_LIMIT", "250")
    assert (results_folder(), results_limit()) == (tmp_path / "own", 250_000_000)
    monkeypatch.setenv("RESULTS_LIMIT", "a lot")
    with pytest.raises(ValueError, match="expected RESULTS_LIMIT in whole megabytes, got 'a lot'"):
        results_limit()
    monkeypatch.delenv("RESULTS_HOME")
    monkeypatch.setenv("RESULTS_LIMIT", "")
    assert results_folder() == Path(torch.hub.get_dir()) / "results"
    assert results_limit() == module.LIMIT
