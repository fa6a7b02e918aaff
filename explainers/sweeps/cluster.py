"""A sweep on many machines by Ray: actors hold networks, one per GPU or group of cores, and rows come back."""

import importlib
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from explainers.datasets.pictures import PictureError
from explainers.sweeps.items import Item
from explainers.sweeps.local import TRIES, given_up
from explainers.sweeps.plan import Block, Problem
from explainers.sweeps.work import Bench, Done, work

MISSING = "expected Ray for a cluster, it is not installed; pip install 'information-discarding-explorer[cluster]'"
# Where Ray's own clients find a cluster, if its address does not say; and seconds for an answer from there.
CLIENT_PORT, PATIENCE = 10001, 3.0
# Ray speaks gRPC, that is HTTP/2: both sides begin with their settings (RFC 9113, section 3.4), a frame of type 4.
GREETING, SETTINGS_FRAME = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0", 4


class ClusterError(ValueError):
    """The cluster cannot be used; the message is one sentence."""


class _Worker:
    """Holds its networks from one block to the next (`swept_network` remembers them)."""

    def ready(self) -> None:
        """Answers as soon as there is a place for this worker."""

    def work(self, block: Block, bench: Bench) -> Done:
        return work(block, bench)


def run_on_ray(
    blocks: Iterable[Block], bench: Bench, address: str, go_on: Callable[[], bool] = lambda: True
) -> Iterator[Done]:
    """The blocks as they become ready, by one worker for every GPU, or for every `bench.threads` cores, of the cluster.

    `address`: "local" begins a cluster on this machine, "auto" finds the one that runs here, "ray://HOST:PORT" is
    another's; a Ray that this process has begun already is used as it is. Pictures travel with their blocks: the other
    machines need this library, but no files. A worker that is lost is replaced and its block done again, three times at
    most.

    Raises ClusterError where there is no Ray, no cluster, or no worker that begins.
    """
    crew = _Crew(_connected(address), blocks, bench, go_on)
    try:
        while crew.busy:
            yield from crew.next()
    finally:
        # Whoever is still on the way comes too late.
        crew.dismiss()


class _Crew:
    """The workers of a cluster: `running` tells what each reference waits for, a worker and perhaps its block."""

    def __init__(self, ray: Any, blocks: Iterable[Block], bench: Bench, go_on: Callable[[], bool]) -> None:
        self.ray, self.bench, self.go_on = ray, bench, go_on
        self.waiting = iter(blocks)
        self.again: list[Block] = []
        self.lost: Counter[int] = Counter()
        self.running: dict[Any, tuple[Any, Block | None]] = {}
        gpu = bench.device.startswith("cuda")
        wants: dict[str, float] = {"num_gpus": 1} if gpu else {"num_cpus": bench.threads}
        self.actor: Any = ray.remote(**wants)(_Worker)
        self.count, self.ended = _places(ray, gpu, bench.threads), False
        # Since a worker has answered.
        self.failed = 0
        for _ in range(self.count):
            self._hire()

    @property
    def busy(self) -> bool:
        """Whether a block is being done or waits for a worker."""
        return bool(self.running) and not self.ended

    def next(self) -> Iterator[Done]:
        """Waits for a worker, gives it more to do, and answers with what it has done."""
        (reference,), _ = self.ray.wait(list(self.running), num_returns=1)
        worker, block = self.running.pop(reference)
        try:
            done: Done = self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            yield from self._replace(block, error)
            return
        self.failed = 0
        gone = list(self._employ(worker))
        if block is not None:
            yield replace(done, block=block)
        yield from gone
        self.ended = not self.again and not any(block for _, block in self.running.values())

    def dismiss(self) -> None:
        """Ends all workers."""
        for worker, _ in self.running.values():
            self.ray.kill(worker)

    def _hire(self) -> None:
        worker = self.actor.remote()
        self.running[worker.ready.remote()] = worker, None

    def _employ(self, worker: Any) -> Iterator[Done]:
        """Its next block, if there is one. What comes are problems: pictures that are gone since they were counted."""
        while self.go_on():
            block = self.again.pop() if self.again else next(self.waiting, None)
            if block is None:
                break
            packed, gone = _packed(block)
            if gone.problems:
                yield gone
            if packed.items:
                self.running[worker.work.remote(packed, self.bench)] = worker, packed
                return
        self.ray.kill(worker)

    def _replace(self, block: Block | None, error: Exception) -> Iterator[Done]:
        """Another worker for one that is lost; its block is done again, or given up."""
        self.failed += 1
        if self.failed > TRIES * self.count:
            reason = str(error).strip().splitlines()[-1][:200]
            raise ClusterError(
                f"expected workers that begin, got none ({reason}); install the same version everywhere"
            ) from None
        if block is not None:
            self.lost[block.place] += 1
            if self.lost[block.place] >= TRIES:
                yield given_up(block, TRIES)
            else:
                self.again.append(block)
        self._hire()


