"""The paper's studies: `python -m explainers.studies list | run NAME | all | report`.

Computes the rows of a study that are missing, and says what they mean for each of the paper's claims. Goes on where it
was stopped; the same rows every time.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from explainers.studies.base.card import judge_again, write_card
from explainers.studies.base.report import lines_of, results, update
from explainers.studies.base.run import BIRDS, Order, command_of, missing, run
from explainers.studies.base.study import Study
from explainers.studies.base.tables import FOLDER
from explainers.studies.catalogue import STUDIES
from explainers.sweeps.heedless import heedless
from explainers.sweeps.local import cores

RESULTS = Path("docs", "results.md")


def main(arguments: list[str] | None = None) -> int:
    """The command; what it answers is its exit status."""
    args = parser().parse_args(arguments)
    with heedless():
        return _main(args)


def _main(args: argparse.Namespace) -> int:
    if args.command == "list":
        return listed()
    try:
        if args.command == "report":
            return report(args.results)
        return max(_one(STUDIES[name], args) for name in (STUDIES if args.command == "all" else (args.name,)))
    except (ValueError, OSError) as error:
        print(f"{error}.".replace("..", "."), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; the same command goes on.", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """What may be said to the command."""
    made = argparse.ArgumentParser(prog="python -m explainers.studies", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the studies, their questions, and the networks that they lack")
    one = commands.add_parser("run", help="one study")
    one.add_argument("name", choices=STUDIES)
    every = commands.add_parser("all", help="every study, one after the other")
    for some in (one, every):
        some.add_argument(
            "--pictures", type=int, metavar="N", help="of each network, instead of the study's own number"
        )
        some.add_argument("--quick", action="store_true", help="two pictures, coarse: a rough look in two minutes")
        some.add_argument(
            "--data", default=BIRDS, metavar="SOURCE", help="cub:DIR, cifar10:DIR or a folder instead of rendered birds"
        )
        some.add_argument("--out", type=Path, default=Path("studies"), metavar="DIR", help="where tables are written")
        some.add_argument("--workers", type=int, default=cores(), metavar="N", help="processes; 0: this one alone")
        some.add_argument("--keep-maps", action="store_true", help="write the maps as well, float16")
    told = commands.add_parser("report", help="the claims of what ships, into docs/results.md and its cards")
    told.add_argument("--results", type=Path, default=RESULTS, metavar="FILE")
    return made


def listed() -> int:
    """Prints every study."""
    for study in STUDIES.values():
        print(f"{study.name:14} {study.figure:18} {study.question}")
        for name in missing(study):
            print(f"{'':33} lacks {name}: {command_of(name)}")
    return 0


def report(path: Path) -> int:
    """Writes the table of all claims anew, and the verdicts in the cards of what ships."""
    update(path, results(STUDIES, FOLDER))
    for study in STUDIES.values():
        judge_again(study, STUDIES, FOLDER)
    print(f"{path} has the claims of {len(STUDIES)} studies.")
    return 0


def _one(study: Study, args: argparse.Namespace) -> int:
    if args.pictures is not None and args.pictures < 1:
        raise ValueError(f"expected at least one picture, got {args.pictures}")
    out = args.out / "quick" if args.quick else args.out
    order = Order(out, args.pictures, args.quick, args.data, args.workers, keep_maps=args.keep_maps)
    print(f"{study.title} ({study.figure}): {study.question}")
    lacks = study.needs_library and find_spec(study.needs_library) is None
    if lacks:
        print(f"Lacks {study.needs_library}, without which there are no rows: pip install '.[attacks]'.")
    elif study.computes:
        outcome = run(study, order)
        for problem in outcome.problems[:5]:
            print(f"{problem.network} {problem.layer} {problem.method}: {problem.reason}.")
        print(f"{outcome.rows} rows were added to {out / study.file}.")
        write_card(study, STUDIES, out, order)
    for name in missing(study):
        print(f"Lacks {name}: {command_of(name)}.")
    print("\n".join(lines_of(study, STUDIES, out, args.quick)))
    return 0
