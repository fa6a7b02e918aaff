from torch import Tensor, nn

class BasicBlock(nn.Module): ...
class Bottleneck(nn.Module): ...

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
