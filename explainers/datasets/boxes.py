"""Bounding boxes of pictures, read from a CSV file or from COCO's JSON."""

import csv
import io
import json
import math
from collections.abc import Iterable
from pathlib import Path

Box = tuple[int, int, int, int]
NAMES = ("name", "file", "filename", "file_name", "image", "path")
ENDS = (("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"))
SIZES = (("x", "y", "width", "height"), ("x", "y", "w", "h"))
Coordinates = tuple[float, float, float, float]
# Far beyond any picture; larger numbers would overflow in what draws the boxes.
FARTHEST = 1_000_000


def read_boxes(source: str | Path | bytes) -> dict[str, Box]:
    """The box of each picture by name: half-open (x0, y0, x1, y1) in whole pixels of the picture.

    `source` is a path or the bytes of the file. A CSV has a header with `name` (or file, filename, image, path) and
    either x0, y0, x1, y1 (or xmin, …) or x, y, width, height; COCO's JSON has "images" with id and file_name
    and "annotations" with image_id and bbox [x, y, width, height]. Fractions of pixels are rounded outwards. Of
    several boxes of one picture the largest is kept.

    Raises ValueError, one sentence, for a file that is neither, and for a row that is not a box.

    >>> read_boxes(b"name,x,y,width,height\\nred.png,1,2,10.5,20\\n")
    {'red.png': (1, 2, 12, 22)}
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("expected a CSV or JSON file in UTF-8, got other bytes; save it as text") from None
    rows = _from_coco(text) if text.lstrip()[:1] in ("{", "[") else _from_csv(text)
    boxes: dict[str, Box] = {}
    for where, name, coordinates in rows:
        box = _whole(where, coordinates)
        if name not in boxes or _area(box) > _area(boxes[name]):
            boxes[name] = box
    if not boxes:
        raise ValueError("expected at least one box, got a file without any")
    return boxes


def _from_csv(text: str) -> Iterable[tuple[str, str, Coordinates]]:
    try:
        header, *rows = [row for row in csv.reader(io.StringIO(text), strict=True) if any(map(str.strip, row))]
    except (csv.Error, ValueError):
        raise ValueError("expected a CSV file with a header and one row per box, got something else") from None
    columns = {name.strip().lower(): i for i, name in reversed(list(enumerate(header)))}
    name = next((key for key in NAMES if key in columns), None)
    kind = next((keys for keys in (*ENDS, *SIZES) if columns.keys() >= set(keys)), None)
    if name is None or kind is None:
        raise ValueError(
            f"expected the columns name, x0, y0, x1, y1 or name, x, y, width, height, got {', '.join(header)[:100]}"
        )
    for number, row in enumerate(rows, start=1):
        where = f"row {number}"
        try:
            a, b, c, d = (float(row[columns[key]]) for key in kind)
            picture = row[columns[name]].strip()
        except (IndexError, ValueError):
            raise ValueError(f"expected a name and four numbers in {where}, got {', '.join(row)[:100]}") from None
        yield where, picture, (a, b, c, d) if kind in ENDS else (a, b, a + c, b + d)


def _from_coco(text: str) -> Iterable[tuple[str, str, Coordinates]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):  # a number of thousands of digits is a plain ValueError
        raise ValueError("expected COCO's JSON, got text that is not JSON; check that the file is whole") from None
    try:
        names = {image["id"]: str(image["file_name"]) for image in content["images"]}
        annotations = list(content["annotations"])
    except (KeyError, TypeError):
        raise ValueError(
            'expected COCO\'s JSON with "images" (id, file_name) and "annotations" (image_id, bbox), got another layout'
        ) from None
    for number, annotation in enumerate(annotations, start=1):
        where = f"annotation {number}"
        try:
            x, y, width, height = map(float, annotation["bbox"])
            name = names[annotation["image_id"]]
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ValueError(f"expected the id of a picture and a bbox of four numbers in {where}") from None
        yield where, name, (x, y, x + width, y + height)


def _whole(where: str, coordinates: Coordinates) -> Box:
    if not all(map(math.isfinite, coordinates)):
        raise ValueError(f"expected four finite numbers in {where}, got {_shown(coordinates)}")
    if max(map(abs, coordinates)) > FARTHEST:
        raise ValueError(f"expected pixels up to {FARTHEST:,} in {where}, got {_shown(coordinates)}")
    x0, y0, x1, y1 = coordinates
    if x1 <= x0 or y1 <= y0:
        raise ValueError(f"expected a box with an area in {where}, got {_shown(coordinates)}")
    return math.floor(x0), math.floor(y0), math.ceil(x1), math.ceil(y1)


def _shown(coordinates: Coordinates) -> str:
    return ", ".join(f"{value:g}" for value in coordinates)


def _area(box: Box) -> int:
    x0, y0, x1, y1 = box
    return (x1 - x0) * (y1 - y0)
