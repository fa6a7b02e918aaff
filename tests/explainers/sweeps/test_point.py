"""A point of a curve: the numbers of its maps, whoever asks for them, and nothing twice."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from app.jobs.kept import RECORDS
from explainers import CIDSettings, load_network
from explainers.methods.request import MapRequest, Workbench, answer
from explainers.storage.records import decode, encode
from explainers.storage.whole_files import write_whole
from explainers.sweeps import shipped as module
from explainers.sweeps.items import BirdItem
from explainers.sweeps.plan import Block, Cell
from explainers.sweeps.point import Point, PointRequest
from explainers.sweeps.row import Row, as_table
from explainers.sweeps.shipped import shipped, shipped_rows
from explainers.sweeps.work import Bench, work
from tests.support.sweeps import TIMES, Shelf

SETTINGS = CIDSettings(refine=False, grid=4, probes=8)
BIRDS = (BirdItem(0), BirdItem(3))
ROWS = {
    ("cid", "layer1.0"): (
        "7e39fbfaf7789ba369ddcae7d56d8c4e6bce806d895ce5cd927a436eab2b73ba",
        "d9e6938af25ee2e3bba76cd035bcf881396eb5418f149244122cf266e3d49a5c",
        "7434b90c647908c249f079239ad2a034933e51953554769779558e572d3477bc",
    ),
    ("ru", "fc"): (
        "45ac1224123a5b4b61de8a3d7d6476992bbc19ca77b6ae1953ea8433b43782fe",
        "d8947008391977f816a72ad8cfb938f139b5e93401f7aa01bd6d8833089acdf4",
        "2dac7738e66f56da38ea8ccba498c2336b7e9f346f9faddea02993c2c1fc7d5b",
    ),
    ("saliency", "layer1.0"): (
        "db9e1f6849b2579069f3468df3e8d150c24858d0eb50597692243d77fa7486fe",
        "5e670e0ae376588820e440ba56f069d61544accbb05aef5d798975fd5e0dc310",
        "f78dbe4e88dc6921f3130a4fa449c8518fb68aacd1721241fcf739c2ed34c2c7",
    ),
}


def request(*birds: BirdItem, layer: str = "layer1.0", method: str = "cid") -> PointRequest:
    network = load_network("resnet20-cifar10")
    return PointRequest(network, network.layer(layer), method, birds or BIRDS, SETTINGS)


def timeless(rows) -> list[Row]:
    return [replace(row, **dict.fromkeys(TIMES, 0.0)) for row in rows]


@pytest.mark.parametrize("method", ["cid", "saliency"])
def test_rows_hold_the_numbers_of_the_maps_alone_and_of_a_sweep(method):
    wanted = request(method=method)
    point = answer(wanted)
    assert point.progress == 1
    for row, bird in zip(point.rows, BIRDS, strict=True):
        seen = bird.seen_by(wanted.network)
        alone = MapRequest(wanted.network, wanted.layer, seen.x, seen.digest, method, SETTINGS)
        assert row.key == alone.key
        assert row.mean == pytest.approx(float(answer(alone).map.double().mean()), rel=1e-6)
    bench = Bench(threads=torch.get_num_threads(), store=False)
    swept: list[Row] = []
    for bird, name in zip(BIRDS, wanted.names, strict=True):
        swept += work(Block(0, "resnet20-cifar10", (bird,), (Cell("layer1.0", method, (name,)),), SETTINGS), bench).rows
    assert repr(timeless(point.rows)) == repr(timeless(swept))


def test_what_is_on_the_shelf_is_not_made_again():
    bench = Workbench(shelf=Shelf())
    first = answer(request(BIRDS[0]), bench)
    frames = list(request().stream(bench))
    assert frames[0].rows == first.rows
    assert frames[0].progress == 0.5
    assert [len(frame.rows) for frame in frames] == sorted(len(frame.rows) for frame in frames)
    assert list(request().stream(bench))[-1].rows == frames[-1].rows


def test_a_map_that_is_not_ready_moves_the_progress_and_has_no_row():
    frames = list(request(BIRDS[0]).stream(Workbench()))
    assert len(frames) > 2
    assert [frame.preliminary for frame in frames] == [True] * (len(frames) - 1) + [False]
    assert [frame.progress for frame in frames] == sorted(frame.progress for frame in frames)


def test_equal_requests_have_equal_keys_and_others_others():
    keys = {request().key, request(*reversed(BIRDS)).key, request(BIRDS[0]).key, request(layer="fc").key}
    assert len(keys) == 4
    assert request().key == request().key
    assert request().cost == 2 * request(BIRDS[0]).cost
    assert "decoder" in (request(layer="layer2.0", method="ru").refusal() or "")


@pytest.mark.parametrize(("method", "layer"), ROWS)
def test_rows_and_points_are_found_again_under_the_keys_that_were_written_down(as_written, method, layer):
    """As version 0.2 makes them: names of rows, by which a stopped sweep goes on, and the key of the point of both."""
    wanted = request(method=method, layer=layer)
    assert (*wanted.names, wanted.key) == ROWS[method, layer]


@pytest.mark.parametrize("changed", ["preprocessing", "classes"])
def test_the_same_weights_that_see_or_call_pictures_otherwise_have_other_rows(changed):
    network = load_network("resnet20-cifar10")
    value = network.preprocessing if changed == "preprocessing" else network.classes
    other = replace(value, crop=24) if changed == "preprocessing" else tuple(reversed(value))
    requests = [replace(request(), network=one) for one in (network, replace(network, **{changed: other}))]
    assert len({one.key for one in requests}) == 2
    assert not set(requests[0].names) & set(requests[1].names)


def test_a_point_can_be_kept():
    point = answer(request(BIRDS[0]))
    again = decode(*encode(point, RECORDS), RECORDS)
    assert isinstance(again, Point)
    assert repr(again) == repr(point)
    assert again.seconds == point.seconds > 0


def test_shipped_rows_are_found_by_what_they_depend_on_and_on_any_machine(tmp_path):
    wanted = request()
    (row, _) = answer(wanted).rows
    pq.write_table(as_table([row]), tmp_path / "small.parquet")
    write_whole(tmp_path / "damaged.parquet", b"PAR1")
    pq.write_table(pa.table({"network": ["a"]}), tmp_path / "another.parquet")
    found = shipped_rows(tmp_path)
    assert repr(found) == repr({row.row: row})
    rest = (wanted.network, wanted.layer, "cid", BIRDS)
    there, lacking = shipped(*rest, SETTINGS, found)
    assert repr(there) == repr((row,))
    assert lacking == BIRDS[1:]
    for other in (replace(SETTINGS, beta=1e-3), replace(SETTINGS, seed=1), replace(SETTINGS, refine=True)):
        assert shipped(*rest, other, found) == ((), BIRDS)
    assert module.DEVICES == ("cpu", "cuda")
