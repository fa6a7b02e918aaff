"""Pages that are imported before anybody asks: once, all of them, and with what goes wrong told to whoever asks."""

import ast
import gc
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from app.server import beforehand as module
from app.server.beforehand import Beforehand
from tests.support.places import MAIN, ROOT
from tests.support.server import serving

NAMES = ("one", "another", "third")


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


def test_every_page_is_among_those_that_are_imported():
    # To import `app.main` is to begin a server.
    (pages,) = re.findall(r"^PAGES = (\{.*?\n\})", Path(MAIN).read_text(), re.DOTALL | re.MULTILINE)
    assert set(ast.literal_eval(pages)) == {path.parent.name for path in (ROOT / "app").glob("*/page.py")}


def test_a_visitor_waits_for_imports_under_way_and_makes_none_beside_them(imports):
    early = Beforehand()
    early.begin(NAMES)
    early.begin(NAMES)
    assert early.modules(NAMES) == list(NAMES)
    by = [thread for _, thread in imports]
    assert by == ["imports"] * len(NAMES) + [threading.current_thread().name] * len(NAMES)


def test_pages_are_imported_though_nobody_comes(imports, monkeypatch):
    monkeypatch.setattr(module, "HEAD_START", 0.01)
    early = Beforehand()
    early.begin(NAMES)
    early._thread.join(30)
    assert [name for name, _ in imports] == list(NAMES)
    assert gc.isenabled()
    assert early not in sys.meta_path


def test_without_a_server_they_are_imported_when_they_are_asked_for(imports):
    assert Beforehand().modules(NAMES) == list(NAMES)
    assert len(imports) == len(NAMES)


def test_what_goes_wrong_is_told_to_whoever_asks(monkeypatch):
    def fail(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(module, "import_module", fail)
    monkeypatch.setattr(threading, "excepthook", lambda told: None)
    early = Beforehand()
    early.begin(NAMES)
    with pytest.raises(ImportError, match="one"):
        early.modules(NAMES)


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
