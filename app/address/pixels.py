"""One pixel of a picture, as an address holds it: row and column."""

import re

Pixel = tuple[int, int]


def written(pixel: Pixel | None) -> str:
    """
    >>> written((12, 40)), written(None)
    ('12 40', '')
    """
    return "" if pixel is None else f"{pixel[0]} {pixel[1]}"


def read(text: str) -> Pixel | None:
    """
    >>> read("12 40"), read("12"), read("-1 4")
    ((12, 40), None, None)
    """
    found = re.fullmatch(r"(\d{1,4}) (\d{1,4})", text, re.ASCII)
    return (int(found[1]), int(found[2])) if found else None


def inside(pixel: Pixel | None, size: Pixel) -> Pixel | None:
    """The pixel, where a picture of that (height, width) has it.

    >>> inside((3, 7), (4, 8)), inside((4, 7), (4, 8)), inside(None, (4, 8))
    ((3, 7), None, None)
    """
    return pixel if pixel and pixel[0] < size[0] and pixel[1] < size[1] else None
