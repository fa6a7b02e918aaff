from abc import ABC, abstractmethod

from torch import Tensor
from torch.utils.data import DataLoader

class Model(ABC):
    @abstractmethod
    def fit(self, train_data: DataLoader[tuple[Tensor, ...]], **kwargs: object) -> dict[str, float | Tensor] | None: ...
    @abstractmethod
    def representation(self) -> Tensor: ...
    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor: ...
