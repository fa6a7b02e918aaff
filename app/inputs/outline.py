"""The object of a picture as a reader has drawn it: a box or a polygon, in shares of the whole picture's sides."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.inputs.pictures import Picture, PictureGoneError

# Behind the key of a picture and its part: photo/cat@0.1,0,0.9,1~0.2,0.2,0.8,0.9
MARK = "~"
SHARE = r"(?:0|1|0\.\d{1,3}|1\.0{1,3})"
MOST = 60
TEXT = re.compile(rf"{SHARE},{SHARE}(?:,{SHARE},{SHARE}){{1,{MOST - 1}}}")
# Of the picture, one thousandth of its area.
LEAST = 1e-3
EXPECTED = (
    f"expected the object as a box (left before right, top above bottom) or as 3 to {MOST} corners (x, y) within the "
    "picture, around at least a thousandth of it, got something else; draw it again or mend the numbers"
)

Corner = tuple[float, float]


@dataclass(frozen=True)
class Outline:
    """Two corners are a box, left top and right bottom; three and more a polygon, which is closed by itself.

    x and y are shares of the picture's width and height, 0 to 1, kept to thousandths. Raises ValueError for an outline
    around less than a thousandth of the picture.
    """

    corners: tuple[Corner, ...]

    def __post_init__(self) -> None:
        kept = tuple((round(x, 3), round(y, 3)) for x, y in self.corners)
        if len(kept) == 2:
            (x0, y0), (x1, y1) = kept
            kept = (min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1))
        object.__setattr__(self, "corners", kept)
        inside = all(0 <= share <= 1 for corner in kept for share in corner)
        if not (2 <= len(kept) <= MOST and inside and self.area >= LEAST):
            raise ValueError(EXPECTED)

    @property
    def is_box(self) -> bool:
        return len(self.corners) == 2

    @property
    def area(self) -> float:
        """The share of the picture that lies within; what a line crosses twice counts with its sign.

        >>> Outline(((0, 0), (0.5, 0.5))).area, Outline(((0, 0), (1, 0), (0, 1))).area
        (0.25, 0.5)
        """
        x, y = np.array(self.corners).T
        if len(x) == 2:
            return float((x[1] - x[0]) * (y[1] - y[0]))
        return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)

    def as_kind(self, kind: str) -> tuple[Corner, ...]:
        """Its corners as those of a "box", the smallest around it, or of a "polygon".

        >>> Outline(((0, 0), (0.5, 1))).as_kind("polygon")
        ((0, 0), (0.5, 0), (0.5, 1), (0, 1))
        """
        (x, y), polygon = zip(*self.corners, strict=True), kind == "polygon"
        x0, y0, x1, y1 = min(x), min(y), max(x), max(y)
        if polygon:
            return ((x0, y0), (x1, y0), (x1, y1), (x0, y1)) if self.is_box else self.corners
        return (x0, y0), (x1, y1)

    def to_text(self) -> str:
        """Short text for the address bar.

        >>> Outline(((0.8, 0.9), (0.2, 0.25))).to_text()
        '0.2,0.25,0.8,0.9'
        """
        return ",".join(f"{share:g}" for corner in self.corners for share in corner)

    @staticmethod
    def from_text(text: str) -> "Outline":
        """The outline that `to_text` wrote. Raises ValueError, one sentence, for other text."""
        shares = [float(share) for share in text.split(",")] if TEXT.fullmatch(text) else []
        return Outline(tuple(zip(shares[::2], shares[1::2], strict=True)))

    @staticmethod
    def of(corners: Sequence[Corner]) -> "Outline | None":
        """The outline of corners; None where they are none."""
        try:
            return Outline(tuple(corners))
        except ValueError:
            return None

    def mask(self, size: tuple[int, int]) -> np.ndarray:
        """(height, width) bool of a picture of `size` (width, height): the pixels whose middle lies within.

        >>> Outline(((0, 0), (0.5, 1))).mask((4, 2)).tolist()
        [[True, True, False, False], [True, True, False, False]]
        """
        width, height = size
        x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
        if self.is_box:
            (x0, y0), (x1, y1) = self.corners
            return ((y0 <= y) & (y < y1))[:, None] & ((x0 <= x) & (x < x1))[None]
        # Even and odd: a row crosses the sides that begin on the one and end on the other side of it.
        inside = np.zeros((height, width), bool)
        for (ax, ay), (bx, by) in zip(self.corners, self.corners[1:] + self.corners[:1], strict=True):
            rows = (ay <= y) != (by <= y)
            at = ax + (y[rows] - ay) * (bx - ax) / (by - ay) if ay != by else y[rows]
            inside[rows] ^= x[None] >= at[:, None]
        return inside


def split_outline(key: str) -> tuple[str, str]:
    """The key of a picture without its outline, and the outline's text; empty where none is drawn.

    >>> split_outline("photo/cat@0,0,1,0.5~0.2,0.2,0.8,0.9"), split_outline("bird/1")
    (('photo/cat@0,0,1,0.5', '0.2,0.2,0.8,0.9'), ('bird/1', ''))
    """
    base, _, text = key.partition(MARK)
    return base, text


def drawn(key: str, outline: Outline | None) -> str:
    """The key of the picture `key` with another outline, or with none.

    >>> drawn("bird/1~0,0,1,1", Outline(((0, 0), (0.5, 1)))), drawn("bird/1~0,0,1,1", None)
    ('bird/1~0,0,0.5,1', 'bird/1')
    """
    base, _ = split_outline(key)
    return base if outline is None else f"{base}{MARK}{outline.to_text()}"


def with_outline(picture: Picture, text: str) -> Picture:
    """The picture with the drawn object in the place of its own; the same for no text.

    Raises PictureGoneError, one sentence, where the text draws nothing.
    """
    if not text:
        return picture
    try:
        outline = Outline.from_text(text)
    except ValueError as error:
        raise PictureGoneError(str(error)) from None
    mask = outline.mask(picture.image.size)
    if not mask.any():
        raise PictureGoneError(EXPECTED)
    key = drawn(picture.key, outline)
    if not outline.is_box:
        return replace(picture, key=key, mask=mask, box=None)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    return replace(picture, key=key, mask=None, box=box)
