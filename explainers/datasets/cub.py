"""CUB-200-2011 from a folder in its published layout: pictures with classes, boxes and, where they are there, masks."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from explainers.datasets.boxes import Box

LISTS = ("images.txt", "bounding_boxes.txt", "image_class_labels.txt", "classes.txt", "train_test_split.txt")


@dataclass(frozen=True)
class CubPicture:
    """`box` half-open in pixels of the file; `mask` a file that is bright on the bird, None where there is none."""

    name: str
    label: str
    path: Path
    box: Box
    mask: Path | None
    training: bool


def read_cub(root: Path) -> tuple[CubPicture, ...]:
    """All pictures of the folder `CUB_200_2011`, in the order of its list; files are not opened.

    Labels are the names of the classes without their number. Raises ValueError, one sentence, for another layout, for
    lists that do not fit together, and for paths that lead out of the folder.

    Source: Wah et al., "The Caltech-UCSD Birds-200-2011 dataset", 2011.
    """
    lists = {name: dict(_lines(root / name)) for name in LISTS}
    images, boxes, labels, classes, split = (lists[name] for name in LISTS)
    found: list[CubPicture] = []
    for number, name in images.items():
        try:
            label = classes[labels[number]].partition(".")[2] or classes[labels[number]]
            box, training = _box(boxes[number]), split[number] == "1"
        except (KeyError, ValueError):
            raise ValueError(
                f"expected a box, a class and a split of picture {number} in '{root.name}', got none that can be read; "
                "take the lists of one and the same data set"
            ) from None
        path = root / "images" / name
        if not path.resolve().is_relative_to(root.resolve()):
            raise ValueError(f"expected pictures inside '{root.name}', got '{name}' in {LISTS[0]}; mend that line")
        mask = root / "segmentations" / Path(name).with_suffix(".png")
        found.append(CubPicture(name, label.replace("_", " "), path, box, mask if mask.is_file() else None, training))
    return tuple(found)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Number and the rest of every line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ValueError(
            f"expected the layout of CUB-200-2011 in '{path.parent.name}', found no readable {path.name}; "
            "name the folder that holds images/ and the lists"
        ) from None
    for line in text.splitlines():
        number, _, rest = line.strip().partition(" ")
        if number:
            yield number, rest.strip()


def _box(text: str) -> Box:
    """From "x y width height".

    >>> _box("60.0 27.0 325.5 304.0")
    (60, 27, 386, 331)
    """
    x, y, width, height = map(float, text.split())
    return math.floor(x), math.floor(y), math.ceil(x + width), math.ceil(y + height)
