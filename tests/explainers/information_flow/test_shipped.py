"""The tables and snapshots that ship: complete, small, and the numbers that are computed here again."""

import math
import random
from functools import cache

import numpy as np
import pytest

from explainers.information_flow.experiments import EXPERIMENTS
from explainers.information_flow.measures import PART_OF, PARTS, Subject
from explainers.information_flow.plane import BIASES, NAME, TITLES, WEIGHTS, plane_settings, point_rows
from explainers.information_flow.rows import Row
from explainers.information_flow.run import mark
from explainers.information_flow.tables import read_rows
from explainers.train.noisy_recipes import NOISY_RECIPES
from explainers.train.snapshots import SNAPSHOTS, read_snapshots

# Other processors round otherwise, which moves a noisy estimate a little.
NEAR = {"rel": 1e-3, "abs": 1e-3}


@cache
def rows_of(name: str) -> list[Row]:
    return read_rows(SNAPSHOTS / f"{name}.parquet", EXPERIMENTS[name].settings())


def test_what_ships_is_small():
    assert sum(path.stat().st_size for path in SNAPSHOTS.iterdir()) < 6 * 2**20


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_table_has_every_part_of_every_snapshot_of_five_trainings_in_order(name):
    experiment = EXPERIMENTS[name]
    found = [(row.variant, row.seed, row.epoch, PART_OF[row.quantity]) for row in rows_of(name)]
    assert list(dict.fromkeys(found)) == [mark(item) for item in experiment.items(5)]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_no_row_is_there_twice_and_every_value_is_possible(name):
    rows = rows_of(name)
    # No width is written as a word: NaN equals nothing.
    places = {(row.variant, row.seed, row.epoch, row.layer, row.quantity, str(row.width)) for row in rows}
    assert len(places) == len(rows)
    for row in rows:
        slack = 1e-6 + (0 if math.isnan(row.error) else 4 * row.error)
        assert not math.isnan(row.value)
        if not math.isnan(row.ceiling):
            assert -slack <= row.value <= row.ceiling + slack


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_random_rows_are_computed_again(name):
    experiment, rows = EXPERIMENTS[name], rows_of(name)
    drawn = random.Random(name)
    for part in experiment.parts[1:]:
        # Late in a training maps take long.
        items = [item for item in experiment.items(1) if item.part == part and (part != "CID" or item.epoch < 20)]
        item = drawn.choice(items)
        recipe = experiment.recipe(item.variant)
        snapshots = read_snapshots(SNAPSHOTS / f"{item.variant.recipe}.safetensors")
        again = list(PARTS[item.part](Subject(experiment, item, recipe.load(), snapshots)))
        kept = [row for row in rows if (row.variant, row.seed, row.epoch, PART_OF[row.quantity]) == mark(item)]
        assert [(row.layer, row.quantity) for row in again] == [(row.layer, row.quantity) for row in kept]
        assert [row.value for row in again] == pytest.approx([row.value for row in kept], **NEAR)


@pytest.mark.parametrize("recipe", NOISY_RECIPES)
def test_the_first_training_of_every_recipe_ships_with_accuracies_that_are_measured_again(recipe):
    snapshots = read_snapshots(SNAPSHOTS / f"{recipe}.safetensors")
    assert (snapshots.name, snapshots.seed) == (recipe, 0)
    assert snapshots.epochs == NOISY_RECIPES[recipe].epochs_kept()
    x, y = NOISY_RECIPES[recipe].load().kept_back()
    right = snapshots.network(NOISY_RECIPES[recipe], snapshots.epochs[-1])(x).argmax(1) == y
    assert right.float().mean().item() == pytest.approx(snapshots.accuracy[-1], abs=0.04)


def test_the_plane_of_a_neuron_is_computed_again_and_agrees_with_integration():
    rows = read_rows(SNAPSHOTS / f"{NAME}.parquet", plane_settings())
    assert len(rows) == 2 * len(TITLES) * len(WEIGHTS) * len(BIASES)
    estimates, exact = ([row for row in rows if ("integration" in row.quantity) == which] for which in (False, True))
    for one in random.Random(0).sample(estimates, 8):
        again, _ = point_rows(one.activation, one.weight, one.bias)
        assert again.value == pytest.approx(one.value, **NEAR)
    differences = np.array([one.value - other.value for one, other in zip(estimates, exact, strict=True)])
    errors = np.array([row.error for row in estimates])
    assert (np.abs(differences) < 4 * errors + 5e-4).all()
    assert np.abs(differences).mean() < 1e-3
