"""A real server that is killed while it computes and writes, and whose folder of results goes and comes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from explainers.storage.results import ResultStore
from tests.support.server import serving
from tests.support.visitor import SECRETS, asked, stream, told, visit
from tests.support.waiting import wait_until

LAYERS = ("conv1", "layer1.1", "layer2.0", "layer2.2", "layer3.0")
LIMIT = 20_000_000
NOTICE = "not kept on disk"


def homes(folder: Path) -> dict[str, str]:
    """Has a server keep its results there."""
    return {"RESULTS_HOME": str(folder), "RESULTS_LIMIT": str(LIMIT // 10**6)}


def query(layers: tuple[str, ...], seed: int = 0) -> str:
    """The address of a grid of cheap maps."""
    return f"network=resnet20-cifar10&refine=False&grid=8&view=grid&methods=cid&seed={seed}&layers={'+'.join(layers)}"


def look(address: str, layers: tuple[str, ...], seed: int = 0) -> str:
    """What the page says; its work goes on for a while after this visitor has left."""
    said = told(visit(address, query(layers, seed)))
    assert "exception {" not in said
    assert not [secret for secret in SECRETS if secret in said]
    return said


def entropies(folder: Path) -> dict[str, torch.Tensor]:
    """Of every entry on the disk, all of which can be read."""
    store = ResultStore(folder, limit=LIMIT)
    found = {key: store.get(key) for key in store.sizes()}
    assert None not in found.values()
    return {key: value.entropy for key, value in found.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("server") / "results"


@pytest.fixture(scope="module")
def before(folder) -> dict[str, torch.Tensor]:
    """What a server leaves behind that is killed as soon as it has kept a first map."""
    with serving(**homes(folder)) as (address, process), stream(address) as visitor:
        visitor.send(asked(query(LAYERS)).SerializeToString())
        wait_until(lambda: (folder / "results.sqlite").is_file() and ResultStore(folder, limit=LIMIT).sizes())
        process.kill()
    return entropies(folder)


@pytest.fixture(scope="module")
def address(folder, before) -> Iterator[str]:
    """The server after it."""
    with serving(**homes(folder)) as (address, _):
        yield address


@pytest.mark.long
def test_a_server_that_is_killed_at_work_finds_what_it_had_and_does_the_rest(folder, before, address):
    assert 0 < len(before) < len(LAYERS)
    assert NOTICE not in look(address, LAYERS)
    wait_until(lambda: len(ResultStore(folder, limit=LIMIT).sizes()) == len(LAYERS))
    after = entropies(folder)
    assert all(torch.equal(after[key], entropy) for key, entropy in before.items())
    assert f"All {len(LAYERS)} maps are ready" in look(address, LAYERS)


@pytest.mark.long
def test_a_folder_that_goes_and_comes_costs_results_and_nothing_else(folder, address):
    layers = LAYERS[:2]

    def kept() -> int:
        return len(ResultStore(folder, limit=LIMIT).sizes()) if folder.is_dir() else 0

    wait_until(lambda: "All 2 maps are ready" in look(address, layers, seed=1))
    wait_until(kept)
    shutil.rmtree(folder)
    folder.write_text("a file where the folder should be")
    wait_until(lambda: "All 2 maps are ready" in look(address, layers, seed=2), every=0.5)
    wait_until(lambda: NOTICE in look(address, layers, seed=2), every=0.5)
    folder.unlink()
    wait_until(lambda: "All 2 maps are ready" in look(address, layers, seed=3), every=0.5)
    # An answer is there before it is on the disk.
    wait_until(lambda: kept() == 2)
    assert NOTICE not in look(address, layers, seed=3)
    assert len(entropies(folder)) == 2
