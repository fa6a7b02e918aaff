"""A picture as one network sees it: its tensor, and the foreground moved along with it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Tensor

from app.inputs.pictures import Picture
from explainers.cid.results import CIDSettings
from explainers.methods.request import MapRequest
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.storage.digest import digest


@dataclass(frozen=True)
class Subject:
    """`x` (3, H, W) in network units; `picture` (H, W, 3) uint8; `mask` (H, W) bool; `box` half-open pixels.

    `digest` is SHA-256 over the tensor: what results depend on; `key` is that of the picture, with its part.
    """

    title: str
    x: Tensor
    picture: np.ndarray
    mask: np.ndarray | None
    box: tuple[int, int, int, int] | None
    digest: str
    key: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.picture.shape[:2]

    def request(
        self, network: Network, layer: Layer, method: str, settings: CIDSettings, target: int | None = None
    ) -> MapRequest:
        """Its map by a method, of the class `target` (None: the likeliest)."""
        return MapRequest(network, layer, self.x, self.digest, method, settings, target)


def prepare(network: Network, picture: Picture) -> Subject:
    """The picture through the network's own scaling, cropping and normalisation.

    Mask and box take the same way as black and white pictures, whatever that way is.
    """
    x = network.preprocess(picture.image)
    mask = None if picture.mask is None else _follow(network, picture.mask)
    box = None
    if picture.box is not None:
        box = bounds(_follow(network, filled(picture.box, picture.image.size)))
    return Subject(
        title=picture.title,
        x=x,
        picture=np.asarray(network.display(x)),
        mask=mask if mask is not None and mask.any() else None,
        box=box,
        digest=digest(x.cpu().numpy().tobytes()),
        key=picture.key,
    )


def filled(box: tuple[int, int, int, int], size: tuple[int, int]) -> np.ndarray:
    """The box as a mask (height, width), for a picture of `size` (width, height).

    >>> filled((0, 0, 1, 2), (2, 2)).tolist()
    [[True, False], [True, False]]
    """
    mask = np.zeros(size[::-1], bool)
    x0, y0, x1, y1 = box
    mask[y0:y1, x0:x1] = True
    return mask


def bounds(mask: np.ndarray) -> tuple[int, int, int, int] | None:
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
