"""A sweep on many machines by Ray: actors hold networks, one per GPU or group of cores, and rows come back."""

import importlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from explainers.sweeps.local import TRIES, given_up
from explainers.sweeps.plan import Block
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

    Raises ClusterError where there is no Ray, or no cluster.
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

    def employ(worker: Any) -> None:
        block = (again.pop() if again else next(waiting, None)) if go_on() else None
        if block is None:
            ray.kill(worker)
        else:
            packed = replace(block, items=tuple(item.packed() for item in block.items))
            running[worker.work.remote(packed, bench)] = worker, block

    for _ in range(count):
        hire()
    while running:
        (reference,), _ = ray.wait(list(running), num_returns=1)
        worker, block = running.pop(reference)
        try:
            done = ray.get(reference)
        except ray.exceptions.RayError:
            if block is not None:
                lost[block.place] += 1
                if lost[block.place] >= TRIES:
                    yield given_up(block, TRIES)
                else:
                    again.append(block)
            hire()
            continue
        employ(worker)
        if block is not None:
            yield replace(done, block=block)
        if not again and not any(block for _, block in running.values()):
            # Whoever is still on the way comes too late.
            break
    for worker, _ in running.values():
        ray.kill(worker)


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
