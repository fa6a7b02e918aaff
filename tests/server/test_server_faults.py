"""A real server that is killed while it computes and writes, and whose folder of results goes and comes."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from explainers.storage.results import ResultStore
from tests.browser.test_browser import healthy, server_wait
from tests.server.test_server_safety import ROOT, SECRETS, told, visit

LAYERS = ("conv1", "layer1.1", "layer2.0", "layer2.2", "layer3.0")
LIMIT = 20_000_000
NOTICE = "not kept on disk"
WAIT = 60


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """A server with the app's own settings that keeps its results in `folder`; killed at the end."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.port", str(port)]
    homes = {"RESULTS_HOME": str(folder), "RESULTS_LIMIT": str(LIMIT // 10**6)}
    started = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | homes, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            assert started.poll() is None, "the server ended by itself"
            if healthy(f"http://localhost:{port}"):
                break
            server_wait(started, 0.2)
        yield f"http://localhost:{port}", started
    finally:
        started.kill()
        started.wait(30)


def query(layers: tuple[str, ...], seed: int = 0) -> str:
    """The address of a grid of cheap maps."""
    return f"network=resnet20-cifar10&refine=False&grid=8&view=grid&methods=cid&seed={seed}&layers={'+'.join(layers)}"


def look(address: str, layers: tuple[str, ...], seed: int = 0) -> str:
    """What the page says; its work goes on for a while after this visitor has left."""
    said = told(visit(address, query(layers, seed)))
    assert "exception {" not in said
    assert not [secret for secret in SECRETS if secret in said]
    return said


def until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(WAIT * 50):
        if holds():
            return
        pause.wait(0.02)
    raise AssertionError("it never came to hold")


def entropies(folder: Path) -> dict[str, torch.Tensor]:
    """Of every entry on the disk, all of which can be read."""
    store = ResultStore(folder, limit=LIMIT)
    found = {key: store.get(key) for key in store.sizes()}
    assert None not in found.values()
    return {key: value.entropy for key, value in found.items()}


def test_a_server_that_is_killed_at_work_finds_what_it_had_and_does_the_rest(tmp_path):
    folder = tmp_path / "results"
    file = folder / "results.sqlite"
    with server(folder) as (address, process):
        look(address, LAYERS)
        until(lambda: file.is_file() and ResultStore(folder, limit=LIMIT).sizes())
        process.kill()
    before = entropies(folder)
    assert 0 < len(before) < len(LAYERS)
    with server(folder) as (address, _):
        assert NOTICE not in look(address, LAYERS)
        until(lambda: len(ResultStore(folder, limit=LIMIT).sizes()) == len(LAYERS))
        after = entropies(folder)
        assert all(torch.equal(after[key], entropy) for key, entropy in before.items())
        assert f"All {len(LAYERS)} maps are ready" in look(address, LAYERS)


def test_a_folder_that_goes_and_comes_costs_results_and_nothing_else(tmp_path):
    folder, layers = tmp_path / "results", LAYERS[:2]

    def kept() -> int:
        return len(ResultStore(folder, limit=LIMIT).sizes()) if folder.is_dir() else 0

    with server(folder) as (address, _):
        look(address, layers)
        until(lambda: kept() == 2)
        shutil.rmtree(folder)
        folder.write_text("a file where the folder should be")
        until(lambda: "All 2 maps are ready" in look(address, layers, seed=1))
        assert NOTICE in look(address, layers, seed=1)
        folder.unlink()
        until(lambda: "All 2 maps are ready" in look(address, layers, seed=2))
        assert NOTICE not in look(address, layers, seed=2)
        assert kept() == len(entropies(folder)) == 2
