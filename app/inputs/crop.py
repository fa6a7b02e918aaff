"""Which part of a picture is used: a box in shares of its sides, and what a network's preprocessing leaves of it."""

import re
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

from app.inputs.outline import MARK as OUTLINE_MARK
from app.inputs.outline import split_outline
from app.inputs.pictures import Picture, PictureGoneError
from explainers.networks.preprocessing import Preprocessing

SMALLEST = 0.05
# Behind the key of a picture, so that the address bar holds both: photo/cat@0.1,0,0.9,1
MARK = "@"
TEXT = re.compile(r"(0|1|0\.\d{1,3}|1\.0{1,3})(,(0|1|0\.\d{1,3}|1\.0{1,3})){3}")


@dataclass(frozen=True)
class Crop:
    """A box in shares of the picture's width (x) and height (y), 0 to 1, each side at least 0.05 long.

    Raises ValueError for anything else.
    """

    x0: float = 0.0
    y0: float = 0.0
    x1: float = 1.0
    y1: float = 1.0

    def __post_init__(self) -> None:
        ordered = 0 <= self.x0 < self.x1 <= 1 and 0 <= self.y0 < self.y1 <= 1
        if not ordered or min(self.x1 - self.x0, self.y1 - self.y0) < SMALLEST - 1e-9:
            raise ValueError(
                "expected a part of the picture as left, top, right, bottom between 0 and 1, at least 0.05 apart, "
                "got something else; choose the part again"
            )

    def to_text(self) -> str:
        """Short text for the address bar, in thousandths of a side.

        >>> Crop(0.1, 0, 0.9, 1).to_text()
        '0.1,0,0.9,1'
        """
        return ",".join(f"{round(share, 3):g}" for share in (self.x0, self.y0, self.x1, self.y1))

    @staticmethod
    def from_text(text: str) -> "Crop":
        """The box that `to_text` wrote. Raises ValueError, one sentence, for other text.

        >>> Crop.from_text("0.1,0,0.9,1")
        Crop(x0=0.1, y0=0.0, x1=0.9, y1=1.0)
        """
        return Crop(*map(float, text.split(",") if TEXT.fullmatch(text) else (1, 1, 0, 0)))

    def pixels(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Half-open (x0, y0, x1, y1) in whole pixels of a picture of `size` (width, height), never empty.

        >>> Crop(0.1, 0, 0.9, 1).pixels((200, 100)), Crop(0.5, 0.5, 0.6, 0.6).pixels((1, 1))
        ((20, 0, 180, 100), (0, 0, 1, 1))
        """
        width, height = size
        left, top = min(round(self.x0 * width), width - 1), min(round(self.y0 * height), height - 1)
        return left, top, max(round(self.x1 * width), left + 1), max(round(self.y1 * height), top + 1)


WHOLE = Crop()


def split(key: str) -> tuple[str, str]:
    """The key of the whole picture, and the text of the part; empty for the whole.

    >>> split("photo/cat@0.1,0,0.9,1~0,0,1,1"), split("bird/1")
    (('photo/cat', '0.1,0,0.9,1'), ('bird/1', ''))
    """
    base, _, text = split_outline(key)[0].partition(MARK)
    return base, text


def joined(key: str, crop: Crop) -> str:
    """The key of a part of the picture `key`; what is drawn on the whole picture stays.

    >>> joined("photo/cat", WHOLE), joined("photo/cat@0,0,1,0.5~0,0,1,1", Crop(0.5))
    ('photo/cat', 'photo/cat@0.5,0,1,1~0,0,1,1')
    """
    (base, _), (_, outline) = split(key), split_outline(key)
    part = "" if crop == WHOLE else f"{MARK}{crop.to_text()}"
    return f"{base}{part}{OUTLINE_MARK}{outline}" if outline else base + part


def part(picture: Picture, text: str) -> Picture:
    """The part of a picture that `text` names, with mask and box cut along; the whole for no text.

    Raises PictureGoneError, one sentence, where the text names no part.
    """
    if not text:
        return picture
    try:
        crop = Crop.from_text(text)
    except ValueError as error:
        raise PictureGoneError(str(error)) from None
    x0, y0, x1, y1 = crop.pixels(picture.image.size)
    box = picture.box
    if box is not None:
        box = max(box[0], x0) - x0, max(box[1], y0) - y0, min(box[2], x1) - x0, min(box[3], y1) - y0
        box = box if box[0] < box[2] and box[1] < box[3] else None
    return replace(
        picture,
        key=joined(picture.key, crop),
        image=picture.image.crop((x0, y0, x1, y1)),
        mask=None if picture.mask is None else np.ascontiguousarray(picture.mask[y0:y1, x0:x1]),
        box=box,
    )


def seen(preprocessing: Preprocessing, size: tuple[int, int], crop: Crop = WHOLE) -> tuple[float, float, float, float]:
    """What a network sees of a picture of `size` (width, height) after `crop`: (x0, y0, x1, y1) in its pixels.

    The centred square whose side is crop/resize of the shorter side.

    >>> seen(Preprocessing(256, 224, (0.5,) * 3, (0.25,) * 3), (512, 256))
    (144.0, 16.0, 368.0, 240.0)
    """
    x0, y0, x1, y1 = crop.pixels(size)
    side = min(x1 - x0, y1 - y0) * preprocessing.crop / preprocessing.resize
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2


def outlined(image: Image.Image, crop: Crop, seen_box: tuple[float, float, float, float], longest: int) -> Image.Image:
    """The whole picture, small: dark outside the chosen part, with a white and black line around what is seen."""
    scale = min(1.0, longest / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    small = image.convert("RGB").resize(size)
    shade = Image.new("L", size, 150)
    shade.paste(0, crop.pixels(size))
    small.paste((0, 0, 0), mask=shade)
    x0, y0, x1, y1 = (round(end * scale) for end in seen_box)
    if x1 - x0 > 4 and y1 - y0 > 4:
        draw = ImageDraw.Draw(small)
        draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=(255, 255, 255), width=2)
        draw.rectangle((x0 + 2, y0 + 2, x1 - 3, y1 - 3), outline=(0, 0, 0))
    return small
