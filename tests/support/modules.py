"""Modules that networks of tests are put together from."""

from collections.abc import Callable

from torch import Tensor, nn


class Fn(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)
