"""Masks from COCO's JSON: polygons, runs as numbers, and runs as letters."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from PIL import Image, ImageDraw

from explainers.datasets.box_places import matched
from explainers.datasets.pictures import as_png

# Far beyond any picture that is opened, and corners beyond it.
MOST_PIXELS, FARTHEST = 1 << 27, 1 << 24
# Along each side of a pixel, polygons are drawn with so many.
FINER = 8
# Bits of a run, and more.
LONGEST = 60


class Masks(dict[str, bytes]):
    """PNG files of masks, 0 and 255, by the names of their pictures; `notes` are sentences on what was left out."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Told:
    """Where a segmentation stands, and of which size (height, width) its picture is."""

    where: str
    size: tuple[int, int]
    segmentation: Any


def read_masks(data: bytes, pictures: Sequence[str]) -> Masks:
    """The masks of `pictures`, by their names; of several of one picture the largest, as of boxes.

    COCO's JSON has "images" with id, file_name, width and height, and "annotations" with image_id and segmentation: a
    list of polygons [x, y, x, y, …], or {"size": [height, width], "counts": runs}, which go down the columns, by turns
    of what is not and what is the subject: numbers, or COCO's letters.

    Raises ValueError, one sentence, for a file of another kind, and where no mask of these pictures can be read.
    """
    images, annotations = _parts(data)
    problems: list[str] = []
    by_file: dict[str, list[_Told]] = defaultdict(list)
    for number, annotation in enumerate(annotations, start=1):
        where = f"annotation {number}"
        try:
            image = images[annotation["image_id"]]
            size = int(image["height"]), int(image["width"])
            name = image["file_name"]
            if not isinstance(name, str) or min(size) < 1 or size[0] * size[1] > MOST_PIXELS:
                raise ValueError
        except (KeyError, TypeError, ValueError, OverflowError):
            problems.append(f"expected the id of a picture with file_name, height and width in {where}, got others")
            continue
        by_file[name].append(_Told(where, size, annotation.get("segmentation")))
    owners, notes = matched(pictures, by_file, "mask", "masks")
    masks = Masks()
    for picture, owner in zip(pictures, owners, strict=True):
        if owner is not None and (found := _largest(by_file[owner], problems)) is not None:
            masks[picture] = as_png(Image.fromarray(found))
    if not masks and problems:
        raise ValueError(problems[0])
    told = (f"{len(problems)} of {len(annotations)} masks are left out: {problems[0]}",) if problems else ()
    masks.notes = (*told, *notes)
    return masks


def _parts(data: bytes) -> tuple[dict[Any, Mapping[str, Any]], Sequence[Any]]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("expected COCO's JSON, got something else; check that the file is whole") from None
    try:
        return {image["id"]: image for image in content["images"]}, list(content["annotations"])
    except (KeyError, TypeError):
        raise ValueError('expected COCO\'s JSON with "images" and "annotations", got another layout') from None


def _largest(several: Sequence[_Told], problems: list[str]) -> np.ndarray | None:
    """True where the largest of a picture's masks is; None where none has a pixel."""
    sized: list[tuple[int, _Told]] = []
    for one in several:
        try:
            sized.append((int(_mask(one, 1 if len(several) > 1 else FINER).sum()), one))
        except (TypeError, ValueError, OverflowError, LookupError):
            problems.append(f"expected polygons or runs that fit the picture in {one.where}, got others")
    area, best = max(sized, key=lambda found: found[0], default=(0, None))
    return _mask(best, FINER) if best is not None and area else None


def _mask(one: _Told, finer: int) -> np.ndarray:
    """True where the subject is, (height, width). Raises ValueError and its like for what is no segmentation."""
    told = one.segmentation
    if isinstance(told, list):
        return _from_polygons(cast("list[Any]", told), one.size, finer)
    if [*one.size] != [int(side) for side in told["size"]]:
        raise ValueError("another size")
    counts = told["counts"]
    return _from_runs(_letters(counts) if isinstance(counts, str) else [int(count) for count in counts], one.size)


def _from_polygons(polygons: Sequence[Sequence[float]], size: tuple[int, int], finer: int) -> np.ndarray:
    """What is covered by about half: drawn finer, where memory has room for that."""
    height, width = size
    finer = min(finer, max(1, math.isqrt(MOST_PIXELS // (height * width))))
    image = Image.new("1", (width * finer, height * finer))
    for polygon in polygons:
        # Pillow counts from the middle of the first pixel.
        corners = [float(number) * finer - 0.5 for number in polygon]
        if len(corners) < 6 or len(corners) % 2 or not np.isfinite(corners).all() or max(map(abs, corners)) > FARTHEST:
            raise ValueError("no polygon")
        ImageDraw.Draw(image).polygon(corners, fill=1)
    return np.asarray(image).reshape(height, finer, width, finer).mean((1, 3)) > 0.5


def _from_runs(counts: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    if min(counts, default=-1) < 0 or sum(counts) != size[0] * size[1]:
        raise ValueError("runs of another picture")
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return flat.reshape(size, order="F")


def _letters(text: str) -> list[int]:
    """COCO's compressed runs: letters of six bits, five of them digits; from the fourth on, less the run two before.

    >>> _letters("0202"), _letters("52203")
    ([0, 2, 0, 4], [5, 2, 2, 2, 5])
    """
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        digit = ord(letter) - 48
        if not 0 <= digit < 64 or shift > LONGEST:
            raise ValueError("no letter of a run")
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            if digit & 16:
                value -= 1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift:
        raise ValueError("the last run is cut")
    return counts
