"""Residual networks for 32×32 pictures, with 6n+2 weighted layers.

He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, section 4.2, with
option A shortcuts: where the width grows, the identity is subsampled and padded with zero channels. Option B, which
others' weights files have, is a 1×1 convolution with batch normalisation there.
"""

from torch import Tensor, nn
from torch.nn import functional as F

# Channels of an inserted damage.
NARROW = 8


class PadShortcut(nn.Module):
    """Identity shortcut of option A: every `stride`-th pixel, zero channels on both sides."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.pad = (out_channels - in_channels) // 2

    def forward(self, x: Tensor) -> Tensor:
        """Every `stride`-th position, with channels of zeros on both sides."""
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, self.pad, self.pad)) if self.pad else x


class BasicBlock(nn.Module):
    """Two 3×3 convolutions with batch normalisation and a shortcut around them."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, shortcut: str = "A") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = PadShortcut(in_channels, out_channels, stride)
        if shortcut == "B" and in_channels != out_channels:
            conv = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(out_channels))
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Two convolutions and the shortcut around them."""
        out = self.relu1(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu2(out + self.shortcut(x))


class Narrowing(nn.Module):
    """Two 1×1 convolutions, to `inner` channels and back to `channels`, each before a ReLU, and no way around."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(channels, inner, 1)
        self.relu1 = nn.ReLU()
        self.widen = nn.Conv2d(inner, channels, 1)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """One convolution after the other."""
        return self.relu2(self.widen(self.relu1(self.narrow(x))))


class ResNetCIFAR(nn.Module):
    """ResNet with `depth` = 6n+2 weighted layers: three stages of n blocks, of `width`, twice and four times that.

    Takes (B, 3, 32, 32) (any size of 8 and more works), gives logits (B, classes). `shortcut` is "A" or "B". With
    `inserted` 1, 2 or 3 the stage of that number is followed by a damage: two 1×1 convolutions, to eight channels and
    back, without a shortcut around them (Ma et al., 2019, arXiv:1906.04109v1, Fig. 4a).

    >>> ResNetCIFAR(20)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self, depth: int, classes: int = 10, width: int = 16, shortcut: str = "A", inserted: int | None = None
    ) -> None:
        super().__init__()
        if depth < 8 or (depth - 2) % 6:
            raise ValueError(f"expected a depth of 6n+2 (8, 14, 20, 26, …), got {depth}")
        n = (depth - 2) // 6
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.layer1 = self._stage(width, width, n, 1, shortcut)
        self.layer2 = self._stage(width, 2 * width, n, 2, shortcut)
        self.layer3 = self._stage(2 * width, 4 * width, n, 2, shortcut)
        if inserted is not None:
            channels = width * 2 ** (inserted - 1)
            stage: nn.Sequential = getattr(self, f"layer{inserted}")
            stage.append(Narrowing(channels, NARROW))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(4 * width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def _stage(in_channels: int, out_channels: int, n: int, stride: int, shortcut: str) -> nn.Sequential:
        first = BasicBlock(in_channels, out_channels, stride, shortcut)
        return nn.Sequential(first, *(BasicBlock(out_channels, out_channels, 1, shortcut) for _ in range(n - 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) to scores (B, classes)."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.flatten(self.avgpool(x)))
