"""Drawing tools in fractions of the picture's side, so that a drawing looks the same at every size."""

from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]


def spline(points: ArrayLike, closed: bool = True, steps: int = 8) -> np.ndarray:
    """Catmull–Rom curve through `points` (N, 2): (N · steps, 2), or ((N − 1) · steps + 1, 2) if open.

    >>> spline([(0, 0), (1, 0), (1, 1), (0, 1)], steps=4).shape
    (16, 2)
    """
    p = np.asarray(points, dtype=float)
    if not closed:
        p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    before, after, last = (np.concatenate((p[k:], p[:k])) for k in (-1, 1, 2))
    t = (np.arange(steps) / steps)[:, None, None]
    curve = p + 0.5 * t * (
        (after - before) + t * ((2 * before - 5 * p + 4 * after - last) + t * (3 * (p - after) + last - before))
    )
    curve = curve.transpose(1, 0, 2)
    return curve.reshape(-1, 2) if closed else np.vstack([curve[1:-2].reshape(-1, 2), p[-2]])


def blend(a: Colour, b: Colour, share: float) -> Colour:
    """`a` at share 0, `b` at share 1.

    >>> blend((0, 0, 0), (100, 200, 50), 0.5)
    (50, 100, 25)
    """
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def brighten(colour: Colour, factor: float) -> Colour:
    """The colour times `factor`, kept in 0..255."""
    red, green, blue = (min(255, max(0, round(c * factor))) for c in colour)
    return red, green, blue


class Canvas:
    """A square RGB picture of `side` pixels with its coverage, drawn in coordinates 0..1 (y down)."""

    def __init__(self, side: int, picture: Image.Image | None = None):
        self.side = side
        self.picture = picture or Image.new("RGB", (side, side))
        self.cover = Image.new("L", (side, side))

    def pixels(self, points: np.ndarray) -> list[tuple[float, float]]:
        """Canvas pixels, rounded to 1/32 so that the last bit of a sine cannot move an edge."""
        return [tuple(p) for p in (np.round(np.asarray(points) * self.side * 32) / 32).tolist()]

    def width(self, share: float) -> int:
        """A line's width, at least one pixel of the canvas."""
        return max(1, round(share * self.side))

    def mask(self, points: np.ndarray, soft: float = 0.0, clip: Image.Image | None = None) -> Image.Image:
        """The filled polygon as an "L" picture, blurred by `soft` of the side, cut to `clip`."""
        mask = Image.new("L", (self.side, self.side))
        ImageDraw.Draw(mask).polygon(self.pixels(points), fill=255)
        if soft:
            mask = self._blur(mask, soft * self.side)
        return mask if clip is None else ImageChops.multiply(mask, clip)

    def _blur(self, mask: Image.Image, radius: float) -> Image.Image:
        """Blurred where there is something to blur: far quicker, and no pixel differs."""
        box = mask.getbbox()
        if box is None:
            return mask
        margin = int(4 * radius) + 5
        near = max(0, box[0] - margin), max(0, box[1] - margin)
        far = min(self.side, box[2] + margin), min(self.side, box[3] + margin)
        mask.paste(mask.crop((*near, *far)).filter(ImageFilter.GaussianBlur(radius)), near)
        return mask

    def fill(
        self, points: np.ndarray, colour: Colour, soft: float = 0.0, clip: Image.Image | None = None
    ) -> Image.Image:
        """Paint a polygon; returns its mask. What is painted without `clip` joins the coverage."""
        mask = self.mask(points, soft, clip)
        box = mask.getbbox()
        if box is not None:
            self.picture.paste(colour, box, mask.crop(box))
        if clip is None:
            self.cover = ImageChops.lighter(self.cover, mask)
        return mask

    @contextmanager
    def inside(self, mask: Image.Image) -> Generator[ImageDraw.ImageDraw]:
        """A pen with alpha whose strokes stay inside `mask`."""
        copy = self.picture.copy()
        yield ImageDraw.Draw(copy, "RGBA")
        box = mask.getbbox()
        if box is not None:
            self.picture.paste(copy.crop(box), box, mask.crop(box))
