"""A cluster of three nodes on this machine, one of which is killed in the middle of the work."""

import sys

import pandas as pd
import pytest

from explainers.sweeps.cluster import ClusterError, run_on_ray
from explainers.sweeps.local import run_here
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
