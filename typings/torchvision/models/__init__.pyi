from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from torch import nn

class Weights:
    """One of a network's sets; `transforms` makes the preprocessing of an `ImageClassification`."""

    url: str
    meta: dict[str, Any]
    @property
    def transforms(self) -> Callable[[], Any]: ...

class _WeightsOfOneNetwork:
    def __iter__(self) -> Iterator[Weights]: ...

def get_model(name: str, **config: Any) -> nn.Module: ...
def get_model_builder(name: str) -> Callable[..., nn.Module]: ...
def get_model_weights(name: str) -> _WeightsOfOneNetwork: ...
def list_models(module: ModuleType | None = None) -> list[str]: ...
