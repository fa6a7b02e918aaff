"""Masks from COCO's JSON: polygons, runs as numbers, and runs as letters."""

import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image, ImageDraw

# Far beyond any picture that is opened, and corners beyond it.
MOST_PIXELS, FARTHEST = 1 << 27, 1 << 24
# Bits of a run, and more.
LONGEST = 60
# Along each side of a pixel, polygons are drawn with so many.
FINER = 8
LAYOUT = (
    'expected COCO\'s JSON with "images" (id, file_name, width, height) and "annotations" (image_id, segmentation), '
    "got another layout"
)


class Masks(dict[str, bytes]):
    """PNG files of masks, 0 and 255, by the names of their pictures; `problems` are sentences on what was left out."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: tuple[str, ...] = ()


def read_masks(source: Path | bytes) -> Masks:
    """The mask of each picture by name; of several of one picture the largest, as of boxes.

    A segmentation is a list of polygons [x, y, x, y, …], or {"size": [height, width], "counts": runs}, which go down
    the columns, by turns of what is not and what is the subject: numbers, or COCO's letters.

    Raises ValueError, one sentence, for a file of another kind, and one that holds no mask.
    """
    images, annotations = _parts(source if isinstance(source, bytes) else source.read_bytes())
    masks, largest, problems = Masks(), dict[str, int](), list[str]()
    for where, name, size, told in _told(images, annotations):
        try:
            mask = _mask(told, size)
        except (TypeError, ValueError, OverflowError, LookupError):
            problems.append(f"expected polygons or runs that fit the picture in {where}, got others")
            continue
        area = int(mask.sum())
        if area > largest.get(name, 0):
            largest[name] = area
            masks[name] = _png(mask)
    if not masks:
        raise ValueError(problems[0] if problems else "expected at least one segmentation, got a file without any")
    if problems:
        masks.problems = (f"{len(problems)} of {len(annotations)} masks are left out: {problems[0]}",)
    return masks


def _parts(data: bytes) -> tuple[dict[Any, Mapping[str, Any]], Sequence[Any]]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("expected COCO's JSON, got something else; check that the file is whole") from None
    try:
        return {image["id"]: image for image in content["images"]}, list(content["annotations"])
    except (KeyError, TypeError):
        raise ValueError(LAYOUT) from None


def _told(
    images: Mapping[Any, Mapping[str, Any]], annotations: Sequence[Any]
) -> Iterator[tuple[str, str, tuple[int, int], Any]]:
    """Of each annotation its place, its picture's name, height and width, and the segmentation; None for none."""
    for number, annotation in enumerate(annotations, start=1):
        where = f"annotation {number}"
        try:
            image, told = images[annotation["image_id"]], annotation["segmentation"]
            yield where, str(image["file_name"]), (int(image["height"]), int(image["width"])), told
        except (KeyError, TypeError, ValueError, OverflowError):
            yield where, "", (0, 0), None


def _mask(told: Any, size: tuple[int, int]) -> np.ndarray:
    """True where the subject is, (height, width). Raises ValueError and its like for what is no segmentation."""
    height, width = size
    if min(size) < 1 or height * width > MOST_PIXELS:
        raise ValueError("no size")
    if isinstance(told, list):
        return _from_polygons(cast("list[Any]", told), size)
    if [height, width] != list(map(int, told["size"])):
        raise ValueError("another size")
    counts = told["counts"]
    return _from_runs(_letters(counts) if isinstance(counts, str) else list(map(int, counts)), size)


def _from_polygons(polygons: Sequence[Sequence[float]], size: tuple[int, int]) -> np.ndarray:
    """What is covered by half, at least: drawn finer, where memory has room for that."""
    height, width = size
    finer = min(FINER, max(1, math.isqrt(MOST_PIXELS // (height * width))))
    image = Image.new("1", (width * finer, height * finer))
    for polygon in polygons:
        corners = [float(number) * finer for number in polygon]
        if len(corners) < 6 or len(corners) % 2 or not np.isfinite(corners).all() or max(map(abs, corners)) > FARTHEST:
            raise ValueError("no polygon")
        ImageDraw.Draw(image).polygon(corners, fill=1)
    return np.asarray(image).reshape(height, finer, width, finer).mean((1, 3)) >= 0.5


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


def _png(mask: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return buffer.getvalue()
