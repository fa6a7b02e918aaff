"""U-Net: a contracting and an expanding path with copies across, for segmentation.

Ronneberger, Fischer, Brox, "U-Net: convolutional networks for biomedical image segmentation", MICCAI 2015,
Fig. 1. The convolutions are padded, so that the map has the size of the picture and nothing is cropped.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class DoubleConv(nn.Module):
    """Two 3×3 convolutions, each with a ReLU; with batch normalisation between them if wanted."""

    def __init__(self, in_channels: int, out_channels: int, normalised: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(out_channels) if normalised else nn.Identity()
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(out_channels) if normalised else nn.Identity()
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Two convolutions, (B, C, H, W) to (B, C′, H, W)."""
        x = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(x)))


class Merge(nn.Module):
    """The copy from the contracting path and the feature from below, one after the other in the channels."""

    def forward(self, copied: Tensor, below: Tensor) -> Tensor:
        """Both features, one after the other in the channels."""
        return torch.cat([copied, below], dim=1)


class UNet(nn.Module):
    """`depth` times down by 2×2 max-pooling and up by 2×2 up-convolution; `width` channels at the top.

    Takes (B, channels, H, W) with H and W divisible by 2^depth, gives logits per pixel (B, classes, H, W).
    The paper's network has depth 4, width 64 and no normalisation.

    Raises ValueError for other sizes.

    >>> UNet(channels=1, classes=2, width=4, depth=2)(torch.zeros(3, 1, 16, 24)).shape
    torch.Size([3, 2, 16, 24])
    """

    def __init__(
        self, channels: int = 3, classes: int = 1, width: int = 16, depth: int = 4, normalised: bool = False
    ) -> None:
        super().__init__()
        self.depth = depth
        widths = [width * 2**level for level in range(depth + 1)]
        for level, (inner, outer) in enumerate(zip([channels, *widths], widths, strict=False), start=1):
            if level > 1:
                self.add_module(f"pool{level - 1}", nn.MaxPool2d(2))
            self.add_module(f"down{level}", DoubleConv(inner, outer, normalised))
        for level in range(depth, 0, -1):
            outer = widths[level - 1]
            self.add_module(f"upconv{level}", nn.ConvTranspose2d(2 * outer, outer, 2, stride=2))
            self.add_module(f"merge{level}", Merge())
            self.add_module(f"up{level}", DoubleConv(2 * outer, outer, normalised))
        self.head = nn.Conv2d(width, classes, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (B, C, H, W) to scores (B, classes, H, W). Raises ValueError where the sides do not divide."""
        step = 2**self.depth
        if x.shape[-2] % step or x.shape[-1] % step:
            raise ValueError(f"expected a height and a width divisible by {step}, got {x.shape[-2]}×{x.shape[-1]}")
        copies = [self.get_submodule("down1")(x)]
        for level in range(1, self.depth + 1):
            pooled = self.get_submodule(f"pool{level}")(copies[-1])
            copies.append(self.get_submodule(f"down{level + 1}")(pooled))
        x = copies.pop()
        for level in range(self.depth, 0, -1):
            x = self.get_submodule(f"upconv{level}")(x)
            x = self.get_submodule(f"merge{level}")(copies.pop(), x)
            x = self.get_submodule(f"up{level}")(x)
        return self.head(x)


def fold_normalisation(net: UNet) -> UNet:
    """The same function in evaluation mode, with every batch normalisation merged into its convolution.

    >>> net = UNet(width=4, depth=1, normalised=True).eval()
    >>> x = torch.randn(1, 3, 8, 8)
    >>> torch.allclose(fold_normalisation(net)(x), net(x), atol=1e-4)
    True
    """
    folded = deepcopy(net).eval()
    for block in folded.modules():
        if isinstance(block, DoubleConv):
            for i in (1, 2):
                conv, norm = block.get_submodule(f"conv{i}"), block.get_submodule(f"bn{i}")
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    setattr(block, f"conv{i}", fuse_conv_bn_eval(conv, norm))
                    setattr(block, f"bn{i}", nn.Identity())
    return folded
