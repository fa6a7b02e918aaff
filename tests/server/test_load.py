"""Many sessions at once: the answers of one alone to the last bit, no error, and memory that stays where it was."""

import ctypes
import gc
import os
import platform
import random
import subprocess
import sys
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save
from streamlit.testing.v1 import AppTest
from torch import Tensor

from app.figures.remembered import forget
from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.backend import NETWORKS_KEPT, Backend, View
from app.soak.work import MAPS
from explainers import CID, CIDResult, CIDSettings, load_network
from explainers.baselines.explain import METHODS, Explanation, explain
from explainers.decoders.cards import find_decoder, load_decoder
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network, network_catalogue
from explainers.ru.explain import RU
from tests.support.brief import brief
from tests.support.places import ROOT

SESSIONS, REQUESTS = 16, 11
WAIT = 120
NETWORK = "resnet20-cifar10"
PICTURES = ("bird/0", "bird/3")
# What is asked for: a method, a layer, and how many pictures and seeds it is drawn from; the costly ones from fewer.
DRAWN = (
    ("closed", "conv1", 2, 6),
    ("closed", "layer1.2", 2, 1),
    ("closed", "layer2.2", 1, 1),
    ("closed", "fc", 1, 1),
    ("refined", "conv1", 1, 1),
    ("refined", "layer1.0", 1, 1),
    ("ru", "conv1", 1, 1),
    ("grad_cam", "layer2.2", 2, 3),
    ("saliency", "conv1", 2, 3),
)
# Rounds of SESSIONS × REQUESTS, the first two of which warm up. The last three grow by 0.25 MB, and by 1.4 MB where
# every result stays behind once more.
ROUNDS, WARM, LEAK = 6, 2, 300_000
# With more arenas than one, readings jump by 3 to 6 MiB.
ALLOCATOR = {"MALLOC_ARENA_MAX": "1"}
GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks the GNU C library for memory")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))]
NETWORKS = 12


@dataclass(frozen=True)
class Request:
    method: str
    layer: str
    picture: str
    seed: int

    @property
    def settings(self) -> CIDSettings:
        beta = 1e-2 if self.seed % 2 else 1.5e-4
        if self.method == "closed":
            return CIDSettings(refine=False, probes=16, seed=self.seed, beta=beta)
        return CIDSettings(refine=self.method == "refined", probes=8, grid=2, seed=self.seed, beta=beta)

    def view(self, backend: Backend, network: Network, network_input: NetworkInput, owner: str) -> View:
        layer = network.layer(self.layer)
        method = self.method if self.method in METHODS or self.method == "ru" else "cid"
        return backend.ask(network_input.request(network, layer, method, self.settings), owner)


@pytest.fixture(params=DEVICES)
def backend(request, tmp_path, monkeypatch) -> Iterator[Backend]:
    monkeypatch.setenv("RESULTS_HOME", str(tmp_path))
    monkeypatch.setenv("RESULTS_LIMIT", "50")
    brief(monkeypatch)
    made = Backend(torch.device(request.param))
    yield made
    made.close()


def bytes_of(result: CIDResult | Explanation) -> dict[str, object]:
    """Every field but the seconds that it took."""
    values = {field.name: getattr(result, field.name) for field in fields(result) if field.name != "seconds"}
    return {k: v.cpu().numpy().tobytes() if isinstance(v, Tensor) else v for k, v in values.items()}


def answered(backend: Backend, asks: Callable[[], View]) -> object:
    """As a page does: asks again until the answer is there; the end of the work is waited for, not looked for."""
    pause, ends = threading.Event(), time.monotonic() + WAIT
    while (view := asks()).live:
        assert time.monotonic() < ends, view
        job = backend.maps.job(view.key) or backend.loads.job(view.key) or backend.own_loads.job(view.key)
        job.ended.wait(1) if job else pause.wait(0.01)
    assert view.state == "done", view
    return view.value


def loaded(backend: Backend, name: str, owner: str = "anna") -> Network:
    return answered(backend, lambda: backend.network(name, owner))


def ask(backend: Backend, request: Request, owner: str) -> CIDResult | Explanation:
    network = loaded(backend, NETWORK, owner)
    network_input = backend.network_input(network, request.picture)
    return answered(backend, lambda: request.view(backend, network, network_input, owner))


def crowd(backend: Backend, requests: dict[str, list[Request]]) -> dict[Request, list]:
    """Every owner asks one request after the other, all owners at once."""
    answers: dict[Request, list] = {one: [] for wishes in requests.values() for one in wishes}
    problems: list[BaseException] = []

    def session(owner: str) -> None:
        try:
            for request in requests[owner]:
                answers[request].append(ask(backend, request, owner))
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=session, args=(owner,)) for owner in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems
    return answers


def wishes(round: int) -> dict[str, list[Request]]:
    draw = random.Random(round)

    def one() -> Request:
        method, layer, pictures, seeds = draw.choice(DRAWN)
        return Request(method, layer, PICTURES[draw.randrange(pictures)], 6 * round + draw.randrange(seeds))

    return {f"session {number}": [one() for _ in range(REQUESTS)] for number in range(SESSIONS)}


