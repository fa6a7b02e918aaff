"""A picture, the same picture under noise, and the noise alone, as one block of HTML."""

from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image

from app.figures.raster import data_address

# Below it every pixel is drawn as a square, and the file loses nothing.
SMALL = 96
WIDTH = 260


def pictures_html(pictures: Sequence[tuple[str, np.ndarray]]) -> str:
    """Pictures (H, W, 3) uint8 side by side, each over its title."""
    columns = f"display:grid;grid-template-columns:repeat({len(pictures)},minmax(0,{WIDTH}px));gap:14px"
    return f'<div style="{columns}">{"".join(_pane(*one) for one in pictures)}</div>'


def _pane(title: str, picture: np.ndarray) -> str:
    image, small = Image.fromarray(picture), max(picture.shape[:2]) <= SMALL
    address = data_address(image) if small else data_address(image, "JPEG", quality=92, subsampling=0)
    drawn = "image-rendering:pixelated;" if small else ""
    return (
        f'<figure style="margin:0"><img src="{address}" alt="{escape(title)}" '
        f'style="width:100%;border-radius:4px;{drawn}"><figcaption>{escape(title)}</figcaption></figure>'
    )
