"""A picture as one network sees it: its tensor, and the foreground moved along with it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Tensor

from explainers.cid.results import CIDSettings
from explainers.methods.request import MapRequest
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.digest import digest

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class NetworkInput:
    """`x` (3, H, W) in network units; `picture` (H, W, 3) uint8; `mask` (H, W) bool; `box` half-open pixels.

    `digest` is SHA-256 over the tensor: what results depend on; `key` is that of the picture, with its part.
    """

    title: str
    x: Tensor
    picture: np.ndarray
    mask: np.ndarray | None
    box: Box | None
    digest: str
    key: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.picture.shape[:2]
        return height, width

    @property
    def foreground(self) -> np.ndarray | None:
        """The mask, or else the box as one; None where neither is known."""
        if self.mask is not None or self.box is None:
            return self.mask
        return filled(self.box, (self.size[1], self.size[0]))

    def request(
        self, network: Network, layer: Layer, method: str, settings: CIDSettings, target: int | None = None
    ) -> MapRequest:
        """Its map by a method, of the class `target` (None: the likeliest)."""
        return MapRequest(network, layer, self.x, self.digest, method, settings, target)


def network_input(
    network: Network,
    image: Image.Image,
    mask: np.ndarray | None = None,
    box: Box | None = None,
    title: str = "",
    key: str = "",
) -> NetworkInput:
    """The picture through the network's own scaling, cropping and normalisation.

    Mask (H, W) and half-open box, in pixels of the picture, take the same way as black and white pictures, whatever
    that way is; what ends up outside is None.
    """
    x = network.preprocess(image)
    moved = None if mask is None else _follow(network, mask)
    around = None if box is None else bounds(_follow(network, filled(box, image.size)))
    return NetworkInput(
        title=title,
        x=x,
        picture=np.asarray(network.display(x)),
        mask=moved if moved is not None and moved.any() else None,
        box=around,
        digest=digest(x.cpu().numpy().tobytes()),
        key=key,
    )


def filled(box: Box, size: tuple[int, int]) -> np.ndarray:
    """The box as a mask (height, width), for a picture of `size` (width, height).

    >>> filled((0, 0, 1, 2), (2, 2)).tolist()
    [[True, False], [True, False]]
    """
    mask = np.zeros(size[::-1], bool)
    x0, y0, x1, y1 = box
    mask[y0:y1, x0:x1] = True
    return mask


def bounds(mask: np.ndarray) -> Box | None:
    """The smallest half-open box (x0, y0, x1, y1) around a mask; None for an empty one.

    >>> bounds(filled((1, 2, 3, 4), (5, 5)))
    (1, 2, 3, 4)
    """
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _follow(network: Network, mask: np.ndarray) -> np.ndarray:
    grey = Image.fromarray(mask.astype(np.uint8) * 255).convert("RGB")
    return np.asarray(network.display(network.preprocess(grey)))[..., 0] >= 128