def alone(request: Request, device: torch.device) -> CIDResult | Explanation:
    network = load_network(NETWORK, device)
    x = prepare(network, find_picture(request.picture, 32)).x[None].to(device)
    layer = network.layer(request.layer)
    if request.method in METHODS:
        return explain(request.method, network, layer, x)
    if request.method == "ru":
        decoder = load_decoder(find_decoder(network, layer)).to(device)
        return RU(network.module, layer, decoder).explain(x, request.settings)
    return CID(network.module, layer).explain(x, request.settings)


def anonymous() -> int:
    """Bytes held beyond files that are mapped; what the allocator hoards is given back first."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


def grow(device: str, rounds: int) -> None:
    """Prints, after each round of new requests, the memory held beside the results, which are bounded by design."""
    brief(pytest.MonkeyPatch())
    backend = Backend(torch.device(device))
    for round in range(rounds):
        crowd(backend, wishes(round))
        print(anonymous() - backend.results.memory.size, flush=True)
    backend.close()


def in_a_process(call: str, folder: Path) -> list[list[int]]:
    """The numbers that a function of this file prints, line by line; other tests leave no memory behind there."""
    code = f"import torch; torch.set_num_threads(1); from tests.server import test_load; test_load.{call}"
    settings = {"RESULTS_HOME": str(folder), "RESULTS_LIMIT": "50"} | ALLOCATOR
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [[int(number) for number in line.split()] for line in done.stdout.splitlines()]


@pytest.mark.long
def test_sixteen_sessions_get_the_answers_of_one_alone(backend):
    asked = wishes(0)
    answers = crowd(backend, asked)
    assert sum(len(given) for given in answers.values()) == SESSIONS * REQUESTS
    assert {request.method for request in answers} == {method for method, *_ in DRAWN}
    assert len(backend.results.disk.sizes()) == len(answers)
    for request, given in answers.items():
        expected = bytes_of(alone(request, backend.device))
        for result in given:
            assert bytes_of(result) == expected, request


@GLIBC
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.long
def test_memory_stays_flat_over_more_than_a_thousand_requests(device, tmp_path):
    """The first rounds warm it up."""
    held = [bytes_held for (bytes_held,) in in_a_process(f"grow({device!r}, {ROUNDS})", tmp_path)]
    assert len(held) == ROUNDS
    # What leaks stays: of the last two rounds the lower counts, as one may end while a frame is still being freed.
    assert min(held[-2:]) - held[WARM - 1] < (ROUNDS - WARM - 1) * LEAK, held


def own_weights(number: int) -> bytes:
    entry = next(entry for entry in network_catalogue() if entry.name == NETWORK)
    state = load_file(ROOT / "assets" / "networks" / entry.file)
    name = next(iter(state))
    return save(state | {name: state[name] + number * 1e-3})


def swap(device: str, count: int) -> None:
    """Uses one network after the other for a map; prints after each: modules alive, memory held, the device's."""
    backend = Backend(torch.device(device))
    modules: list[weakref.ref] = []
    request = Request("closed", "conv1", PICTURES[0], 0)
    for number in range(count):
        network = loaded(backend, backend.add_network(NETWORK, own_weights(number), "anna"))
        modules.append(weakref.ref(network.module))
        network_input = backend.network_input(network, request.picture)
        answered(backend, partial(request.view, backend, network, network_input, "anna"))
        backend.answer(network, network_input)
        del network, network_input
        held = anonymous() - backend.results.memory.size
        alive = sum(module() is not None for module in modules)
        print(alive, held, torch.cuda.memory_allocated() if device == "cuda" else 0, flush=True)
    backend.close()


@GLIBC
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.long
def test_networks_that_are_evicted_are_freed(device, tmp_path):
    """A dozen networks, each used for a map: no more modules live than are kept, and no memory stays of the others."""
    alive, held, used = zip(*in_a_process(f"swap({device!r}, {NETWORKS})", tmp_path), strict=True)
    assert len(alive) == NETWORKS
    assert max(alive) <= NETWORKS_KEPT
    size = len(own_weights(0))
    assert min(held[-2:]) - held[NETWORKS_KEPT] < size, (held, size)
    assert max(used[NETWORKS_KEPT:]) <= max(used[:NETWORKS_KEPT]) * 1.5


# Sessions of a page, and runs of each.
SIXTY = {"explore": (3, 5), "learn": (3, 5), "glossary": (3, 10)}


def sessions(page: str, count: int, runs: int) -> None:
    for _ in range(count):
        at = AppTest.from_string(f"from app.{page} import page; page.page()", default_timeout=WAIT)
        at.query_params.update(dict(part.split("=") for part in MAPS[0].query.split("&")) if page == "explore" else {})
        for _ in range(runs):
            at.run()
        assert not at.exception


def objects() -> Counter[str]:
    """How many objects are alive of the types of each package, without charts, which are remembered up to a limit."""
    forget()
    gc.collect()
    packages = (str(getattr(type(thing), "__module__", "")).partition(".")[0] for thing in gc.get_objects())
    return Counter(name for name in packages if name in ("app", "explainers", "plotly", "streamlit"))


@pytest.mark.long
def test_runs_of_pages_and_sessions_leave_no_object_behind(fresh_backend):
    """Sixty runs leave fewer objects than there were sessions, of any package's types."""
    for page in SIXTY:
        sessions(page, 1, 3)
    before = objects()
    for page, (count, runs) in SIXTY.items():
        sessions(page, count, runs)
    growth = objects() - before
    assert max(growth.values(), default=0) < sum(count for count, _ in SIXTY.values()), growth
