from collections.abc import Callable

from torch import Tensor, nn

SUPPORTED_NON_LINEAR: dict[type[nn.Module], Callable[..., Tensor]]

def nonlinear(
    module: nn.Module, inputs: Tensor, outputs: Tensor, grad_input: Tensor, grad_output: Tensor, eps: float = 1e-10
) -> Tensor: ...
