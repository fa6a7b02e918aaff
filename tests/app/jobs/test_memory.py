"""The store keeps to its bound; keys tell any two requests apart."""

import threading
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from app.jobs.memory import Recent, Store, weight
from explainers.storage.digest import digest


@dataclass(frozen=True)
class Record:
    array: np.ndarray
    tensor: torch.Tensor
    picture: Image.Image


def test_weight_counts_what_a_record_holds():
    record = Record(np.zeros(1000), torch.zeros(1000), Image.new("RGB", (10, 10)))
    assert 8000 + 4000 + 300 <= weight(record) <= 8000 + 4000 + 300 + 4 * 512


def test_the_store_never_holds_more_than_its_limit():
    store = Store(limit=100_000)
    for number in range(50):
        store.put(str(number), np.full(1000, number, dtype=float))
    kept = [number for number in range(50) if store.get(str(number)) is not None]
    assert kept == list(range(50 - len(kept), 50))
    assert 9 <= len(kept) <= 12
    store.put("too large", np.zeros(100_000))
    assert store.get("too large") is None


def test_the_least_recently_used_goes_first():
    store = Store(limit=3 * 1024)
    store.put("a", np.zeros(64))
    store.put("b", np.zeros(64))
    store.get("a")
    store.put("c", np.zeros(64))
    store.put("d", np.zeros(64))
    assert store.get("a") is not None
    assert store.get("b") is None


def test_digests_of_large_arrays_see_every_byte():
    one = np.zeros(2_000_000, dtype=np.uint8)
    other = one.copy()
    other[1_234_567] = 1
    assert digest(one.tobytes()) != digest(other.tobytes())
    assert digest("a", "bc") != digest("ab", "c")


def test_recent_values_may_be_used_from_many_threads():
    recent, wrong = Recent(8, 1e-4), []

    def work() -> None:
        try:
            for number in range(5000):
                recent.put(str(number % 12), number)
                recent.get(str(number % 7))
                recent.drop(str(number % 5))
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