def _packed(block: Block) -> tuple[Block, Done]:
    """The block with the bytes of those pictures that can be read, and the others as problems."""
    kept: dict[int, Item] = {}
    gone: dict[int, Problem] = {}
    for place, item in enumerate(block.items):
        try:
            kept[place] = item.packed()
        except PictureError as error:
            gone[place] = Problem(item.name, block.network, "", "", str(error))
    packed = replace(_part(block, kept), items=tuple(kept.values()))
    return packed, Done(_part(block, gone), (), tuple(gone.values()))


def _part(block: Block, places: Iterable[int]) -> Block:
    chosen = list(places)
    cells = tuple(replace(cell, rows=tuple(cell.rows[place] for place in chosen)) for cell in block.cells)
    return replace(block, items=tuple(block.items[place] for place in chosen), cells=cells)


def _endpoint(address: str) -> tuple[str, int] | None:
    """Host and port that Ray would ask; None where it finds the cluster by itself.

    >>> _endpoint("ray://head"), _endpoint("10.0.0.1:6379"), _endpoint("local")
    (('head', 10001), ('10.0.0.1', 6379), None)
    """
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS", "auto")
    scheme, _, place = address.rpartition("://")
    if address in ("auto", "local", "") or scheme not in ("", "ray"):
        return None
    try:
        found = urlsplit(f"//{place}")
        host, port = found.hostname, found.port or (CLIENT_PORT if scheme else None)
    except ValueError:
        host = port = None
    if not host or port is None:
        raise ClusterError(f"expected local, auto, HOST:PORT or ray://HOST:PORT, got '{address}'; give one of these")
    return host, port


def _check_answers(address: str) -> None:
    """Ray itself goes on asking for more than a minute where nobody answers."""
    if (endpoint := _endpoint(address)) is None:
        return
    try:
        with socket.create_connection(endpoint, PATIENCE) as connection:
            # With RAY_USE_TLS they would have to be encrypted first.
            answers = os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true") or _greets(connection)
    except OSError as error:
        reason = error.strerror or "it did not answer"
        raise ClusterError(
            f"expected a Ray cluster at '{address}', nothing answers there ({reason.lower()}); check the address, or "
            "start one first"
        ) from None
    if not answers:
        raise ClusterError(f"expected a Ray cluster at '{address}', something else answers there; check the port")


def _greets(connection: socket.socket) -> bool:
    """Whether gRPC is spoken there; raises TimeoutError where nothing is said."""
    connection.sendall(GREETING)
    said = b""
    while len(said) < 4 and (more := connection.recv(4 - len(said))):
        said += more
    return len(said) == 4 and said[3] == SETTINGS_FRAME


def _connected(address: str) -> Any:
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise ClusterError(MISSING) from None
    if not ray.is_initialized():
        _check_answers(address)
        try:
            ray.init(address=None if address == "local" else address, log_to_driver=False, logging_level="warning")
        except (ConnectionError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0][:200]
            raise ClusterError(
                f"expected a Ray cluster at '{address}', found none ({reason}); start one first"
            ) from None
    return ray


def _places(ray: Any, gpu: bool, threads: int) -> int:
    """How many workers the cluster has room for."""
    resources = ray.cluster_resources()
    count = int(resources.get("GPU", 0)) if gpu else int(resources.get("CPU", 0)) // threads
    if not count:
        raise ClusterError(f"expected a cluster with {'a GPU' if gpu else f'{threads} cores'}, got one without")
    return count
