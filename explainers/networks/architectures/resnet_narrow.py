"""Residual networks of four stages, narrowed for pictures of 64×64 pixels.

He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, table 1. The blocks are torchvision's;
the first convolution is 3×3 with stride 1, as such small pictures ask for, and the stages have the widths of our VGG.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

WIDTHS = (24, 48, 96, 160)
# By depth: the block and how many of it each stage has.
DEPTHS: dict[int, tuple[type[BasicBlock | Bottleneck], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
}


class NarrowResNet(nn.Module):
    """ResNet-18, -34 or -50 of those `widths`: pictures (B, 3, H, W) to scores (B, classes).

    Raises ValueError for another depth.

    >>> NarrowResNet(18, classes=24)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 24])
    """

    def __init__(self, depth: int, classes: int, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"expected a depth of {', '.join(map(str, DEPTHS))}, got {depth}; choose one of these")
        block, counts = DEPTHS[depth]
        self.conv1 = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(2)
        inner = widths[0]
        stages: list[nn.Sequential] = []
        for place, (width, count) in enumerate(zip(widths, counts, strict=True)):
            stages.append(_stage(block, inner, width, count, 2 if place else 1))
            inner = width * block.expansion
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(inner, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) to scores (B, classes)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.flatten(self.avgpool(x)))


def _stage(block: type[BasicBlock | Bottleneck], inner: int, width: int, count: int, stride: int) -> nn.Sequential:
    outer = width * block.expansion
    shortcut = None
    if stride > 1 or inner != outer:
        shortcut = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))
    first = block(inner, width, stride, shortcut)
    return nn.Sequential(first, *(block(outer, width) for _ in range(count - 1)))
