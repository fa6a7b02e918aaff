"""The decoder of RU: from a layer's feature back to the picture.

Six residual blocks, with transposed convolutions on both tracks of the first ones, as in the ICML 2022
paper's section 4 (eight for its Appendix J).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Channels by how often a map has been halved against the picture: full size first.
WIDTHS = (24, 32, 48, 64, 64)
LARGEST_DOUBLINGS = 4


class DecoderBlock(nn.Module):
    """A residual block; with `scale` 1 or 2 both tracks are transposed convolutions, with None neither is."""

    def __init__(self, in_channels: int, out_channels: int, scale: int | None) -> None:
        super().__init__()
        if scale is None:
            self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
            self.shortcut = nn.Identity()
        else:
            # Kernels of 4 and 2 cover every pixel equally often at stride 2: no checkerboard.
            kernel = 3 if scale == 1 else 4
            self.conv1 = nn.ConvTranspose2d(in_channels, out_channels, kernel, scale, padding=1, bias=False)
            self.shortcut = nn.ConvTranspose2d(in_channels, out_channels, scale, scale, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C′, h, w)."""
        out = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(out)) + self.shortcut(x))


class Decoder(nn.Module):
    r"""g: feature rows (B, D) -> pictures (B, 3, H, W) in [0, 1].

    `shape` is the layer's: (C, h, w), or (D,) for a fully connected layer, or (tokens, D) for a transformer, whose
    tokens beyond a square (the class token) are repeated at every place. `size` is (H, W). The first 2 to 4
    of `blocks` blocks are transposed, and double the map as often as is needed; what four doublings do not reach
    is done by the first layer. `mean` and `std` are those of the network's inputs x, so that `picture(x)` is what
    g should give.

    >>> Decoder((64, 8, 8), (32, 32))(torch.zeros(2, 64 * 64)).shape
    torch.Size([2, 3, 32, 32])
    >>> Decoder((10,), (64, 64), blocks=8)(torch.zeros(2, 10)).shape
    torch.Size([2, 3, 64, 64])
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        size: tuple[int, int],
        blocks: int = 6,
        mean: tuple[float, ...] = (0.0, 0.0, 0.0),
        std: tuple[float, ...] = (1.0, 1.0, 1.0),
    ) -> None:
        super().__init__()
        if blocks < LARGEST_DOUBLINGS:
            raise ValueError(f"expected a decoder of at least {LARGEST_DOUBLINGS} blocks, got {blocks}")
        self.shape, self.size, self.blocks_count = tuple(shape), tuple(size), blocks
        channels, height, width = map_shape(self.shape)
        doublings = min(LARGEST_DOUBLINGS, max(0, round(math.log2(min(size[0] / height, size[1] / width)))))
        self.start = tuple(math.ceil(side / 2**doublings) for side in size)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))
        # Features of different layers differ by orders of magnitude; the first thing is to undo that.
        self.scale = nn.BatchNorm2d(channels, affine=False)
        single = (height, width) == (1, 1)
        self.stem = (
            nn.ConvTranspose2d(channels, WIDTHS[doublings], self.start)
            if single
            else nn.Conv2d(channels, WIDTHS[doublings], 3, padding=1)
        )
        transposed = max(2, doublings)
        widths = [WIDTHS[max(doublings - i, 0)] for i in range(blocks + 1)]
        scales = [2 if i < doublings else 1 if i < transposed else None for i in range(blocks)]
        self.blocks = nn.Sequential(*map(DecoderBlock, widths, widths[1:], scales))
        self.head = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, rows: Tensor) -> Tensor:
        """Features (B, n) to pictures (B, 3, H, W) in the network's units."""
        x = self.scale(as_map(rows, self.shape))
        if x.shape[-2:] != (1, 1) and x.shape[-2:] != self.start:
            x = F.interpolate(x, size=self.start, mode="bilinear", align_corners=False)
        out = self.head(self.blocks(F.relu(self.stem(x))))
        return out[..., : self.size[0], : self.size[1]].sigmoid()

    def picture(self, x: Tensor) -> Tensor:
        """Inputs in network units (B, 3, H, W) as pictures in [0, 1]."""
        return x * self.std + self.mean


def map_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(channels, height, width) of a layer's feature seen as a map.

    >>> map_shape((10,)), map_shape((8, 4, 4)), map_shape((197, 768))
    ((10, 1, 1), (8, 4, 4), (1536, 14, 14))
    """
    if len(shape) == 3:
        return shape
    if len(shape) == 2:
        side = math.isqrt(shape[0])
        extra = shape[0] - side**2
        return shape[1] * (1 + extra), side, side
    return math.prod(shape), 1, 1


def as_map(rows: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Feature rows (B, D) as maps (B, C, h, w)."""
    if len(shape) != 2:
        return rows.view(-1, *map_shape(shape))
    side = math.isqrt(shape[0])
    tokens = rows.view(-1, *shape)
    extra = shape[0] - side**2
    places = torch.unflatten(tokens[:, extra:].mT, 2, (side, side))
    whole = tokens[:, :extra].flatten(1)[..., None, None].expand(-1, -1, side, side)
    return torch.cat([whole, places], 1)
