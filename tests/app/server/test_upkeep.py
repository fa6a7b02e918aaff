"""Collecting rubbish beside the requests: it is gone soon, what imports left is not looked at, nothing is lost."""

import asyncio
import gc
import sys
import threading
import weakref

import pytest

from app.server.upkeep import SWITCH, Collector, upkeep
from tests.support.places import ROOT


class Ring:
    def __init__(self):
        self.self = self


@pytest.fixture(autouse=True)
def thawed():
    interval = sys.getswitchinterval()
    yield
    sys.setswitchinterval(interval)
    gc.unfreeze()
    gc.enable()


def test_streamlit_does_not_collect_after_every_run():
    config = (ROOT / "app" / ".streamlit" / "config.toml").read_text()
    assert "postScriptGC = false" in config


def test_rubbish_is_gone_soon_while_the_server_runs(monkeypatch):
    monkeypatch.setattr("app.server.upkeep.SECONDS", 0.05)
    gc.disable()
    ring = weakref.ref(Ring())
    gone = threading.Event()
    weakref.finalize(ring(), gone.set)

    async def serve() -> bool:
        async with upkeep(None):
            return await asyncio.to_thread(gone.wait, 30)

    assert asyncio.run(serve())
    assert sys.getswitchinterval() == pytest.approx(SWITCH)


def test_what_imports_left_is_frozen_once_they_are_over_and_rubbish_is_not():
    collector = Collector(60)
    before = gc.get_freeze_count()
    collector.collect()
    assert gc.get_freeze_count() == before
    collector.collect()
    assert gc.get_freeze_count() > before + 10_000
    assert len(gc.get_objects()) < 10_000
    kept = Ring()
    ring = weakref.ref(kept)
    collector.collect()
    assert ring() is kept
    del kept
    collector.collect()
    assert ring() is None


@pytest.mark.long
def test_rubbish_that_was_frozen_is_found_when_more_is_imported(monkeypatch):
    collector = Collector(60)
    ring = Ring()
    found = weakref.ref(ring)
    collector.collect()
    collector.collect()
    del ring
    monkeypatch.setitem(sys.modules, "imported_later", object())
    collector.collect()
    collector.collect()
    assert found() is None


def test_nothing_stays_frozen_when_the_server_ends():
    """Python would name all of it as lost."""
    collector = Collector(60)
    collector.start()
    collector.collect()
    collector.collect()
    assert gc.get_freeze_count() > 10_000
    collector.stop()
    assert gc.get_freeze_count() == 0
