"""What every test and docstring example may take for granted."""

import gc
import os

# Small networks gain nothing from more threads, and waiting threads slow a busy machine down; nor do servers of tests.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from torch import nn

torch.set_num_threads(1)
# All that imports left is looked through at every collection: it is done seldom.
gc.set_threshold(20_000, 20, 20)

BROWSER = "tests/browser/"
# Few tests and long ones: begun last, one worker would run at the end while the others wait.
LONG = (BROWSER, "tests/server/", "tests/app/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {part: place for place, part in enumerate(LONG)}
    items.sort(key=lambda item: next((places[part] for part in LONG if item.nodeid.startswith(part)), len(LONG)))


def pytest_collection_finish() -> None:
    """What has been imported stays: no collection looks at it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file goes to one worker; those of the browser all to the same, which starts one server and one Chromium."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)

    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def names_of_docstring_examples(doctest_namespace: dict) -> None:
    doctest_namespace.update(torch=torch, nn=nn)
