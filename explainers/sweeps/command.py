"""Maps of whole sets of pictures: `python -m explainers.sweep --networks A B --pictures birds:200 --out FILE`.

Goes on where it was stopped: rows that are in the file already are not computed again.
"""

import argparse
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from explainers.cid.results import CIDSettings
from explainers.devices import parse_device
from explainers.evaluation.pictures import BATCH
from explainers.methods.entropies import CID_NAME, RU_NAME
from explainers.sweeps.cluster import run_on_ray
from explainers.sweeps.heedless import heedless
from explainers.sweeps.local import cores, run_here, run_processes
from explainers.sweeps.pictures import find_pictures
from explainers.sweeps.plan import (
    Block,
    Plan,
    Problem,
    blocks,
    check_grid,
    check_layers,
    check_methods,
    default_device,
    parse_methods,
    swept_network,
    wanted,
)
from explainers.sweeps.summary import summary
from explainers.sweeps.table import SweepTable, read_sweep
from explainers.sweeps.work import Bench, Done

MOST_LISTED = 20


def main(arguments: list[str] | None = None) -> int:
    """The command; what it answers is its exit status."""
    args = parser().parse_args(arguments)
    with heedless():
        return _main(args)


def _main(args: argparse.Namespace) -> int:
    try:
        with _ended_politely():
            return run(args)
    except ValueError as error:
        print(f"{error}.".replace("..", "."), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; the same command goes on.", file=sys.stderr)
        return 1


@contextmanager
def _ended_politely() -> Generator[None]:
    """What asks this process to end (SIGTERM, as clusters send it) ends the sweep as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def parser() -> argparse.ArgumentParser:
    """What may be said to the command."""
    made = argparse.ArgumentParser(prog="python -m explainers.sweep", description=__doc__)
    made.add_argument("--networks", nargs="+", required=True, metavar="NAME", help="names, or weights files")
    made.add_argument("--layers", nargs="+", default=["all"], metavar="LAYER", help="names of layers, or all")
    made.add_argument(
        "--pictures", required=True, metavar="SOURCE", help="birds:N, lookalikes:N, cifar10:DIR, cub:DIR, a folder"
    )
    made.add_argument("--most", type=int, metavar="N", help="only the first N pictures")
    made.add_argument(
        "--boxes", nargs="+", type=Path, default=[], metavar="FILE", help="CSV, COCO's JSON or YOLO's text"
    )
    made.add_argument(
        "--masks", type=Path, metavar="PLACE", help="a folder of masks under the names of the pictures, or COCO's JSON"
    )
    made.add_argument(
        "--metrics", default=CID_NAME, metavar="A,B", help=f"{CID_NAME}, {RU_NAME}, concentration or any other method"
    )
    made.add_argument("--out", type=Path, required=True, metavar="FILE", help="the Parquet file; it is added to")
    made.add_argument("--keep-maps", type=Path, metavar="DIR", help="write the maps as well, float16")
    made.add_argument("--beta", type=float, default=CIDSettings.beta)
    made.add_argument("--grid", type=int, default=None, help="cells along the shorter side")
    made.add_argument("--closed-form", action="store_true", help="without refinement: exact where a layer is linear")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--limit-hours", type=float, metavar="H", help="begin nothing new after so many hours")
    made.add_argument("--workers", type=int, metavar="N", help="processes; 0: this one alone; by default one per core")
    made.add_argument("--threads", type=int, default=1, help="of every worker; another number rounds differently")
    made.add_argument("--batch", type=int, metavar="N", help="pictures computed together; 1 without a GPU")
    made.add_argument("--device", default=default_device())
    made.add_argument("--address", metavar="RAY", help="a Ray cluster: local, auto or ray://HOST:PORT")
    made.add_argument("--no-store", action="store_true", help="do not look for maps that the app has kept")
    return made


def run(args: argparse.Namespace) -> int:
    """The sweep. Raises ValueError, one sentence."""
    _check(args)
    args.device = str(parse_device(args.device))
    found = find_pictures(args.pictures, args.boxes, args.masks, args.most)
    gpu = args.device != "cpu"
    plan = Plan(
        networks=tuple(dict.fromkeys(args.networks)),
        layers=None if "all" in args.layers else tuple(args.layers),
        methods=parse_methods(args.metrics.split(",")),
        items=found.items,
        settings=CIDSettings(beta=args.beta, grid=args.grid, refine=not args.closed_form, seed=args.seed),
        batch=args.batch or (BATCH if gpu else 1),
    )
    bench = Bench(args.device, args.threads, args.keep_maps is not None, not args.no_store)
    networks = [swept_network(name, args.device) for name in plan.networks]
    check_layers(plan, networks)
    check_grid(plan, networks)
    first: dict[str, str] = {}
    for network in networks:
        if (same := first.setdefault(network.fingerprint, network.name)) != network.name:
            raise ValueError(f"expected networks that differ, '{network.name}' and '{same}' are one; leave one out")
    for note in found.notes:
        print(note)
    check_methods(plan, networks)
    for problem in (one for network in networks for one in wanted(plan, network)[1]):
        print(f"No {problem.method or 'maps'} of {problem.network}, {problem.layer}: {problem.reason}.")
    table = SweepTable(args.out, args.keep_maps)
    until = time.monotonic() + args.limit_hours * 3600 if args.limit_hours is not None else float("inf")
    count, maps, cut = 0, 0, True
    try:
        table.keep_problems()
        for name, reason in found.left_out:
            table.problem(Problem(name, "", "", "", reason))
        todo = list(_todo(plan, table, args.device))
        total = sum(block.count for block in todo)
        with tqdm(total=total, unit="map", file=sys.stderr, disable=not total) as progress:
            for done in _run(todo, bench, args, lambda: time.monotonic() < until):
                count += table.add(done.block.place, done.rows, done.maps)
                maps += len(done.maps)
                for problem in done.problems:
                    table.problem(problem)
                progress.update(done.block.count)
                total -= done.block.count
            cut = total > 0
        if not cut:
            table.settle(_asked(plan, {one.name for one in networks}, {name for name, _ in found.left_out}))
    except KeyboardInterrupt:
        pass
    finally:
        table.close()
    return _tell(args, table, count, maps, cut)


def _check(args: argparse.Namespace) -> None:
    for name, value in (("most", args.most), ("batch", args.batch)):
        if value is not None and value < 1:
            raise ValueError(f"expected at least one picture with --{name}, got {value}")
    if args.workers is not None and args.workers < 0:
        raise ValueError(f"expected a number of workers from 0 on, got {args.workers}")
    if args.threads < 1:
        raise ValueError(f"expected at least one thread, got {args.threads}")
    if not args.address and args.threads > cores():
        raise ValueError(f"expected at most {cores()} threads, as many as there are cores, got {args.threads}")
    hours = args.limit_hours
    if hours is not None and (math.isnan(hours) or hours < 0):
        raise ValueError(f"expected a number of hours from 0 on, got {hours:g}")


def _asked(plan: Plan, networks: set[str], left_out: set[str]) -> Callable[[Problem], bool]:
    """Whether this sweep has looked at what was a problem; if it still is one, it has said so itself."""
    pictures = left_out | {item.name for item in plan.items}

    def of(one: Problem) -> bool:
        return (
            one.picture in pictures
            and one.network in ("", *networks)
            and (not one.layer or plan.layers is None or one.layer in plan.layers)
            and one.method in ("", *plan.methods)
        )

    return of


def _todo(plan: Plan, table: SweepTable, device: str) -> Iterator[Block]:
    """The blocks; pictures that cannot be read go into the side table."""
    for one in blocks(plan, table.done, device):
        if isinstance(one, Problem):
            table.problem(one)
        else:
            yield one


def _run(todo: list[Block], bench: Bench, args: argparse.Namespace, go_on: Callable[[], bool]) -> Iterator[Done]:
    if args.address:
        return run_on_ray(todo, bench, args.address, go_on)
    # One process fills a GPU.
    default = 0 if bench.device != "cpu" else max(1, cores() // bench.threads)
    workers = min(default if args.workers is None else args.workers, len(todo))
    return run_processes(todo, bench, workers, go_on) if workers > 1 else run_here(todo, bench, go_on)


def _tell(args: argparse.Namespace, table: SweepTable, count: int, maps: int, cut: bool) -> int:
    """Says what was found; 0 where everything is there, 1 where something is missing."""
    if args.out.exists():
        print("\n".join(summary(read_sweep(args.out))))
    for problem in table.problems[:MOST_LISTED]:
        # Most reasons begin with the picture's name.
        picture = "" if problem.reason.startswith(f"{problem.picture}:") else problem.picture
        where = " ".join(filter(None, (problem.network, problem.layer, problem.method, picture)))
        print(f"{where}: {problem.reason}." if picture else f"{where} {problem.reason}.".strip())
    if len(table.problems) > MOST_LISTED:
        print(f"… and {len(table.problems) - MOST_LISTED} more problems.")
    if table.problems:
        they = "It stands" if len(table.problems) == 1 else f"All {len(table.problems)} problems stand"
        print(f"{they} in {table.side_table.name}.")
    if others := len(table.earlier_problems):
        print(f"{table.side_table.name} has {others} more, of earlier sweeps.")
    if maps > count:
        print(f"{maps} maps were added to {args.keep_maps.name}.")
    if cut:
        print(f"{count} rows were added to {args.out.name}; the same command goes on with the rest.")
    elif count:
        whole = "complete but for the problems above" if table.problems else "complete"
        print(f"{count} rows were added to {args.out.name}, which is {whole}.")
    elif not args.out.exists():
        print("No rows were made; there is no table.")
    elif table.problems:
        print(f"{args.out.name} has all rows of this sweep but for the problems above.")
    elif not maps:
        print(f"Nothing to do: {args.out.name} has all rows of this sweep that there can be.")
    return int(cut or bool(table.problems))
