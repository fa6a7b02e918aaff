"""What all tests of pages start from."""

from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

import pytest
import streamlit as st
import torch

from app.explore import decoder_training
from app.jobs import decoders as decoder_work
from app.jobs.backend import Backend
from app.jobs.costs import pass_seconds
from explainers.networks.added import ADDED
from explainers.networks.catalogue import Network, load_network
from explainers.networks.diagram import diagram
from tests.support.brief import brief
from tests.support.decoders import STEPS


@cache
def kept(name: str, device: torch.device) -> Network:
    return load_network(name, device)


class Seconds(dict[str, float]):
    """What a pass through a network takes, by its fingerprint; counted once, whatever server asks."""

    def __call__(self, store: Backend, network: Network) -> float:
        if network.fingerprint not in self:
            self[network.fingerprint] = pass_seconds(store, network)
        return self[network.fingerprint]


def make_brief(patch: pytest.MonkeyPatch) -> None:
    def load(name: str, device: torch.device, **options: object) -> Network:
        return load_network(name, device, **options) if name in ADDED else kept(name, device)

    patch.setattr("app.jobs.work.load_network", load)
    patch.setattr("app.jobs.costs.pass_seconds", Seconds())
    patch.setattr("app.jobs.backend.diagram", lru_cache(maxsize=8)(diagram))
    brief(patch)


@pytest.fixture(autouse=True, scope="package")
def brief_work() -> Iterator[pytest.MonkeyPatch]:
    """Networks are read, counted and drawn once, though every test has a new server.

    What pages do with a map does not depend on how many samples it is measured with.
    """
    with pytest.MonkeyPatch.context() as patch:
        make_brief(patch)
        yield patch


@pytest.fixture(scope="module")
def whole_work(brief_work: pytest.MonkeyPatch) -> Iterator[None]:
    """Maps as everybody has them, and no lesson's value that was measured briefly before."""
    brief_work.undo()
    st.cache_data.clear()
    yield
    st.cache_data.clear()
    make_brief(brief_work)


@pytest.fixture
def short_trainings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoders are small and soon trained, and kept in a folder of the test."""
    monkeypatch.setattr(decoder_work, "fitting_batch", lambda network: 4)
    monkeypatch.setattr(decoder_work, "STEPS", STEPS)
    monkeypatch.setattr(decoder_training, "STEPS", STEPS)
    monkeypatch.setattr(decoder_training, "LENGTHS", dict.fromkeys(STEPS, "Some"))
    monkeypatch.setattr(decoder_work, "BIRDS", 20)
