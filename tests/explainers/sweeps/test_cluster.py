"""A cluster of three nodes on this machine, one of which is killed in the middle of the work."""

import socket
import sys

import pandas as pd
import pytest
from PIL import Image

from explainers.sweeps.cluster import ClusterError, _packed, run_on_ray
from explainers.sweeps.local import run_here
from explainers.sweeps.pictures import find_pictures
from tests.support.sweeps import BENCH, compared, quick_plan, rows_of, todo


@pytest.fixture
def nodes(monkeypatch):
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    size = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=size)
    more = [made.add_node(**size) for _ in range(2)]
    ray.init(address=made.address, log_to_driver=False)
    yield made, more
    ray.shutdown()
    made.shutdown()


def test_rows_are_complete_and_the_same_though_a_node_is_killed(nodes):
    made, more = nodes
    wanted = todo(quick_plan(6, layers=("conv1",)))
    here = rows_of(run_here(wanted, BENCH))
    rows = []
    for number, done in enumerate(run_on_ray(wanted, BENCH, "auto")):
        rows += done.rows
        if number == 0:
            made.remove_node(more[0], allow_graceful=False)
    pd.testing.assert_frame_equal(compared(rows), here, check_exact=True)


def test_without_ray_or_a_cluster_there_is_one_sentence(monkeypatch):
    with monkeypatch.context() as gone:
        gone.setitem(sys.modules, "ray", None)
        with pytest.raises(ClusterError, match=r"pip install 'information-discarding-explorer\[cluster\]'"):
            next(run_on_ray([], BENCH, "auto"))
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "")
    with pytest.raises(ClusterError, match="expected a Ray cluster at 'auto', found none"):
        next(run_on_ray([], BENCH, "auto"))


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://127.0.0.1:{}", "ray://nowhere.invalid", "auto"])
def test_an_address_where_nobody_answers_is_refused_before_ray_is_asked(address, monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "init", lambda **_: pytest.fail("Ray goes on asking"))
    with socket.socket() as closed:
        # Bound, and listened to by nobody.
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
        with pytest.raises(ClusterError, match=r"nothing answers there \(.+\); check the address, or start one first"):
            next(run_on_ray([], BENCH, address.format(port)))


@pytest.mark.parametrize("address", ["head", "head:port", "ray://", "ray://:10001", "head:99999"])
def test_what_is_no_address_is_said(address):
    pytest.importorskip("ray")
    with pytest.raises(ClusterError, match="expected local, auto, HOST:PORT or ray://HOST:PORT, got"):
        next(run_on_ray([], BENCH, address))


def test_pictures_that_are_gone_before_they_travel_are_problems_and_the_rest_goes_on(tmp_path):
    for place, name in enumerate("abc"):
        Image.new("RGB", (40, 40), (place, 0, 0)).save(tmp_path / f"{name}.png")
    (block,) = todo(quick_plan(items=find_pictures(str(tmp_path)).items, batch=3))
    (tmp_path / "b.png").unlink()
    packed, gone = _packed(block)
    assert [item.name for item in packed.items] == ["a.png", "c.png"]
    assert [(one.picture, "gone or protected" in one.reason) for one in gone.problems] == [("b.png", True)]
    assert packed.count + gone.block.count == block.count
    assert [cell.rows for cell in packed.cells] == [(cell.rows[0], cell.rows[2]) for cell in block.cells]
    rows = rows_of(run_here([packed], BENCH))
    assert set(rows["row"]) == {row for cell in packed.cells for row in cell.rows}
