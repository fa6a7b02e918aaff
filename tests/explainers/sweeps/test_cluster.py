"""A cluster of three nodes on this machine, one of which is killed in the middle of the work."""

import socket
import sys
import threading

import pandas as pd
import pytest
from PIL import Image

from explainers.sweeps import cluster
from explainers.sweeps.cluster import ClusterError, _check_answers, _Crew, _packed, run_on_ray
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


@pytest.mark.long
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


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "something else answers there; check the port"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "something else answers there; check the port"),
        (None, r"nothing answers there \(it did not answer\)"),
        (b"\0\0\6\4\0\0\0\0\0\0\3\0\0\0\1", None),
    ],
)
def test_whoever_answers_has_to_speak_as_ray_does(answer, reason, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server, monkeypatch.context() as plain:
        plain.delenv("RAY_USE_TLS", raising=False)
        asked = threading.Event()

        def serve():
            with server.accept()[0] as other:
                if answer is None:
                    asked.wait(30)
                elif other.recv(1000):
                    other.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        address = f"ray://127.0.0.1:{server.getsockname()[1]}"
        if reason is None:
            _check_answers(address)
        else:
            with pytest.raises(ClusterError, match=reason):
                _check_answers(address)
        asked.set()


class OneMachine:
    """Ray's calls, answered here and at once; who is killed is noted."""

    class exceptions:  # noqa: N801
        RayError = RuntimeError

    def __init__(self):
        self.killed = 0

    def cluster_resources(self):
        return {"CPU": 1.0}

    def remote(self, **wants):
        return lambda kind: self.Remote(kind)

    class Remote:
        """What is called with `remote` instead, a class or a method."""

        def __init__(self, called):
            self.called = called

        def remote(self, *given):
            made = self.called(*given)
            return OneMachine.Handle(made) if isinstance(self.called, type) else OneMachine.Answer(made)

    class Handle:
        """A worker."""

        def __init__(self, made):
            self.ready, self.work = OneMachine.Remote(made.ready), OneMachine.Remote(made.work)

    class Answer:
        """What a call gave."""

        def __init__(self, value):
            self.value = value

    def wait(self, references, num_returns):
        return references[:num_returns], references[num_returns:]

    def get(self, reference):
        return reference.value

    def kill(self, worker):
        self.killed += 1


def test_on_a_cluster_too_nothing_is_begun_after_the_limit_and_what_is_begun_is_kept():
    wanted = todo(quick_plan(3, layers=("conv1",)))
    assert len(wanted) == 3
    ray, begun = OneMachine(), iter([True, True])
    crew = _Crew(ray, wanted, BENCH, go_on=lambda: next(begun, False))
    rows = rows_of(done for _ in iter(lambda: crew.busy, False) for done in crew.next())
    pd.testing.assert_frame_equal(rows, rows_of(run_here(wanted[:2], BENCH)), check_exact=True)
    assert ray.killed == 1


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
