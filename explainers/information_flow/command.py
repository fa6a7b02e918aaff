"""Experiments on information flow: `python -m explainers.information_flow run bits`.

Trains the networks of an experiment with several seeds, measures the snapshots, and writes one table
with all numbers and the snapshots of the first seed. Goes on where it was stopped.
"""

import argparse
import sys
from pathlib import Path

import torch

from explainers.information_flow.experiments import EXPERIMENTS, SEEDS
from explainers.information_flow.run import Bench, run, write_plane
from explainers.train.snapshots import SNAPSHOTS


def main(arguments: list[str] | None = None) -> int:
    """The command; what it answers is its exit status."""
    args = parser().parse_args(arguments)
    if args.command == "list":
        for experiment in EXPERIMENTS.values():
            print(f"{experiment.name:15} {experiment.title}: {'; '.join(one.title for one in experiment.variants)}")
        return 0
    # One thread: as fast for networks of this size, and the same sums every time.
    torch.set_num_threads(1)
    try:
        bench = bench_of(args)
        count = run(bench)
        if args.name == "neuron":
            write_plane(bench)
    except (ValueError, OSError) as error:
        print(f"{error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; the same command goes on.", file=sys.stderr)
        return 1
    print(f"{count} rows were added to {bench.table}." if count else f"Nothing to do: {bench.table} has all rows.")
    return 0


def parser() -> argparse.ArgumentParser:
    """What may be said to the command."""
    made = argparse.ArgumentParser(prog="python -m explainers.information_flow", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the experiments and the networks of each")
    one = commands.add_parser("run", help="make the table of an experiment, or what lacks of it")
    one.add_argument("name", choices=EXPERIMENTS)
    one.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help="trainings of each network, from seed 0")
    one.add_argument("--only", nargs="+", metavar="RECIPE", help="now only these networks, by their recipes")
    one.add_argument("--quick", action="store_true", help="a fiftieth of the epochs, few samples: tables named so")
    one.add_argument("--rule", type=Path, metavar="FILE", help="another rule of twelve bits (.npz with F and y)")
    one.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="by default where what ships lies, and for --quick and --rule that of --runs",
    )
    one.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="for what is half done")
    return made


def bench_of(args: argparse.Namespace) -> Bench:
    """Where and what to compute. Raises ValueError for what the experiment does not have."""
    experiment = EXPERIMENTS[args.name]
    if args.seeds < 1:
        raise ValueError(f"expected at least one seed, got {args.seeds}")
    recipes = {variant.recipe: variant for variant in experiment.variants}
    only = tuple(args.only or recipes)
    if unknown := [name for name in only if name not in recipes]:
        raise ValueError(f"expected --only with some of {', '.join(recipes)}, got {unknown[0]}")
    if args.rule:
        experiment.recipe(experiment.variants[0]).load(args.rule)
    experiment = experiment.quick() if args.quick else experiment
    out = args.out or (args.runs if args.quick or args.rule else SNAPSHOTS)
    return Bench(experiment, out, args.runs, args.seeds, tuple(recipes[name] for name in only), args.rule)
