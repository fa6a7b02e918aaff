"""The server and its disk: answers survive a restart, and whatever happens to the folder the answers are the same."""

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.backend import NETWORK_BYTES, NETWORKS_KEPT, Backend, View, network_bytes
from app.jobs.runner import Job
from explainers import CID, CIDSettings, load_network
from explainers.checkpoints import load
from explainers.storage.results import LOST
from explainers.storage.versions import METHOD_VERSIONS
from tests.support.disks import small_disk
from tests.support.places import MAIN
from tests.support.waiting import wait_until

NETWORK, PICTURE, LAYER = "resnet20-cifar10", "bird/0", "layer1.2"
WAIT = 60


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("RESULTS_HOME", str(tmp_path / "results"))
    monkeypatch.setenv("RESULTS_LIMIT", "5")
    # However slow this machine and its disk are.
    for name in ("reading.AT_ONCE", "reading.GIVEN_UP", "backend.QUICK_LOAD"):
        monkeypatch.setattr(f"app.jobs.{name}", float(WAIT))
    return tmp_path / "results"


@pytest.fixture
def start(folder) -> Iterator[Callable[[], Backend]]:
    """A server anew."""
    made: list[Backend] = []

    def fresh() -> Backend:
        made.append(Backend(torch.device("cpu")))
        return made[-1]

    yield fresh
    for backend in made:
        backend.close()


def view(backend: Backend, seed: int, start: bool = True) -> View:
    network = backend.network(NETWORK, "anna").value
    network_input = backend.network_input(network, PICTURE)
    settings = CIDSettings(refine=False, probes=16, seed=seed)
    return backend.ask(network_input.request(network, network.layer(LAYER), "cid", settings), "anna", start=start)


def entropy(backend: Backend, seed: int) -> bytes:
    """When its work has ended: an answer is in memory before it is on the disk, and both before that."""
    wait_until(lambda: not view(backend, seed).live)
    found = view(backend, seed)
    assert found.state == "done", found
    wait_until(lambda: backend.maps.job(found.key) is None)
    return found.value.entropy.numpy().tobytes()


@pytest.fixture(scope="module")
def expected() -> dict[int, bytes]:
    """Computed by the library alone."""
    network = load_network(NETWORK)
    x = prepare(network, find_picture(PICTURE, 32)).x[None]
    cid = CID(network.module, network.layer(LAYER))
    settings = (CIDSettings(refine=False, probes=16, seed=seed) for seed in range(4))
    return {one.seed: cid.explain(x, one).entropy.numpy().tobytes() for one in settings}


def test_answers_survive_a_restart_and_are_not_computed_again(start, expected):
    assert entropy(start(), 0) == expected[0]
    after = start()
    found = view(after, 0, start=False)
    assert found.state == "done"
    assert found.value.entropy.numpy().tobytes() == expected[0]
    assert view(after, 1, start=False).state == "missing"


def test_answers_of_another_version_of_the_method_are_not_found(start, monkeypatch):
    entropy(start(), 0)
    monkeypatch.setitem(METHOD_VERSIONS, "cid", METHOD_VERSIONS["cid"] + 1)
    assert view(start(), 0, start=False).state == "missing"


def test_the_folder_is_deleted_while_running(start, folder, expected):
    backend = start()
    assert entropy(backend, 0) == expected[0]
    shutil.rmtree(folder)
    assert entropy(backend, 0) == expected[0]
    assert entropy(backend, 1) == expected[1]
    assert backend.results.problem == ""
    assert view(start(), 1, start=False).state == "done"


def test_the_file_is_damaged_while_running(start, folder, expected):
    before = start()
    entropy(before, 0)
    before.close()
    (folder / "results.sqlite").write_bytes(b"no database" * 1000)
    backend = start()
    assert entropy(backend, 0) == expected[0]
    assert entropy(backend, 1) == expected[1]
    assert backend.results.problem == LOST
    assert len(backend.results.disk.sizes()) == 2
    assert view(start(), 1, start=False).state == "done"


@pytest.fixture
def disk(folder) -> Iterator[Path]:
    """The folder of results as a disk of its own."""
    with small_disk(folder, 256) as disk:
        yield disk


def test_the_disk_becomes_read_only_and_writable_again(start, disk, expected):
    backend = start()
    assert entropy(backend, 0) == expected[0]
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert entropy(backend, 1) == expected[1]
    assert backend.results.problem == "Results are not kept on disk: the folder cannot be written to."
    assert entropy(start(), 0) == expected[0]
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    assert entropy(backend, 2) == expected[2]
    assert backend.results.problem == ""


