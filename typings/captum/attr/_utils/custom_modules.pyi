from torch import Tensor, nn

class Addition_Module(nn.Module):  # noqa: N801
    def forward(self, x1: Tensor, x2: Tensor) -> Tensor: ...
