"""A sweep against the app's own way, picture by picture: `python -m app.sweep_bench`.

The same maps of the same pictures, first one after the other through the app's queue, each asked for as soon as the
one before is there, then by processes side by side; `--rounds` does both so often, by turns. Prints maps (pictures ×
layers) a second of both, the ratio, and what a core spends on a map in this process (`--workers 0`), which tells where
the machine has other work to do, with `OMP_NUM_THREADS=1` (two threads that wait for each other spend time, too). The
sweep's start, Python and torch once, is counted, and said. The largest memory is that of the process that writes the
table, which must not grow with the number of pictures.
"""

import argparse
import math
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from app.inputs.network_input import prepare
from app.inputs.pictures import find_picture
from app.jobs.runner import Job, Runner
from explainers import CIDSettings
from explainers.methods.entropies import CID_NAME
from explainers.methods.request import Workbench
from explainers.sweeps.local import cores, run_here, run_processes
from explainers.sweeps.pictures import find_pictures
from explainers.sweeps.plan import Block, Plan, blocks, swept_network
from explainers.sweeps.table import SweepTable, read_sweep
from explainers.sweeps.work import Bench


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="resnet20-cifar10")
    parser.add_argument("--layers", nargs="+", default=["conv1", "layer1.2", "layer2.2", "layer3.2", "fc"])
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--grid", type=int, default=None)
    parser.add_argument("--closed-form", action="store_true")
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--without-app", action="store_true", help="for the memory of many pictures")
    args = parser.parse_args()
    settings = CIDSettings(refine=not args.closed_form, grid=args.grid)
    plan = Plan(
        (args.network,), tuple(args.layers), (CID_NAME,), find_pictures(f"birds:{args.pictures}").items, settings
    )
    base = memory()
    for _ in range(args.rounds):
        apps = None if args.without_app else through_the_app(plan)
        swept = as_a_sweep(plan, args.workers)
        if apps is not None:
            print(f"through the app, {torch.get_num_threads()} threads: {apps}")
        print(f"a sweep, {args.workers} processes of one thread: {swept}")
        if apps is not None:
            print(f"ratio: {apps.seconds / swept.seconds:.2f}", flush=True)
    print(f"memory of this process: {base:.0f} MB before the first sweep, at most {memory():.0f} MB")


@dataclass(frozen=True)
class Pace:
    """`maps` in `seconds`, `processor` of them times a core's work; `start` of them passed before the first map.

    What the processor does for other processes is not known, where these are no children of this one.
    """

    maps: int
    seconds: float
    processor: float | None
    start: float = 0.0

    def __str__(self) -> str:
        told = f"{self.maps / self.seconds:.3f} maps a second"
        if self.processor is not None:
            told += f", {self.processor / self.maps:.2f} s of the processor each"
        return told + (f", {self.start:.1f} s until work began" if self.start else "")


def as_a_sweep(plan: Plan, workers: int) -> Pace:
    """The same by the sweep's processes, or by this one."""
    started, worked, begun = time.monotonic(), processor(), None
    todo = [block for block in blocks(plan, set()) if isinstance(block, Block)]
    bench, count = Bench(store=False), sum(block.count for block in todo)
    with tempfile.TemporaryDirectory() as folder:
        table = SweepTable(Path(folder) / "bench.parquet")
        for done in run_processes(todo, bench, workers) if workers else run_here(todo, bench):
            begun = begun or time.monotonic() - sum(row.seconds for row in done.rows)
            table.add(done.block.place, done.rows)
        table.close()
        assert len(read_sweep(table.path)) == count
    own = None if workers else processor() - worked
    return Pace(count, time.monotonic() - started, own, (begun or started) - started)


def through_the_app(plan: Plan) -> Pace:
    """All maps one after the other through the queue of the maps, as a page asks for them."""
    runner = Runner("bench", linger=math.inf)
    network = swept_network(plan.networks[0])
    started, worked = time.monotonic(), processor()
    for item in plan.items:
        network_input = prepare(network, find_picture(item.name, network.input_size[0]))
        for name in plan.layers or ():
            request = network_input.request(network, network.layer(name), plan.methods[0], plan.settings)

            def work(job: Job, request=request):
                return request.stream(Workbench(report=job.report))

            job = runner.submit(request.key, work, "bench")
            job.ended.wait()
            assert job.state == "done"
    runner.close()
    return Pace(len(plan.items) * len(plan.layers or ()), time.monotonic() - started, processor() - worked)


def processor() -> float:
    """Seconds that the processor has worked for this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory() -> float:
    """The most that this process has taken, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