def test_the_disk_fills_up_and_has_room_again(start, disk, expected):
    backend = start()
    assert entropy(backend, 0) == expected[0]
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(b"x" * 300_000)
    assert entropy(backend, 1) == expected[1]
    assert backend.results.problem == "Results are not kept on disk: the disk is full."
    assert entropy(start(), 0) == expected[0]
    filler.unlink()
    assert entropy(backend, 2) == expected[2]
    assert backend.results.problem == ""


def notices(app: AppTest) -> list[str]:
    return [caption.value for caption in app.sidebar.caption if "not kept on disk" in caption.value]


@pytest.mark.long
def test_the_app_says_once_that_nothing_is_kept(folder, fresh_backend):
    folder.write_text("a file where the folder should be")
    app = AppTest.from_file(MAIN, default_timeout=WAIT).run()
    from app.jobs.backend import the_backend

    entropy(the_backend(), 0)
    assert the_backend().results.problem == "Results are not kept on disk: the folder cannot be used."
    app.run()
    assert not app.exception
    (notice,) = notices(app)
    assert notice.startswith(":material/info: Results are not kept on disk: the folder cannot be used.")
    assert str(folder) not in notice
    folder.unlink()
    entropy(the_backend(), 1)
    assert the_backend().results.problem == ""
    assert notices(app.run()) == []


def test_weights_that_take_for_ever_hold_up_no_network_of_the_catalogue(start, monkeypatch):
    backend, go_on = start(), threading.Event()
    convert = load.convert_apart
    monkeypatch.setattr(load, "convert_apart", lambda *given: go_on.wait(WAIT) and convert(*given))
    monkeypatch.setattr("app.jobs.backend.QUICK_LOAD", 0.05)
    key = backend.add_network(NETWORK, b"PK\x03\x04", "boris")
    assert backend.network(key, "boris").live
    monkeypatch.setattr("app.jobs.backend.QUICK_LOAD", float(WAIT))
    assert backend.network(NETWORK, "anna").state == "done"
    job = backend.own_loads.job(key)
    assert job.live
    go_on.set()
    assert job.ended.wait(WAIT)
    assert backend.network(key, "boris").message.startswith("Expected a .safetensors file")


def test_a_quick_load_is_waited_for_though_it_begins_at_once(start, monkeypatch):
    backend = start()
    submit = backend.loads.submit

    def begun(*asked: object) -> Job:
        job = submit(*asked)
        wait_until(lambda: job.state != "waiting", every=0.001)
        return job

    monkeypatch.setattr(backend.loads, "submit", begun)
    assert backend.network(NETWORK, "anna").state == "done"


def test_a_network_whose_end_is_just_being_told_is_still_on_its_way(start, monkeypatch):
    ending, go_on = threading.Event(), threading.Event()

    def slow(error: Exception) -> str:
        ending.set()
        assert go_on.wait(WAIT)
        return str(error)

    def gone(*asked: object, **options: object) -> None:
        raise OSError("gone")

    monkeypatch.setattr("app.jobs.work.load_network", gone)
    monkeypatch.setattr("app.jobs.backend.sentence", slow)
    monkeypatch.setattr("app.jobs.backend.QUICK_LOAD", 0)
    backend = start()
    backend.network(NETWORK, "anna")
    job = backend.loads.job(NETWORK)
    assert ending.wait(WAIT)
    assert backend.network(NETWORK, "anna").live
    go_on.set()
    assert job.ended.wait(WAIT)
    assert backend.network(NETWORK, "anna").state == "failed"


def test_networks_in_memory_are_bounded_by_number_and_by_bytes_together(start):
    backend = start()
    small = backend.network(NETWORK, "anna").value
    names = [NETWORK, *(f"own/{number}" for number in range(NETWORKS_KEPT))]
    for name in names[1:]:
        backend._networks[name] = small
    assert [backend.has_network(name) for name in names] == [False] + [True] * NETWORKS_KEPT
    large = replace(small, module=nn.Linear(1 << 14, 1 << 14, bias=False, device="meta"))
    assert network_bytes(large) == 1 << 30
    backend._networks["own/large"] = large
    assert sum(map(network_bytes, backend._networks.values())) <= NETWORK_BYTES
    assert [backend.has_network(name) for name in names] == [False] * (NETWORKS_KEPT - 1) + [True] * 2
