"""The pictures that a sweep's command names: rendered birds, data sets, or a folder with boxes or masks."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from explainers.datasets.birds.render import EDITIONS
from explainers.datasets.box_places import matched
from explainers.datasets.boxes import Boxes, read_box_files
from explainers.datasets.coco_masks import read_masks
from explainers.datasets.cub import read_cub
from explainers.datasets.folder import ImageFolder
from explainers.datasets.photographs import photographs
from explainers.datasets.pictures import EXTENSIONS
from explainers.sweeps.items import BirdItem, Cifar10Item, FileItem, Item, cifar10

DRAWN = {f"{edition.name}s": edition for edition in EDITIONS.values()}
MOST_BIRDS = MOST_PICTURES = 1_000_000
PHOTOGRAPHS = "photographs"
LINK = "{}: expected a file of this folder, got a link that leads out of it or nowhere; copy the file"


@dataclass(frozen=True)
class Found:
    """Pictures, sentences on what had to be guessed about them, and names that are no picture, each with its reason."""

    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


def find_pictures(text: str, boxes: Sequence[Path] = (), masks: Path | None = None, most: int | None = None) -> Found:
    """The pictures that `text` names: "birds:200", "lookalikes:200", "cifar10:DIR", "cub:DIR", "photographs", a folder.

    Of CIFAR-10 and CUB-200-2011 the test split; photographs are those of scikit-image's package with their boxes.

    At most the first `most`. In a folder, the names of folders right below it are the classes of what lies in them.
    `boxes` are files as `read_boxes` takes them; in the folder `masks` every picture's mask lies under its own path,
    with any ending, or `masks` is a file as `read_masks` takes it.

    Raises ValueError, one sentence, for anything else, and where there is no picture.

    >>> [item.name for item in find_pictures("birds:2").items]
    ['bird/0', 'bird/1']
    """
    kind, _, rest = text.partition(":")
    if kind not in (*DRAWN, "cifar10", "cub", PHOTOGRAPHS):
        return _folder(Path(text), boxes, masks, most)
    if boxes or masks is not None:
        raise ValueError(
            "expected boxes or masks for a folder of pictures, got them for another source; leave them out"
        )
    items: list[Item]
    if kind in DRAWN:
        if not rest.isdecimal() or not 0 < int(rest) <= MOST_BIRDS:
            raise ValueError(f"expected {kind}:N with N from 1 to {MOST_BIRDS:,}, got '{text}'; say how many to draw")
        items = [BirdItem(index, DRAWN[kind]) for index in range(int(rest))]
    elif kind == "cub":
        items = [
            FileItem(one.name, (one.label,), one.path, one.box, None, one.mask)
            for one in read_cub(Path(rest))
            if not one.training
        ]
    elif kind == PHOTOGRAPHS:
        items = [FileItem(one.name, (one.subject,), one.path, one.box) for one in photographs()]
    else:
        try:
            count = len(cifar10(Path(rest))[1])
        except FileNotFoundError as error:
            raise ValueError(f"{error}; give another after cifar10:") from None
        items = [Cifar10Item(Path(rest), index) for index in range(count)]
    return Found(tuple(items[:most]))


def _folder(root: Path, boxes: Sequence[Path], masks: Path | None, most: int | None) -> Found:
    folder = ImageFolder(root, MOST_PICTURES)
    if not len(folder):
        raise ValueError(
            f"expected pictures in '{root.name}', found none ({', '.join(EXTENSIONS)}"
            f"{'; links that lead out of it do not count' if folder.left_out else ''}); choose another folder"
        )
    known = read_box_files([(path.name, _bytes(path, "boxes")) for path in boxes]) if boxes else Boxes()
    owners, notes = matched(folder.names, known)
    if boxes and not any(owners):
        raise ValueError("expected boxes under the names of the pictures, got others; make the names equal")
    of_picture, told = _masks(masks, folder.names)
    notes = (*notes, *told)
    items: list[Item] = []
    for picture, owner in list(zip(folder.pictures, owners, strict=True))[:most]:
        name = as_text(picture.name)
        above = name.rpartition("/")[0].partition("/")[0]
        items.append(
            FileItem(
                name,
                (above,) if above else (),
                picture.path,
                None if owner is None else known[owner],
                None if owner is None else known.sizes.get(owner),
                of_picture(picture.name),
            )
        )
    lacking = owners[: len(items)].count(None)
    if boxes and lacking:
        notes = (*notes, f"{lacking} of {len(items)} pictures have no box")
    lacking = sum(isinstance(item, FileItem) and item.mask is None for item in items)
    if masks is not None and lacking == len(items):
        raise ValueError(
            f"expected masks in '{masks.name}' under the names of the pictures, found none; make them equal"
        )
    if masks is not None and lacking:
        notes = (*notes, f"{lacking} of {len(items)} pictures have no mask")
    left_out = map(as_text, folder.left_out)
    notes = tuple(map(as_text, (*known.problems, *notes)))
    return Found(tuple(items), notes, tuple((name, LINK.format(name)) for name in left_out))


def as_text(name: str) -> str:
    r"""A file's name as it can be written anywhere: bytes in it that are no UTF-8 are told by their numbers.

    >>> as_text("rün.png"), as_text(b"r\xfcn.png".decode(errors="surrogateescape"))
    ('rün.png', 'r\\xfcn.png')
    """
    return os.fsencode(name).decode(errors="backslashreplace") if not name.isprintable() else name


def brought(files: Sequence[tuple[str, bytes]], boxes: Boxes) -> Found:
    """The pictures of `files` (name, bytes) with those of `boxes` that belong to them, as a folder of them would be.

    Raises ValueError, one sentence, where no picture is left or no box belongs to one.
    """
    owners, notes = matched([name for name, _ in files], boxes)
    if boxes and not any(owners):
        raise ValueError("expected boxes under the names of the pictures, got others; make the names equal")
    items: list[Item] = []
    told: list[str] = []
    left_out: list[tuple[str, str]] = []
    for (name, data), owner in zip(files, owners, strict=True):
        box = None if owner is None else boxes[owner]
        item = FileItem(name, (), data, box, None if owner is None else boxes.sizes.get(owner))
        try:
            told += [f"{name}: {note}" for note in item.check()]
        except ValueError as error:
            left_out.append((name, str(error)))
        else:
            # Its bytes are hashed once, not every time that somebody asks for its rows.
            items.append(item.packed())
    if not items:
        raise ValueError("expected at least one picture, got none that can be read; choose PNG or JPEG files")
    lacking = owners.count(None)
    if boxes and lacking:
        told.append(f"{lacking} of {len(files)} pictures have no box")
    return Found(tuple(items), (*boxes.problems, *notes, *told), tuple(left_out))


def _masks(masks: Path | None, names: Sequence[str]) -> tuple[Callable[[str], Path | bytes | None], tuple[str, ...]]:
    """What gives a picture of `names` its mask, from a folder or COCO's file; and sentences on what was left out."""
    if masks is None:
        return lambda _: None, ()
    if not masks.is_file():
        return partial(_mask, masks), ()
    found = read_masks(_bytes(masks, "masks"), names)
    return found.get, found.notes


def _mask(masks: Path, name: str) -> Path | None:
    stem = masks / name.rpartition(".")[0]
    return next((path for ending in EXTENSIONS if (path := stem.with_name(stem.name + ending)).is_file()), None)


def _bytes(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise ValueError(
            f"expected a readable file of {what}, got '{path.name}', which is none; check its path"
        ) from None
