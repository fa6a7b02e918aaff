"""Fixtures shared by the tests."""

import os
import random
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import local_script_runner

from app.command import MAIN

# That a machine is busy says nothing of a test.
settings.register_profile("busy", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("busy")
# Pages in tests have the settings that they have in the server.
config._main_script_path = str(MAIN)
# Every AppTest would look through all installed packages for components.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


def require_ended(runner: local_script_runner.LocalScriptRunner, timeout: float = 3) -> None:
    """Waits for the script's thread; Streamlit looks a thousand times a second through all that the run has sent."""
    runner._script_thread.join(timeout)
    look_at(runner, 0.1)


look_at = local_script_runner.require_widgets_deltas
local_script_runner.require_widgets_deltas = require_ended
# Tests neither find results of an earlier run nor leave any; those of the disk give it a folder of their own.
os.environ["RESULTS_LIMIT"] = "0"
# Nor those that ship, but for the tests of these: pages are to compute.
os.environ["SHIPPED_RESULTS"] = "0"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--few", action="store_true", help="of every parametrised test the first and the last case only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--few` a law is tried at the two ends of its cases, so that what is left takes minutes."""
    if not config.getoption("--few"):
        return
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    ends = {id(item) for law in cases.values() for item in (law[0], law[-1])}
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in ends])
    items[:] = [item for item in items if id(item) in ends]


@pytest.fixture(autouse=True)
def same_main() -> Iterator[None]:
    """A page that a test runs takes the program's place: processes that are started later would run it again."""
    program = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = program


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """Whatever runs before it on the same worker, a test draws the same numbers."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture
def fresh_backend() -> Iterator[None]:
    """A server's caches are shared by every AppTest of the process; each test starts with its own."""
    import streamlit as st

    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Decoders of one's own go to a folder of the test."""
    monkeypatch.setenv("DECODERS_HOME", str(tmp_path / "decoders"))
    return tmp_path / "decoders"


@pytest.fixture
def added() -> Iterator[None]:
    """The catalogue forgets what a test has added to it."""
    from explainers.networks.added import ADDED

    before = dict(ADDED)
    yield
    ADDED.clear()
    ADDED.update(before)


@pytest.fixture(scope="session")
def quantus():
    """The oracle of the scores and checks; see requirements-oracle.txt."""
    import quantus

    return quantus
