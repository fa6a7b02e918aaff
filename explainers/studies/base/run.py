"""The rows of a study: those of its sweep, or its scores, into one table that goes on where it was stopped."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import torch
from tqdm import tqdm

from explainers.assets import write_sums
from explainers.networks.catalogue import registered
from explainers.networks.specs import EPOCHS
from explainers.studies.base.kept_maps import write_kept_maps
from explainers.studies.base.scores import SCORES, Task
from explainers.studies.base.study import QUICK_PICTURES, Leg, Study
from explainers.sweeps.items import Item
from explainers.sweeps.local import run_here, run_processes
from explainers.sweeps.maps import read_maps
from explainers.sweeps.pictures import DRAWN, find_pictures
from explainers.sweeps.plan import Block, Plan, Problem, blocks, swept_network
from explainers.sweeps.row import SCHEMA
from explainers.sweeps.table import SweepTable
from explainers.sweeps.work import Bench
from explainers.train.recipes import RECIPES

BIRDS = "birds"
# What the command is asked for that keeps a network's weights on the way.
_ON_THE_WAY = {spec.name: spec.asked for spec in EPOCHS}


@dataclass(frozen=True)
class Order:
    """How a study is run: into which folder, over how many pictures (None: its own number), of which source."""

    out: Path
    pictures: int | None = None
    quick: bool = False
    data: str = BIRDS
    workers: int = 0
    threads: int = 1
    keep_maps: bool = False


@dataclass(frozen=True)
class Outcome:
    """How many rows are new, which networks are not here, and what could not be computed."""

    rows: int
    lacking: tuple[str, ...]
    problems: tuple[Problem, ...]


def run(study: Study, order: Order, go_on: Callable[[], bool] = lambda: True) -> Outcome:
    """All rows that are missing, for as long as `go_on()`. Raises ValueError, one sentence."""
    table = SweepTable(
        order.out / study.file,
        order.out / f"{study.name}.maps" if order.keep_maps and study.legs else None,
        SCORES if study.tasks else SCHEMA,
    )
    try:
        made = _scores if study.tasks else _sweep
        count, lacking = made(study, order, table, go_on)
    finally:
        table.close()
    if table.maps:
        write_kept_maps(order.out / study.maps_file, read_maps(table.maps))
    write_sums(order.out)
    return Outcome(count, lacking, tuple(table.problems))


def lacks(name: str) -> bool:
    """Whether the weights of a network are not here."""
    spec = registered().get(name)
    return spec is None or not spec.available


def has_recipe(name: str) -> bool:
    """Whether the project can train a network of that name."""
    return name in RECIPES or name in _ON_THE_WAY


def command_of(name: str) -> str:
    """The command that makes a network which is not here, where there is a recipe for it."""
    asked = _ON_THE_WAY.get(name, name)
    return f"python -m explainers.train {asked} --data DIR" if has_recipe(name) else "there is no recipe for it yet"


def _items(order: Order, pictures: int, source: str = "") -> tuple[Item, ...]:
    count = order.pictures or (min(pictures, QUICK_PICTURES) if order.quick else pictures)
    text = source if source and order.data == BIRDS else order.data
    return find_pictures(f"{text}:{count}" if text in DRAWN else text, most=count).items


def _sweep(study: Study, order: Order, table: SweepTable, go_on: Callable[[], bool]) -> tuple[int, tuple[str, ...]]:
    legs = [leg.quick() if order.quick else leg for leg in study.legs]
    lacking = tuple(dict.fromkeys(leg.network for leg in legs if lacks(leg.network)))
    todo: list[Block] = []
    for number, leg in enumerate(leg for leg in legs if leg.network not in lacking):
        for one in _blocks(leg, order, table):
            # Rows of one leg stand together, in the order of the study.
            todo.append(replace(one, place=number * 1_000_000 + one.place))
    bench = Bench("cpu", order.threads, order.keep_maps, store=False)
    several = min(order.workers, len(todo)) > 1
    done = run_processes(todo, bench, order.workers, go_on) if several else run_here(todo, bench, go_on)
    count = 0
    with _bar(sum(block.count for block in todo), "map") as bar:
        for one in done:
            count += table.add(one.block.place, one.rows, one.maps)
            for problem in one.problems:
                table.problem(problem)
            bar.update(one.block.count)
    return count, lacking


def _blocks(leg: Leg, order: Order, table: SweepTable) -> Iterator[Block]:
    items = _items(order, leg.pictures, leg.source)
    for one in blocks(Plan((leg.network,), leg.layers, leg.methods, items, leg.settings), table.done):
        if isinstance(one, Problem):
            table.problem(one)
        else:
            yield one


def _scores(study: Study, order: Order, table: SweepTable, go_on: Callable[[], bool]) -> tuple[int, tuple[str, ...]]:
    assert study.tasks is not None
    wanted = list(study.tasks(_items(order, study.pictures, study.source), order.quick))
    lacking = tuple(dict.fromkeys(task.network for task in wanted if lacks(task.network)))
    todo = [(n, task) for n, task in enumerate(wanted) if task.network not in lacking and not _is_done(task, table)]
    count, before = 0, torch.get_num_threads()
    torch.set_num_threads(order.threads)
    try:
        with _bar(len(todo), "score") as bar:
            for place, task in todo:
                if not go_on():
                    break
                count += table.add(place, task.rows(swept_network(task.network)))
                bar.update()
    finally:
        torch.set_num_threads(before)
    return count, lacking


def _is_done(task: Task, table: SweepTable) -> bool:
    return f"{task.key(swept_network(task.network))}:0" in table.done


def _bar(total: int, unit: str) -> "tqdm[NoReturn]":
    return tqdm(total=total, unit=unit, file=sys.stderr, disable=not total)


def missing(study: Study, items: Sequence[Item] = ()) -> tuple[str, ...]:
    """Networks that the study needs and that are not here."""
    asked = study.tasks(items, False) if study.tasks and items else ()
    names = (*study.networks, *study.needs, *(task.network for task in asked))
    return tuple(name for name in dict.fromkeys(names) if lacks(name))
