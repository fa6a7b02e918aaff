"""Rows are what the app would show, whoever computes them: alone or together, here, in processes, or found kept."""

import time
from dataclasses import asdict, fields, replace

import pandas as pd
import pytest
import torch
from PIL import Image

from explainers.cid.concentration import concentration
from explainers.methods.request import answer
from explainers.storage.results import ResultStore
from explainers.sweeps.items import BirdItem
from explainers.sweeps.local import TRIES, run_here, run_processes
from explainers.sweeps.pictures import find_pictures
from explainers.sweeps.plan import swept_network
from explainers.sweeps.work import work
from tests.support.sweeps import BENCH, NETWORK, QUICK, compared, quick_plan, rows_of, todo


@pytest.fixture(scope="module")
def plan():
    return quick_plan(2, methods=("cid", "grad_cam"))


@pytest.fixture(scope="module")
def here(plan):
    return [row for done in run_here(todo(plan), BENCH) for row in done.rows]


@pytest.mark.long
def test_rows_are_the_maps_of_the_requests_of_the_app(plan, here):
    network = swept_network(NETWORK)
    assert len(here) == 2 * 4
    for row in here:
        seen = next(item for item in plan.items if item.name == row.picture).seen_by(network)
        request = seen.request(network, network.layer(row.layer), row.method, QUICK)
        assert row.key == request.key
        threads = torch.get_num_threads()
        torch.set_num_threads(BENCH.threads)
        result = answer(request)
        torch.set_num_threads(threads)
        if row.method == "grad_cam":
            assert row.mean == float(result.map.double().mean())
            assert row.constraint is row.concentration is None
            continue
        assert row.mean == result.mean.item()
        assert row.constraint == result.constraint.item()
        assert row.converged == result.converged.item()
        assert row.concentration == pytest.approx(float(concentration(result.map, mask=seen.mask)))
        assert (row.forward_passes, row.backward_passes) == (result.forward_passes, result.backward_passes)


def test_every_setting_is_a_column(here):
    called = {"method": "solver"}
    for row in here:
        assert {one.name: getattr(row, called.get(one.name, one.name)) for one in fields(QUICK)} == asdict(QUICK)


def test_rows_say_what_the_network_answers(here):
    network = swept_network(NETWORK)
    for row in here:
        # Rendered birds are birds to a network that knows no species.
        assert row.label == "bird"
        assert row.answer in network.classes
        assert row.right == (row.answer == "bird")
        assert (row.place, row.layers) == (network.layers.index(network.layer(row.layer)), len(network.layers))
        assert row.foreground == "mask"


@pytest.mark.long
def test_processes_compute_the_same_to_the_last_bit(plan, here):
    away = rows_of(run_processes(todo(plan), BENCH, 2))
    pd.testing.assert_frame_equal(away, compared(here), check_exact=True)


def test_together_is_as_alone_but_for_rounding(plan, here):
    together = rows_of(run_here(todo(replace(plan, batch=2)), BENCH))
    alone = compared(here)
    assert list(together["row"]) == list(alone["row"])
    for name in ("mean", "concentration"):
        assert together[name].notna().any()
        pd.testing.assert_series_equal(together[name], alone[name], check_exact=False, rtol=1e-3)
    # Noise is drawn until the constraint is known of all pictures of a batch.
    gap = (together["constraint"] - alone["constraint"]).abs().dropna()
    assert len(gap) == 4
    assert (gap <= 4 * alone["constraint_error"].dropna()).all()


def test_maps_that_are_kept_are_not_computed_again(tmp_path, monkeypatch, plan, here):
    monkeypatch.setenv("RESULTS_HOME", str(tmp_path))
    monkeypatch.setenv("RESULTS_LIMIT", "5")
    network, (item, *_) = swept_network(NETWORK), plan.items
    request = item.seen_by(network).request(network, network.layer("conv1"), "cid", QUICK)
    ResultStore().put(request.key, replace(answer(request), mean=torch.tensor([7.0])))
    block = todo(quick_plan(1))[0]
    kept, _ = work(block, replace(BENCH, store=True)).rows
    computed, _ = work(block, BENCH).rows
    assert kept.mean == 7
    assert computed.mean == here[0].mean


def test_broken_pictures_are_problems_of_their_own(tmp_path):
    Image.new("RGB", (40, 40), "red").save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    plan = quick_plan(items=find_pictures(str(tmp_path)).items, batch=2)
    (done,) = run_here(todo(plan), BENCH)
    assert {row.picture for row in done.rows} == {"good.png"}
    assert [(one.picture, one.network) for one in done.problems] == [("bad.png", NETWORK)]
    assert done.problems[0].reason.startswith("bad.png: expected")


@pytest.mark.long
def test_a_block_that_ends_its_process_is_given_up_and_the_others_are_done(monkeypatch, tmp_path):
    plan = quick_plan(2, layers=("conv1",))
    plan = replace(plan, items=(_Slow(0), _Fatal(), plan.items[1]))
    done = list(run_processes(todo(plan), BENCH, 2))
    # The slow one is under way whenever the fatal one is begun beside it.
    assert {row.picture for one in done for row in one.rows} == {"bird/0", "bird/1"}
    (problem,) = [problem for one in done for problem in one.problems]
    assert problem.picture == "fatal"
    assert f"{TRIES} times" in problem.reason


class _Slow(BirdItem):
    """A bird that takes its time."""

    def seen_by(self, network):
        time.sleep(3)
        return super().seen_by(network)


class _Fatal:
    """A picture that no process survives."""

    name, labels = "fatal", ()

    def identity(self) -> str:
        return "fatal"

    def seen_by(self, network):
        import os

        os._exit(9)

    def packed(self):
        return self
