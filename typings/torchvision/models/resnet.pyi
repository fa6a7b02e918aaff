from torch import Tensor, nn

class BasicBlock(nn.Module):
    expansion: int
    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None) -> None: ...

class Bottleneck(nn.Module):
    expansion: int
    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None) -> None: ...

class ResNet(nn.Module):
    conv1: nn.Conv2d
    maxpool: nn.MaxPool2d
    def __init__(
        self,
        block: type[BasicBlock | Bottleneck],
        layers: list[int],
        num_classes: int = 1000,
        *,
        groups: int = 1,
        width_per_group: int = 64,
    ) -> None: ...
    def forward(self, x: Tensor) -> Tensor: ...
