"""Bounding boxes of pictures, read from CSV files, COCO's JSON or YOLO's text files."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from explainers.datasets.box_tables import CENTRE, CORNER, ENDS, Row, from_csv, from_yolo

Box = tuple[int, int, int, int]
# Far beyond any picture; larger numbers would overflow in what draws the boxes.
FARTHEST = 1_000_000
# Shares of a side may be off by what six digits leave, and by what a drawing tool lets through; boxes of subjects that
# the picture's edge cuts may reach as far beyond it as the picture is wide.
SLACK, REACH = 0.01, 2.0


class Shares(NamedTuple):
    """A box in shares of the picture's sides, 0 to 1, half-open."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Declared:
    """Width and height that a file of boxes gives for a picture."""

    width: int
    height: int


class Boxes(dict[str, Box | Shares]):
    """Boxes by the names of their pictures, as the file writes these.

    `sizes` are those of the pictures where the file declares them, `problems` sentences on rows that were left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[str, Declared] = {}
        self.problems: tuple[str, ...] = ()


def read_boxes(source: str | Path | bytes, name: str = "") -> Boxes:
    r"""The box of each picture by name: half-open (x0, y0, x1, y1) in whole pixels, or `Shares` of its sides.

    `source` is a path or the bytes of a file called `name`. A CSV has a header with `name` (or file, filename, image,
    path) and either x0, y0, x1, y1 (or xmin, …), or x, y, width, height from the upper left corner, or x_center,
    y_center, width, height; COCO's JSON has "images" with id and file_name and "annotations" with image_id and bbox
    [x, y, width, height]; YOLO's text file holds class, x_center, y_center, width, height of one picture, which
    carries its name. YOLO's numbers are shares of the sides, and those of a table that all lie within 0 and 1, or are
    fractions that nearly do. Fractions of pixels are rounded outwards. Of several boxes of one picture the largest is
    kept.

    Rows that are no boxes are left out and named in `problems`. Raises ValueError, one sentence, for a file of another
    kind, one that holds no box at all, and shares of which nobody can say whether x, y is a corner or the centre.

    >>> read_boxes(b"name,x,y,width,height\nred.png,1,2,10.5,20\n")
    {'red.png': (1, 2, 12, 22)}
    >>> read_boxes(b"0 0.5 0.5 0.2 0.4\n", "red.txt")
    {'red': Shares(x0=0.4, y0=0.3, x1=0.6, y1=0.7)}
    """
    if not isinstance(source, bytes):
        source, name = Path(source).read_bytes(), Path(source).name
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("expected a CSV or JSON file in UTF-8, got other bytes; save it as text") from None
    if text.lstrip()[:1] in ("{", "["):
        kind, rows = CORNER, list(_from_coco(text))
        shares = _in_shares(rows)
    elif found := from_yolo(text, name):
        (kind, rows), shares = found, True
    else:
        kind, rows = from_csv(text)
        shares = _in_shares(rows)
        if shares and kind == CORNER:
            kind = _corner_or_centre(rows)
    boxes = Boxes()
    problems: list[str] = []
    for row in rows:
        try:
            box = _box(row, kind, shares)
        except ValueError as error:
            problems.append(str(error))
            continue
        if row.name not in boxes or _area(box) > _area(boxes[row.name]):
            boxes[row.name] = box
        if row.size is not None:
            boxes.sizes[row.name] = Declared(*row.size)
    if not boxes:
        raise ValueError(problems[0] if problems else "expected at least one box, got a file without any")
    boxes.problems = _summary(problems, len(rows))
    return boxes


def read_box_files(files: Sequence[tuple[str, bytes]], most: int | None = None) -> Boxes:
    """The boxes of several files (name, bytes) together; what is among them and holds none is named in `problems`.

    Empty files are YOLO's of pictures without a subject. Raises ValueError as `read_boxes` where no file holds a box,
    and before anything is read where there are more than `most` lines or boxes.
    """
    if most is not None and sum(map(_length, (data for _, data in files))) > most:
        raise ValueError(
            f"expected at most {most:,} boxes, got more; leave out those of pictures that you do not bring"
        )
    together = Boxes()
    refused: list[str] = []
    for name, data in files:
        if len(files) > 1 and not data.strip():
            continue
        try:
            found = read_boxes(data, name)
        except ValueError as error:
            refused.append(str(error) if len(files) == 1 else f"{name}: {error}")
            continue
        for picture, box in found.items():
            if picture not in together or _area(box) > _area(together[picture]):
                together[picture] = box
        together.sizes |= found.sizes
        together.problems += found.problems
    if refused and not together:
        raise ValueError(refused[0])
    together.problems += tuple(refused)
    return together


def _length(data: bytes) -> int:
    """How many boxes a file may hold: lines, COCO's entries, or hundreds of columns, which no table of boxes has."""
    return 1 + data.count(b"\n") + data.count(b'"bbox"') + data.partition(b"\n")[0].count(b",") // 100


