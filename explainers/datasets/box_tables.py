"""Tables of boxes as text: CSV with a header, and YOLO's lines."""

import csv
import io
import re
from dataclasses import dataclass

NAMES = ("name", "file", "filename", "file_name", "image", "path")
# What the four numbers of a row are: both corners, a corner and the lengths, or the centre and the lengths.
ENDS, CORNER, CENTRE = "ends", "corner", "centre"
COLUMNS = (
    (("x0", "y0", "x1", "y1"), ENDS),
    (("xmin", "ymin", "xmax", "ymax"), ENDS),
    *(
        ((x, y, *lengths), CENTRE)
        for x, y in (("x_center", "y_center"), ("xcenter", "ycenter"), ("cx", "cy"), ("xc", "yc"))
        for lengths in (("width", "height"), ("w", "h"))
    ),
    (("x", "y", "width", "height"), CORNER),
    (("x", "y", "w", "h"), CORNER),
)
# Class, x_center, y_center, width, height, and of predictions a confidence.
YOLO = re.compile(r"\d+(\s+[-+.\deE]+){4,5}")


@dataclass(frozen=True)
class Row:
    """One row of a file: where it stands, the picture's name and four numbers, or the `problem` in a sentence.

    `size` is the picture's (width, height) where the file declares it.
    """

    where: str
    name: str
    numbers: tuple[float, float, float, float] | None
    size: tuple[int, int] | None = None
    problem: str = ""


def from_csv(text: str) -> tuple[str, list[Row]]:
    """What the numbers are, and the rows. Raises ValueError, one sentence, for another kind of file."""
    try:
        header, *rows = [row for row in csv.reader(io.StringIO(text), strict=True) if any(map(str.strip, row))]
    except (csv.Error, ValueError):
        raise ValueError("expected a CSV file with a header and one row per box, got something else") from None
    columns = {name.strip().lower(): i for i, name in reversed(list(enumerate(header)))}
    name = next((key for key in NAMES if key in columns), None)
    known = next((pair for pair in COLUMNS if columns.keys() >= set(pair[0])), None)
    if name is None or known is None:
        raise ValueError(
            f"expected the columns name, x0, y0, x1, y1 or name, x, y, width, height, got {', '.join(header)[:100]}"
        )
    keys, kind = known
    found: list[Row] = []
    for number, row in enumerate(rows, start=1):
        where = f"row {number}"
        try:
            a, b, c, d = (float(row[columns[key]]) for key in keys)
            found.append(Row(where, row[columns[name]].strip(), (a, b, c, d)))
        except (IndexError, ValueError):
            problem = f"expected a name and four numbers in {where}, got {', '.join(row)[:100]}"
            found.append(Row(where, "", None, None, problem))
    return kind, found


def from_yolo(text: str, name: str) -> tuple[str, list[Row]] | None:
    """The rows of YOLO's file of one picture, whose name without its ending it carries; None for another kind.

    >>> from_yolo("3 0.5 0.5 0.1 0.2", "cat.txt")[1][0].numbers
    (0.5, 0.5, 0.1, 0.2)
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or not all(YOLO.fullmatch(line) for line in lines):
        return None
    picture = name.replace("\\", "/").removesuffix(".txt")
    if not picture:
        raise ValueError("expected the name of a file in YOLO's format, which is its picture's, got none; give it")
    rows: list[Row] = []
    for number, line in enumerate(lines, start=1):
        where = f"line {number}"
        try:
            a, b, c, d = map(float, line.split()[1:5])
            rows.append(Row(where, picture, (a, b, c, d)))
        except ValueError:
            rows.append(Row(where, "", None, None, f"expected a class and four numbers in {where}, got {line[:100]}"))
    return CENTRE, rows
