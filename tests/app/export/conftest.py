"""What tests of files start from."""

from collections.abc import Iterator

import pytest
import torch

from app.jobs.backend import Backend
from explainers import Network, load_network


@pytest.fixture(scope="module")
def store() -> Iterator[Backend]:
    made = Backend(torch.device("cpu"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("resnet20-cifar10")
