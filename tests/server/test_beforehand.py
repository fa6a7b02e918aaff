"""Pages that are imported before anybody asks: once, all of them, and with what goes wrong told to whoever asks."""

import gc
import signal
import sys
import threading
import time

import pytest

from app.server import beforehand as module
from app.server.beforehand import PAGES, Beforehand
from tests.support.places import ROOT
from tests.support.server import serving


@pytest.fixture
def imports(monkeypatch) -> list[tuple[str, str]]:
    """What is imported, and by which thread; nothing really is."""
    found: list[tuple[str, str]] = []

    def note(name: str) -> str:
        time.sleep(0.01)
        found.append((name, threading.current_thread().name))
        return name

    monkeypatch.setattr(module, "import_module", note)
    return found


def test_the_pages_are_all_there_are():
    assert {path.parent.name for path in (ROOT / "app").glob("*/page.py")} == set(PAGES)


def test_a_visitor_waits_for_imports_under_way_and_makes_none_beside_them(imports):
    early = Beforehand()
    early.begin()
    assert early.pages() == {name: f"app.{name}.page" for name in PAGES}
    by = [thread for _, thread in imports]
    assert by == ["imports"] * len(PAGES) + [threading.current_thread().name] * len(PAGES)


def test_pages_are_imported_though_nobody_comes(imports, monkeypatch):
    monkeypatch.setattr(module, "HEAD_START", 0.01)
    early = Beforehand()
    early.begin()
    early._thread.join(30)
    assert [name for name, _ in imports] == [f"app.{name}.page" for name in PAGES]
    assert gc.isenabled()
    assert early not in sys.meta_path


def test_without_a_server_they_are_imported_when_they_are_asked_for(imports):
    assert Beforehand().pages() == {name: f"app.{name}.page" for name in PAGES}
    assert len(imports) == len(PAGES)


def test_what_goes_wrong_is_told_to_whoever_asks(monkeypatch):
    def fail(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(module, "import_module", fail)
    monkeypatch.setattr(threading, "excepthook", lambda told: None)
    early = Beforehand()
    early.begin()
    with pytest.raises(ImportError, match="explore"):
        early.pages()


@pytest.mark.long
@pytest.mark.parametrize("after", [0.0, 1.5, 4.0])
def test_a_server_that_is_stopped_while_it_imports_ends_at_once_and_quietly(tmp_path, after):
    log = tmp_path / "log"
    with serving(log) as (_, process):
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        process.wait(20)
    said = log.read_text()
    assert not [word for word in ("terminate", "Traceback", "Exception", "Fatal") if word in said], said
    # Not by a signal of its own.
    assert process.returncode in (0, 1)
