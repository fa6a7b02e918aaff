"""The tables that ship: whole, of these networks and this version of the methods, and what a computation gives."""

import random
import shutil

import pytest

from explainers.cid.results import CIDSettings
from explainers.methods.request import answer
from explainers.storage.versions import METHOD_VERSIONS
from explainers.sweeps.pictures import find_pictures
from explainers.sweeps.plan import swept_network
from explainers.sweeps.shipped import FOLDER, shipped, shipped_rows
from explainers.sweeps.table import read_sweep

TABLES = sorted(FOLDER.glob("*.parquet"))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_layer_has_every_picture_once(path):
    rows, network = read_sweep(path), swept_network(path.stem)
    pictures = set(rows["picture"])
    assert pictures == {item.name for item in find_pictures(f"birds:{len(pictures)}").items}
    assert len(rows) == len(pictures) * len(network.layers) * rows["method"].nunique()
    assert set(rows["fingerprint"]) == {network.fingerprint}
    assert all(METHOD_VERSIONS[row.method] == row.version for row in rows.itertuples())
    assert f"| `{path.name}` | {len(pictures)} " in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_rows_are_found_and_are_what_a_computation_gives(path):
    network, items = swept_network(path.stem), find_pictures("birds:4").items
    draw = random.Random(path.stem)
    # The first layers take a second, the others a minute.
    for layer in draw.sample(network.layers[:4], 2):
        item = draw.choice(items)
        (row,), lacking = shipped(network, layer, "cid", [item], CIDSettings())
        assert not lacking
        result = answer(item.seen_by(network).request(network, layer, "cid", CIDSettings()))
        assert row.mean == pytest.approx(result.mean.item(), abs=0.01)
        assert abs(row.constraint - result.constraint.item()) <= 4 * (
            row.constraint_error + result.constraint_error.item()
        )


def test_a_damaged_table_counts_for_nothing(tmp_path, monkeypatch):
    import explainers.assets as assets

    shutil.copytree(assets.ASSETS / "sweeps", tmp_path / "sweeps")
    shutil.copy(assets.ASSETS / assets.SUMS, tmp_path)
    monkeypatch.setattr(assets, "ASSETS", tmp_path)
    whole = shipped_rows(tmp_path / "sweeps")
    assert len(whole) == sum(len(read_sweep(path)) for path in TABLES)
    for path in (tmp_path / "sweeps").glob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-100])
    shipped_rows.cache_clear()
    assert not shipped_rows(tmp_path / "sweeps")
    shipped_rows.cache_clear()
