"""Maps as small pictures, for where a whole chart is too much."""

import base64
import io
from functools import lru_cache

import numpy as np
from PIL import Image
from plotly.colors import sample_colorscale, unlabel_rgb


@lru_cache(maxsize=8)
def palette(scale: str) -> np.ndarray:
    """256 colours (256, 3) uint8 of a plotly scale.

    >>> palette("Viridis")[0].tolist()
    [68, 1, 84]
    """
    shares = [place / 255 for place in range(256)]
    return np.array([unlabel_rgb(c) for c in sample_colorscale(scale, shares)]).round().astype(np.uint8)


def ink_on(colour: np.ndarray) -> str:
    """Black or white letters, whichever read better on a colour (3,) uint8.

    >>> ink_on(palette("Viridis")[0]), ink_on(palette("Viridis")[-1])
    ('#ffffff', '#000000')
    """
    red, green, blue = ((colour / 255) ** 2.2).tolist()
    # Where a relative luminance has the same contrast to both.
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"


def raster(cells: np.ndarray, limits: tuple[float, float], scale: str) -> Image.Image:
    """One pixel per cell, coloured as on a chart between `limits`; transparent where not finite.

    >>> raster(np.array([[0.0, np.inf]]), (0, 1), "Viridis").getpixel((1, 0))[3]
    0
    """
    finite = np.isfinite(cells)
    shares = (np.where(finite, cells, limits[0]) - limits[0]) / (limits[1] - limits[0])
    colours = palette(scale)[(shares.clip(0, 1) * 255).round().astype(int)]
    return Image.fromarray(np.dstack([colours, finite.astype(np.uint8) * 255]))


def grey(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 by its brightness alone (luma of Rec. 601), in three equal channels.

    >>> grey(np.array([[[255, 0, 0], [9, 9, 9]]], np.uint8)).tolist()
    [[[76, 76, 76], [9, 9, 9]]]
    """
    return np.asarray(Image.fromarray(picture).convert("L").convert("RGB"))


def data_address(picture: Image.Image, kind: str = "PNG", **how: object) -> str:
    """The picture as a data: address, for style sheets."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **how)
    return address_of(buffer.getvalue(), kind)


def address_of(data: bytes, kind: str = "PNG") -> str:
    """A picture's file as a data: address.

    >>> address_of(b"PNG")
    'data:image/png;base64,UE5H'
    """
    return f"data:image/{kind.lower()};base64,{base64.b64encode(data).decode()}"
