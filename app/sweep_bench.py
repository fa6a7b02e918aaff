"""A sweep against the app's own way, picture by picture: `python -m app.sweep_bench`.

The same maps of the same pictures, first one after the other through the app's queue, each asked for as soon as the one
before is there, then by processes side by side. Prints maps (pictures × layers) a second of both, and the ratio. The
largest memory is that of the process that writes the table, which must not grow with the number of pictures.
"""

import argparse
import resource
import tempfile
import time
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
    parser.add_argument("--without-app", action="store_true", help="for the memory of many pictures")
    args = parser.parse_args()
    settings = CIDSettings(refine=not args.closed_form, grid=args.grid)
    plan = Plan(
        (args.network,), tuple(args.layers), (CID_NAME,), find_pictures(f"birds:{args.pictures}").items, settings
    )
    count = args.pictures * len(args.layers)
    if not args.without_app:
        apps = count / through_the_app(plan)
        print(f"through the app, {torch.get_num_threads()} threads: {apps:.3f} maps a second", flush=True)
    started, base = time.monotonic(), memory()
    todo = [block for block in blocks(plan, set()) if isinstance(block, Block)]
    bench = Bench(store=False)
    with tempfile.TemporaryDirectory() as folder:
        table = SweepTable(Path(folder) / "bench.parquet")
        for done in run_processes(todo, bench, args.workers) if args.workers else run_here(todo, bench):
            table.add(done.block.place, done.rows)
        table.close()
        assert len(read_sweep(table.path)) == count
    swept = count / (time.monotonic() - started)
    print(f"a sweep, {args.workers} processes of one thread: {swept:.3f} maps a second")
    if not args.without_app:
        print(f"ratio: {swept / apps:.2f}")
    print(f"memory of this process: {base:.0f} MB before the sweep, at most {memory():.0f} MB")
    print(f"memory of the largest worker: {memory(resource.RUSAGE_CHILDREN):.0f} MB")


def through_the_app(plan: Plan) -> float:
    """Seconds for all maps, one after the other through the queue of the maps, as a page asks for them."""
    runner = Runner("bench")
    network = swept_network(plan.networks[0])
    started = time.monotonic()
    for item in plan.items:
        subject = prepare(network, find_picture(item.name, network.input_size[0]))
        for name in plan.layers or ():
            request = subject.request(network, network.layer(name), plan.methods[0], plan.settings)

            def work(job: Job, request=request):
                return request.stream(Workbench(report=job.report))

            job = runner.submit(request.key, work, "bench")
            job.ended.wait()
            assert job.state == "done"
    runner.close()
    return time.monotonic() - started


def memory(whose: int = resource.RUSAGE_SELF) -> float:
    """The most that this process, or the largest of its children, has taken, in megabytes."""
    return resource.getrusage(whose).ru_maxrss / 1024


if __name__ == "__main__":
    main()
