"""What all tests of pages start from."""

from collections.abc import Iterator
from functools import cache

import pytest
import torch

from explainers.networks.added import ADDED
from explainers.networks.catalogue import Network, load_network
from tests.support.brief import brief


@cache
def kept(name: str, device: torch.device) -> Network:
    return load_network(name, device)


@pytest.fixture(autouse=True, scope="package")
def brief_work() -> Iterator[None]:
    """Networks are read once; what pages do with a map does not depend on how many samples it is measured with."""

    def load(name: str, device: torch.device, **options: object) -> Network:
        return load_network(name, device, **options) if name in ADDED else kept(name, device)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.jobs.work.load_network", load)
        brief(patch)
        yield