def _from_coco(text: str) -> Iterable[Row]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):  # a number of thousands of digits is a plain ValueError
        raise ValueError("expected COCO's JSON, got text that is not JSON; check that the file is whole") from None
    try:
        images = {image["id"]: image for image in content["images"]}
        names = {key: str(image["file_name"]) for key, image in images.items()}
        annotations = list(content["annotations"])
    except (KeyError, TypeError):
        raise ValueError(
            'expected COCO\'s JSON with "images" (id, file_name) and "annotations" (image_id, bbox), got another layout'
        ) from None
    for number, annotation in enumerate(annotations, start=1):
        where = f"annotation {number}"
        try:
            a, b, c, d = map(float, annotation["bbox"])
            image = images[annotation["image_id"]]
            yield Row(where, names[annotation["image_id"]], (a, b, c, d), _declared(image))
        except (KeyError, TypeError, ValueError, OverflowError):
            said = f"expected the id of a picture and a bbox of four numbers in {where}"
            if isinstance(annotation, dict) and "segmentation" in annotation and "bbox" not in annotation:
                said += ", got a mask"
            yield Row(where, "", None, None, said)


def _declared(image: Mapping[str, object]) -> tuple[int, int] | None:
    width, height = (image.get(name) for name in ("width", "height"))
    if not (isinstance(width, int) and isinstance(height, int)):
        return None
    return (width, height) if 0 < width <= FARTHEST and 0 < height <= FARTHEST else None


def _in_shares(rows: Sequence[Row]) -> bool:
    """Whether a table's numbers are shares of the sides: all within 0 and 1, or not far from it and not whole."""
    found = [number for row in rows if row.numbers is not None for number in row.numbers]
    largest = max(map(abs, found), default=math.inf)
    return largest <= 1 + SLACK or (largest <= REACH and any(number % 1 for number in found))


def _corner_or_centre(rows: Sequence[Row]) -> str:
    """What x, y of a table in shares are: the reading under which every box lies within its picture."""
    boxes = [row.numbers for row in rows if row.numbers is not None]
    corner = all(x >= -SLACK and y >= -SLACK and x + w <= 1 + SLACK and y + h <= 1 + SLACK for x, y, w, h in boxes)
    centre = all(_within(x, w) and _within(y, h) for x, y, w, h in boxes)
    if corner == centre:
        raise ValueError(
            "expected to be told whether x, y of boxes in shares of the picture are their corner or their centre, got "
            "numbers that fit both or neither; call the columns x0, y0, x1, y1 or x_center, y_center, width, height"
        )
    return CORNER if corner else CENTRE


def _within(centre: float, length: float) -> bool:
    return centre - length / 2 >= -SLACK and centre + length / 2 <= 1 + SLACK


def _box(row: Row, kind: str, shares: bool) -> Box | Shares:
    """The box of a row. Raises ValueError, one sentence, for none."""
    if row.numbers is None:
        raise ValueError(row.problem)
    if not all(map(math.isfinite, row.numbers)):
        raise ValueError(f"expected four finite numbers in {row.where}, got {_shown(row.numbers)}")
    a, b, c, d = row.numbers
    x0, y0, x1, y1 = {ENDS: (a, b, c, d), CORNER: (a, b, a + c, b + d)}.get(
        kind, (a - c / 2, b - d / 2, a + c / 2, b + d / 2)
    )
    if max(map(abs, (x0, y0, x1, y1))) > FARTHEST:
        raise ValueError(f"expected pixels up to {FARTHEST:,} in {row.where}, got {_shown(row.numbers)}")
    if x1 <= x0 or y1 <= y0:
        raise ValueError(f"expected a box with an area in {row.where}, got {_shown(row.numbers)}")
    if shares:
        box = Shares(*(min(max(round(end, 9), 0.0), 1.0) for end in (x0, y0, x1, y1)))
        if max(map(abs, row.numbers)) > REACH or not _area(box):
            raise ValueError(
                f"expected shares of the picture's sides, 0 to 1, in {row.where}, got {_shown(row.numbers)}"
            )
        return box
    if max(row.numbers) <= 1:
        raise ValueError(f"expected pixels as in the other rows in {row.where}, got {_shown(row.numbers)}")
    return math.floor(x0), math.floor(y0), math.ceil(x1), math.ceil(y1)


def _summary(problems: Sequence[str], count: int) -> tuple[str, ...]:
    return (f"{len(problems)} of {count} boxes are left out: {problems[0]}",) if problems else ()


def _shown(coordinates: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in coordinates)


def _area(box: Box | Shares) -> float:
    x0, y0, x1, y1 = box
    return (x1 - x0) * (y1 - y0)
