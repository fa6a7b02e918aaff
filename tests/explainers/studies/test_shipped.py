"""The tables of studies that ship: three rows of each are computed again; every table has its card."""

import random

import numpy as np
import pytest
import torch

from explainers.assets import ASSETS, read_sums
from explainers.datasets.birds.render import EDITIONS
from explainers.studies.base.report import BEGIN, lines_of, results
from explainers.studies.base.run import lacks
from explainers.studies.base.study import Study
from explainers.studies.base.tables import FOLDER, maps_of, rows_of
from explainers.studies.catalogue import STUDIES
from explainers.sweeps.items import BirdItem
from explainers.sweeps.pictures import PHOTOGRAPHS, find_pictures
from explainers.sweeps.plan import Block, Cell, swept_network
from explainers.sweeps.row import row_key
from explainers.sweeps.work import Bench, work
from tests.support.places import ROOT

SHIPPED = [study for study in STUDIES.values() if (FOLDER / study.file).exists()]
# Other processors round otherwise, which moves a noisy estimate a little.
NEAR = {"rel": 2e-3, "abs": 2e-3}
# What is computed again has to be cheap: backward passes of a row.
CHEAP, ROWS = 300, 3


def item_of(name: str):
    kind, _, number = name.partition("/")
    if kind in EDITIONS:
        return BirdItem(int(number), EDITIONS[kind])
    return next(item for item in find_pictures(PHOTOGRAPHS).items if item.name == name)


@pytest.mark.long
@pytest.mark.parametrize("study", [one for one in SHIPPED if one.legs], ids=lambda study: study.name)
def test_three_random_maps_are_computed_again(study: Study):
    rows = rows_of(study)
    # Some rows are of networks whose weights do not ship.
    here = ~rows["network"].map(lacks)
    cheap = rows[here & (rows["backward_passes"] < CHEAP) & (rows["method"] != "ru")]
    maps = maps_of(study)
    for _, row in cheap.sample(ROWS, random_state=random.Random(study.name).randrange(1000)).iterrows():
        network = swept_network(row["network"])
        leg = next(one for one in study.legs if one.network == row["network"] and row["layer"] in one.layers
                   and row["method"] in one.methods and np.isclose(one.settings.beta, row["beta"]))  # fmt: skip
        item = item_of(row["picture"])
        key = row_key(network, network.layer(row["layer"]), row["method"], leg.settings, item.identity())
        assert key == row["row"]
        cell = Cell(row["layer"], row["method"], (key,))
        done = work(Block(0, row["network"], (item,), (cell,), leg.settings), Bench(keep_maps=True, store=False))
        assert done.rows[0].mean == pytest.approx(row["mean"], **NEAR)
        assert done.rows[0].picture_sha256 == row["picture_sha256"]
        if row["row"] in maps:
            assert np.abs(done.maps[key].astype(float) - maps[row["row"]].astype(float)).mean() < 0.02


@pytest.mark.parametrize("study", [one for one in SHIPPED if maps_of(one)], ids=lambda study: study.name)
def test_every_map_that_ships_has_the_mean_of_its_row(study: Study):
    means = rows_of(study).drop_duplicates("row").set_index("row")["mean"]
    maps = maps_of(study)
    assert set(maps) <= set(means.index)
    for row, cells in maps.items():
        assert cells.astype(float).mean() == pytest.approx(means[row], abs=1e-3), row


@pytest.mark.parametrize("study", [one for one in SHIPPED if one.tasks], ids=lambda study: study.name)
@pytest.mark.long
def test_three_random_scores_are_computed_again(study: Study):
    rows = rows_of(study)
    rows = rows.assign(task=rows["row"].str.partition(":")[0])
    # A network's first layer is its cheapest.
    first = rows["place"] == rows.groupby("network")["place"].transform("min")
    counted = rows[rows["value"].notna() & first]
    drawn = random.Random(study.name)
    items = [item_of(name) for name in dict.fromkeys(counted["picture"])]
    here = [task for task in study.tasks(items, False) if not lacks(task.network)]
    known = {task.key(swept_network(task.network)): task for task in here}
    torch.set_num_threads(1)
    compared = 0
    for name in drawn.sample(sorted(set(counted["task"])), ROWS):
        again = known[name].rows(swept_network(known[name].network))
        kept = rows[rows["task"] == name]
        assert [one.row for one in again] == kept["row"].to_list()
        assert [one.value for one in again] == pytest.approx(kept["value"].to_list(), **NEAR)
        compared += len(again)
        if compared >= ROWS:
            break


@pytest.mark.parametrize("study", SHIPPED, ids=lambda study: study.name)
def test_every_table_has_a_card_with_its_command_and_stands_among_the_sums(study: Study):
    card = (FOLDER / f"{study.name}.md").read_text()
    assert f"python -m explainers.studies run {study.name}" in card
    assert f"Rows: {len(rows_of(study)):,}" in card
    assert card.endswith("".join(f"- {line}\n" for line in lines_of(study, STUDIES)))
    assert (FOLDER / study.file).relative_to(ASSETS).as_posix() in read_sums()


def test_what_ships_is_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 4 * 2**20


@pytest.mark.long
def test_the_table_in_the_documents_is_the_one_that_the_tables_give():
    text = (ROOT / "docs" / "results.md").read_text()
    assert results(STUDIES) in text.partition(BEGIN)[2]
