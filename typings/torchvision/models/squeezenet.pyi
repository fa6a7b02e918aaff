from torch import Tensor, nn

class Fire(nn.Module):
    squeeze: nn.Conv2d
    expand1x1: nn.Conv2d
    expand3x3: nn.Conv2d
    def __init__(self, inplanes: int, squeeze_planes: int, expand1x1_planes: int, expand3x3_planes: int) -> None: ...
    def forward(self, x: Tensor) -> Tensor: ...
