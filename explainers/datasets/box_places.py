"""Which box belongs to which picture, and where it lies in the picture as it is shown."""

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from explainers.datasets.boxes import Box, Declared, Shares
from explainers.datasets.pictures import EXTENSIONS

# Sizes that differ by less than this in shape are of one picture, made smaller with rounding.
SHAPE = 0.02


def matched(
    pictures: Sequence[str], boxes: Collection[str], kind: str = "box", kinds: str = "boxes"
) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
    """The name in the file of boxes for each picture, or None; and a sentence where there were several ways.

    `kind` and `kinds` are what the sentence calls one and several of what stands in the file.

    Names are compared as composed Unicode, with the folders that both give: `birds/1.png` and `1.png` belong together
    where no other picture could be meant, `birds/1.png` and `cats/1.png` never, `IMG.JPG` and `img.jpg` as well. A name
    without an ending stands for the picture with one.

    >>> matched(["a/1.png", "b/1.png", "2.png"], ["a/1.png", "train/2.png"])[0]
    ('a/1.png', None, 'train/2.png')
    >>> matched(["a/1.png", "b/1.png"], ["1.png"])[0]
    (None, None)
    """
    parts = [_parts(name) for name in pictures]
    exact = {_parts(name): name for name in boxes}
    counts = Counter(parts)
    by_last: dict[str, list[str]] = defaultdict(list)
    for path, name in exact.items():
        by_last[path[-1].casefold()].append(name)
    # Whose every picture could be meant, whole names included.
    could: dict[str, list[int]] = defaultdict(list)
    for place, path in enumerate(parts):
        last = path[-1].casefold()
        for name in {*by_last[last], *by_last[_stem(last)]}:
            if _related(path, _parts(name)):
                could[name].append(place)
    found: list[str | None] = [None] * len(pictures)
    unclear: set[int] = set()
    for place, path in enumerate(parts):
        if path in exact and counts[path] == 1:
            found[place] = exact[path]
    taken = set(found)
    offers: dict[int, list[str]] = defaultdict(list)
    for name, places in could.items():
        if name not in taken:
            for place in places:
                offers[place].append(name)
    for place, names in offers.items():
        if found[place] is None:
            if len(names) == 1 and len(could[names[0]]) == 1:
                found[place] = names[0]
            else:
                unclear.add(place)
    notes = ()
    if unclear:
        names = sorted({pictures[place] for place in unclear})
        notes = (
            f"{len(unclear)} pictures get no {kind}, since their names fit several pictures or {kinds} "
            f"({', '.join(names[:3])}{' …' if len(names) > 3 else ''}); give names that differ, or folders with them",
        )
    return tuple(found), notes


def _parts(name: str) -> tuple[str, ...]:
    """Composed as most systems write it: macOS takes letters and their accents apart."""
    path = unicodedata.normalize("NFC", name).replace("\\", "/")
    return tuple(part for part in path.split("/") if part not in ("", ".")) or ("",)


def _stem(last: str) -> str:
    ending = next((ending for ending in EXTENSIONS if last.lower().endswith(ending)), "")
    return last[: len(last) - len(ending)]


def _related(picture: tuple[str, ...], box: tuple[str, ...]) -> bool:
    """Whether one path ends as the other reads, in capitals or not."""
    picture, box = (tuple(part.casefold() for part in path) for path in (picture, box))
    if box[-1] != picture[-1]:
        picture = (*picture[:-1], _stem(picture[-1]))
    short = min(len(picture), len(box))
    return picture[-short:] == box[-short:]


def placed(
    box: Box | Shares, stored: tuple[int, int], orientation: int = 1, declared: Declared | None = None
) -> Box | None:
    """The box in pixels of the upright picture, cut to it; None where nothing of it lies within.

    `stored` (width, height) and `orientation` (EXIF, 1 to 8) are those of the picture's file. A box means the pixels of
    that file as they are stored and turns with them, unless the size that its own file declares is the upright one, or
    it fits into that alone. Where the declared size is another of the same shape, the box is scaled.

    Raises ValueError, one sentence, where the declared size has another shape than the picture.

    >>> placed((0, 0, 10, 20), (100, 50), 6)
    (30, 0, 50, 10)
    >>> placed(Shares(0.25, 0, 0.5, 1), (100, 50))
    (25, 0, 50, 50)
    """
    upright = (stored[1], stored[0]) if orientation >= 5 else stored
    frame, turned = stored, orientation
    if declared is not None:
        if not _alike(declared, stored):
            if not _alike(declared, upright):
                raise ValueError(
                    f"expected a picture of the shape {declared.width}×{declared.height} as its boxes say, got "
                    f"{upright[0]}×{upright[1]}; take the boxes of this picture"
                )
            frame, turned = upright, 1
    elif not isinstance(box, Shares) and not _inside(box, stored) and _inside(box, upright):
        frame, turned = upright, 1
    x0, y0, x1, y1 = _scaled(box, frame, declared)
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, frame[0]), min(y1, frame[1])
    return _turned((x0, y0, x1, y1), frame, turned) if x0 < x1 and y0 < y1 else None


def _alike(declared: Declared, size: tuple[int, int]) -> bool:
    ratio = declared.width * size[1] / (declared.height * size[0])
    # A side is rounded to whole pixels when a picture is made smaller.
    return abs(math.log(ratio)) <= SHAPE + 1 / min(*size, declared.width, declared.height)


def _inside(box: Box, size: tuple[int, int]) -> bool:
    return box[2] <= size[0] and box[3] <= size[1]


def _scaled(box: Box | Shares, frame: tuple[int, int], declared: Declared | None) -> Box:
    if isinstance(box, Shares):
        across, down = frame
    elif declared is None or (declared.width, declared.height) == frame:
        return box
    else:
        across, down = frame[0] / declared.width, frame[1] / declared.height
    x0, y0, x1, y1 = box
    # Rounded outwards, but not by what the rounding of shares has added.
    return (
        math.floor(x0 * across + 1e-6),
        math.floor(y0 * down + 1e-6),
        math.ceil(x1 * across - 1e-6),
        math.ceil(y1 * down - 1e-6),
    )


def _turned(box: Box, size: tuple[int, int], orientation: int) -> Box:
    """The box after the picture was brought upright: its axes exchanged, then mirrored, as EXIF says."""
    x0, y0, x1, y1 = box
    if orientation >= 5:
        x0, y0, x1, y1, size = y0, x0, y1, x1, (size[1], size[0])
    if orientation in (2, 3, 6, 7):
        x0, x1 = size[0] - x1, size[0] - x0
    if orientation in (3, 4, 7, 8):
        y0, y1 = size[1] - y1, size[1] - y0
    return x0, y0, x1, y1
