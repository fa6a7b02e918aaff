"""Pictures to judge maps on, as a network sees them: with classes, and boxes around the subjects."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode

from explainers.datasets.birds.render import EDITIONS, TWELVE, VERSION, Edition, edition_for
from explainers.datasets.birds.source import HELD_OUT, RenderedBirds, drawn_side
from explainers.datasets.box_places import matched, placed
from explainers.datasets.boxes import Box, Boxes, Shares
from explainers.datasets.pictures import OpenedPicture, PictureError, read_picture
from explainers.datasets.preparing import Preparing, gathered
from explainers.networks.catalogue import Network
from explainers.networks.preprocessing import Preprocessing

LONGEST = 512
# Pictures that are asked about together.
BATCH = 8


@dataclass(frozen=True, eq=False)
class Pictures:
    """`images` (N, 3, H, W) in network units; `labels` (N,); `boxes` half-open in pixels of the images.

    `true_labels` is False where the network's own answer stands for a class that nobody gave.
    """

    images: Tensor = field(repr=False)
    labels: Tensor
    boxes: tuple[Box | None, ...]
    true_labels: bool

    def __len__(self) -> int:
        return len(self.images)

    def chosen(self, places: Sequence[int]) -> "Pictures":
        """Those at `places`. Raises ValueError for none."""
        if not places:
            raise ValueError("expected pictures with a box of at most a third, got none; choose others")
        boxes = tuple(self.boxes[place] for place in places)
        return Pictures(self.images[places], self.labels[places], boxes, self.true_labels)

    @property
    def nbytes(self) -> int:
        """Memory of the pictures."""
        return self.images.nbytes


@dataclass(frozen=True)
class Birds:
    """The first `count` held-out rendered birds; each comes with the box around it."""

    count: int

    @property
    def key(self) -> str:
        """What the pictures depend on, besides the network: its classes tell the edition."""
        return f"birds {VERSION} {HELD_OUT} {self.count}"

    def __len__(self) -> int:
        return self.count

    def items(
        self, preprocessing: Preprocessing, edition: Edition = TWELVE
    ) -> Iterator[tuple[Image.Image, Box | None, int | None]]:
        """Picture, box and species, drawn at the size at which the network asks for them."""
        for bird in RenderedBirds(self.count, drawn_side(preprocessing.resize), HELD_OUT, edition).birds():
            yield bird.image, bird.box, bird.label


@dataclass(frozen=True, eq=False)
class Folder:
    """Somebody's own pictures with their boxes; `key` tells one folder from another.

    `notes` are sentences on what had to be guessed, and on boxes that found no picture.
    """

    key: str
    names: tuple[str, ...]
    images: tuple[Image.Image, ...]
    boxes: tuple[Box | None, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def items(
        self, preprocessing: Preprocessing, edition: Edition = TWELVE
    ) -> Iterator[tuple[Image.Image, Box | None, int | None]]:
        """Picture, box and label of each; no label is known."""
        for image, box in zip(self.images, self.boxes, strict=True):
            yield image, box, None


def prepare(network: Network, data: Birds | Folder) -> Iterator[Preparing | Pictures]:
    """`prepared`, with the pictures as the last item."""
    yield (yield from prepared(network, data))


def prepared(network: Network, data: Birds | Folder) -> Generator[Preparing, None, Pictures]:
    """How far it has come; answers with the pictures: `pictures = yield from prepared(…)`.

    Birds are labelled with their species where the network was trained on these; else the network's answer to
    the whole picture is the label.
    """
    pre = network.preprocessing
    seen = (
        (pre.tensor(image), None if box is None else moved_box(box, image.size, pre), label)
        for image, box, label in data.items(pre, edition_for(network.classes))
    )
    images, boxes, labels = zip(*(yield from gathered(seen, len(data))), strict=True)
    stack = torch.stack(images)
    known = tuple(network.classes) in {one.species for one in EDITIONS.values()} and None not in labels
    if known:
        return Pictures(stack, torch.tensor(labels), boxes, True)
    device = next(network.module.parameters()).device
    with torch.no_grad():
        answers = [network.module(part.to(device)).argmax(1).cpu() for part in torch.split(stack, BATCH)]
    return Pictures(stack, torch.cat(answers), boxes, False)


def moved_box(box: Box, size: tuple[int, int], preprocessing: Preprocessing) -> Box | None:
    """Where a box of a picture of `size` (width, height) ends up after scaling and cropping; None if outside.

    >>> moved_box((0, 0, 100, 200), (200, 200), Preprocessing(64, 64, (0.5,) * 3, (0.25,) * 3))
    (0, 0, 32, 64)
    """
    filled = Image.new("L", size)
    filled.paste(255, box)
    inside = np.asarray(preprocessing.cut(filled, InterpolationMode.NEAREST)) > 0
    if not inside.any():
        return None
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def read_folder(
    files: Iterable[tuple[str, bytes]], boxes: Mapping[str, Box | Shares], key: str
) -> tuple[Folder, tuple[str, ...]]:
    """The pictures of `files` (name, bytes) with those of `boxes` that belong to them, and what is no picture.

    Names are compared as in `matched`, boxes turned and scaled with their pictures as in `placed`. Pictures are kept
    with a longer side of at most 512 pixels. Files that are no pictures are left out, with a sentence each.

    Raises ValueError, one sentence, where no picture is left or no box belongs to one.
    """
    names: list[str] = []
    opened: list[OpenedPicture] = []
    problems: list[str] = []
    for name, data in files:
        try:
            opened.append(_small(read_picture(data)))
            names.append(name)
        except PictureError as error:
            problems.append(f"{_base(name)}: {error}")
    if not opened:
        raise ValueError("expected at least one picture, got none that can be read; choose PNG or JPEG files")
    owners, notes = matched(names, boxes)
    if boxes and not any(owners):
        raise ValueError(
            f"expected boxes under the names of the pictures ({_some(names)}), got boxes for {_some(boxes)}; "
            "make the names equal"
        )
    found, more = _placed(names, opened, owners, boxes)
    seen = [f"{_base(name)}: {note}." for name, picture in zip(names, opened, strict=True) for note in picture.notes]
    told = tuple(getattr(boxes, "problems", ()))
    images = tuple(picture.image for picture in opened)
    return Folder(key, tuple(names), images, found, (*told, *notes, *more, *seen)), tuple(problems)


def _small(picture: OpenedPicture) -> OpenedPicture:
    picture.image.thumbnail((LONGEST, LONGEST), reducing_gap=2)
    return picture


def _placed(
    names: Sequence[str],
    pictures: Sequence[OpenedPicture],
    owners: Sequence[str | None],
    boxes: Mapping[str, Box | Shares],
) -> tuple[tuple[Box | None, ...], tuple[str, ...]]:
    """The boxes in pixels of the pictures as they are kept, and a sentence for each reason why there is none."""
    sizes = boxes.sizes if isinstance(boxes, Boxes) else {}
    found: list[Box | None] = []
    outside: list[str] = []
    notes: list[str] = []
    turned = 0
    for name, picture, owner in zip(names, pictures, owners, strict=True):
        box = None
        if owner is not None:
            try:
                box = placed(boxes[owner], picture.stored, picture.orientation, sizes.get(owner))
                turned += box is not None and picture.orientation != 1
                if box is None:
                    outside.append(name)
            except ValueError as error:
                notes.append(f"{_base(name)}: {error}")
        width = picture.stored[picture.orientation >= 5]
        found.append(None if box is None else scaled(box, picture.image.width / width))
    if missing := [name for name, owner in zip(names, owners, strict=True) if boxes and owner is None]:
        notes.append(f"{len(missing)} of {len(names)} pictures have no box ({_some(missing)})")
    if outside:
        notes.append(f"{len(outside)} boxes lie outside their pictures and are left out ({_some(outside)})")
    if turned:
        notes.append(f"{turned} pictures were turned upright as their cameras say, and their boxes with them")
    return tuple(found), tuple(notes)


def scaled(box: Box, factor: float) -> Box:
    """The box of a picture that was made smaller, rounded outwards.

    >>> scaled((10, 10, 21, 30), 0.5)
    (5, 5, 11, 15)
    """
    x0, y0, x1, y1 = (end * factor for end in box)
    return int(x0 // 1), int(y0 // 1), int(-(-x1 // 1)), int(-(-y1 // 1))


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _some(names: Iterable[str] | Sequence[str]) -> str:
    known = [_base(name) for name in names]
    return ", ".join(known[:3]) + (" …" if len(known) > 3 else "")
