"""A sweep on many machines by Ray: actors hold networks, one per GPU or group of cores, and rows come back."""

import importlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from explainers.datasets.pictures import PictureError
from explainers.sweeps.local import TRIES, given_up
from explainers.sweeps.pictures import Item
from explainers.sweeps.plan import Block, Problem
from explainers.sweeps.work import Bench, Done, work

MISSING = "expected Ray for a cluster, it is not installed; pip install 'information-discarding-explorer[cluster]'"


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
    ray = _connected(address)
    gpu = bench.device.startswith("cuda")
    wants: dict[str, float] = {"num_gpus": 1} if gpu else {"num_cpus": bench.threads}
    actor: Any = ray.remote(**wants)(_Worker)
    count = _places(ray, gpu, bench.threads)
    waiting = iter(blocks)
    again: list[Block] = []
    lost: Counter[int] = Counter()
    # What each reference waits for: a worker, and its block once it has one.
    running: dict[Any, tuple[Any, Block | None]] = {}

    def hire() -> None:
        worker = actor.remote()
        running[worker.ready.remote()] = worker, None

    def employ(worker: Any) -> Iterator[Done]:
        """Problems of pictures that are gone since they were counted."""
        while go_on():
            block = again.pop() if again else next(waiting, None)
            if block is None:
                break
            packed, gone = _packed(block)
            if gone.problems:
                yield gone
            if packed.items:
                running[worker.work.remote(packed, bench)] = worker, packed
                return
        ray.kill(worker)

    for _ in range(count):
        hire()
    # Since a worker has answered.
    failed = 0
    while running:
        (reference,), _ = ray.wait(list(running), num_returns=1)
        worker, block = running.pop(reference)
        try:
            done = ray.get(reference)
        except ray.exceptions.RayError as error:
            failed += 1
            if failed > TRIES * count:
                reason = str(error).strip().splitlines()[-1][:200]
                raise ClusterError(
                    f"expected workers that begin, got none ({reason}); install the same version everywhere"
                ) from None
            if block is not None:
                lost[block.place] += 1
                if lost[block.place] >= TRIES:
                    yield given_up(block, TRIES)
                else:
                    again.append(block)
            hire()
            continue
        failed = 0
        gone = list(employ(worker))
        if block is not None:
            yield replace(done, block=block)
        yield from gone
        if not again and not any(block for _, block in running.values()):
            # Whoever is still on the way comes too late.
            break
    for worker, _ in running.values():
        ray.kill(worker)


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


def _connected(address: str) -> Any:
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise ClusterError(MISSING) from None
    if not ray.is_initialized():
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
