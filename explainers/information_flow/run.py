"""An experiment from its trainings to its table; whatever ends it, the same call goes on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from explainers.assets import write_sums
from explainers.information_flow.experiments import Experiment, Item, Variant
from explainers.information_flow.measures import PART_OF, PARTS, Subject
from explainers.information_flow.plane import BIASES, NAME, TITLES, WEIGHTS, plane_rows, plane_settings
from explainers.information_flow.rows import Row
from explainers.information_flow.tables import read_rows, write_rows
from explainers.storage.digest import digest
from explainers.train.noisy import NoisyTraining
from explainers.train.snapshots import Snapshots, write_snapshots


@dataclass(frozen=True)
class Bench:
    """Where an experiment is made: `out` takes table and snapshots, `runs` what is half done, `seeds` so many.

    `variants` are those that are computed now; the table has all that there is. `rule` is another rule of twelve bits.
    """

    experiment: Experiment
    out: Path
    runs: Path
    seeds: int
    variants: tuple[Variant, ...]
    rule: Path | None = None

    @property
    def suffix(self) -> str:
        """What files of a quick look, or of another rule, have in their names."""
        return ("-quick" if self.experiment.shrunk > 1 else "") + (f"-{self.rule.stem}" if self.rule else "")

    @property
    def table(self) -> Path:
        """The file with the rows."""
        return self.out / f"{self.experiment.name}{self.suffix}.parquet"

    def settings(self, *variants: Variant) -> str:
        """What the rows of these variants were made with, or those of all."""
        own = self.experiment.settings(*variants)
        return digest(own, self.rule.read_bytes()) if self.rule else own

    def part(self, item: Item) -> Path:
        """The file with the rows of an item."""
        folder = self.runs / f"rows-{self.experiment.name}" / self.settings(item.variant)[:12]
        return folder / f"{item.variant.recipe}-seed{item.seed}-{item.epoch:06d}-{item.part}.parquet"

    def snapshots(self, variant: Variant) -> Path:
        """The file with the snapshots of the first seed."""
        return self.out / f"{variant.recipe}{self.suffix}.safetensors"


def run(bench: Bench) -> int:
    """Trains what is not trained, measures what is not measured, and writes the table; how many rows are new.

    The table has the rows in the order of the experiment's items, the same each time. Raises ValueError for a file in
    its place that is none, OSError where the disk refuses.
    """
    experiment = bench.experiment
    kept = _by_mark(read_rows(bench.table, bench.settings()))
    todo = [
        item
        for item in experiment.items(bench.seeds, bench.variants)
        if mark(item) not in kept and not bench.part(item).exists()
    ]
    trainings = {(item.variant, item.seed): list[Item]() for item in todo}
    trainings |= {(variant, 0): [] for variant in bench.variants if not bench.snapshots(variant).exists()}
    for item in todo:
        trainings[item.variant, item.seed].append(item)
    with tqdm(total=len(todo), unit="part", desc=experiment.name, disable=not trainings) as progress:
        for (variant, seed), items in trainings.items():
            for _ in _measured(bench, variant, seed, items):
                progress.update()
    new = {
        mark(item): read_rows(bench.part(item))
        for item in experiment.items(bench.seeds)
        if mark(item) not in kept and bench.part(item).exists()
    }
    if new:
        seeds = 1 + max(seed for _, seed, _, _ in (*kept, *new))
        order = [mark(item) for item in experiment.items(seeds)]
        write_rows(bench.table, [row for one in order for row in {**kept, **new}.get(one, [])], bench.settings())
    write_sums(bench.out)
    return sum(map(len, new.values()))


def write_plane(bench: Bench) -> None:
    """Beside the table of a single neuron that over its weight and bias, where it is not there yet: some seconds."""
    path, settings = bench.out / f"{NAME}{bench.suffix}.parquet", plane_settings()
    if not read_rows(path, settings):
        rows = tqdm(plane_rows(), desc=NAME, unit="row", total=2 * len(TITLES) * len(WEIGHTS) * len(BIASES))
        write_rows(path, list(rows), settings)
        write_sums(bench.out)


def _measured(bench: Bench, variant: Variant, seed: int, items: list[Item]) -> Iterator[Item]:
    """The items of one training, each once its rows are written."""
    recipe = bench.experiment.recipe(variant)
    training = NoisyTraining(variant.recipe, recipe, recipe.load(bench.rule), bench.runs, seed)
    snapshots = _trained(training)
    if seed == 0:
        write_snapshots(bench.snapshots(variant), snapshots)
    for item in items:
        subject = Subject(bench.experiment, item, training.problem, snapshots)
        write_rows(bench.part(item), list(PARTS[item.part](subject)), bench.settings())
        yield item


def _trained(training: NoisyTraining) -> Snapshots:
    """What comes of a training, with a bar of its own where it is not done yet."""
    if (found := training.snapshots()) is None:
        steps = training.recipe.epochs * training.steps_per_epoch
        with tqdm(total=steps, unit="step", desc=f"{training.name}, seed {training.seed}", leave=False) as progress:
            for at in training.train():
                progress.update(at.step - progress.n)
        found = training.snapshots()
    if found is None:
        raise OSError(f"'{training.folder.name}' cannot be written: the disk takes no snapshots")
    return found


def mark(item: Item) -> tuple[str, int, int, str]:
    """What the rows of an item are known by: variant, seed, epoch and part."""
    return item.variant.title, item.seed, item.epoch, item.part


def _by_mark(rows: list[Row]) -> dict[tuple[str, int, int, str], list[Row]]:
    found: dict[tuple[str, int, int, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.variant, row.seed, row.epoch, PART_OF[row.quantity]), []).append(row)
    return found
