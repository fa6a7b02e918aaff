"""Memory first, then the disk: found after a restart, in memory when there is no disk."""

import pytest
import torch

from app.jobs import reading
from app.jobs.kept import RECORDS, Kept
from app.jobs.memory import MEBIBYTE, Store
from explainers.baselines.explain import Explanation
from explainers.fairness.check import Check, Proof
from explainers.storage.results import ResultStore
from tests.support.records import explanation, same


@pytest.fixture(autouse=True)
def patient(monkeypatch) -> None:
    """However slow the disk of this machine is."""
    monkeypatch.setattr(reading, "AT_ONCE", 60.0)


def kept(folder) -> Kept:
    return Kept(Store(MEBIBYTE), ResultStore(folder, MEBIBYTE, RECORDS))


def check() -> Check:
    proof = Proof(1e-6, None, 7.0, "a bird", "a bird", None, "no linear output")
    maps = torch.rand(6, 3, 4, 4).numpy()
    return Check(proof, maps, maps[0, 0], maps[:2, 0], ("", "not here"), 1.0, "maps", maps[0, 0], maps[:2, 0])


@pytest.mark.parametrize("made", [lambda: explanation(1.0), check], ids=["explanation", "check"])
def test_records_are_found_after_a_restart(tmp_path, made):
    record = made()
    kept(tmp_path).put("a", record)
    after = kept(tmp_path)
    assert after.get("a") is None
    assert same(after.find("a", "anna"), record)
    assert after.get("a") is not None
    after.drop("a")
    assert kept(tmp_path).find("a", "anna") is None


def test_text_and_tensors_stay_in_memory(tmp_path):
    store = kept(tmp_path / "results")
    store.put("a", "because")
    store.put("b", torch.ones(3))
    assert store.get("a") == "because"
    assert not (tmp_path / "results").exists()


def test_what_was_absent_is_found_once_it_was_put(tmp_path):
    store = kept(tmp_path)
    assert store.find("a", "anna") is None
    store.put("a", explanation(1.0))
    assert store.find("a", "anna") is not None


def test_without_a_disk_memory_goes_on(tmp_path):
    (tmp_path / "results").write_text("not a folder")
    store = kept(tmp_path / "results")
    store.put("a", explanation(1.0))
    assert same(store.get("a"), explanation(1.0))
    assert store.problem.startswith("Results are not kept on disk")


def test_a_record_that_cannot_be_written_is_kept_in_memory(tmp_path, caplog):
    odd = Explanation(torch.ones(1), None, 1.0, 1.0, object())
    store = kept(tmp_path)
    store.put("a", odd)
    assert store.get("a") is odd
    assert "cannot be written" in caplog.text
