"""What every test and docstring example may take for granted."""

import gc

import pytest
import torch
from torch import nn

# Small networks gain nothing from more threads, and waiting threads slow a busy machine down.
torch.set_num_threads(1)
# All that imports left is looked through at every collection: it is done seldom.
gc.set_threshold(20_000, 20, 20)


@pytest.fixture(autouse=True)
def names_of_docstring_examples(doctest_namespace: dict) -> None:
    doctest_namespace.update(torch=torch, nn=nn)
