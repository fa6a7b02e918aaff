"""The pictures of a sweep: rendered birds, CIFAR-10, or a folder of one's own with boxes or masks."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image
from torch import Tensor

from explainers.datasets.birds.render import VERSION, render_bird
from explainers.datasets.birds.source import SHOWN, shown_side
from explainers.datasets.box_places import matched, placed
from explainers.datasets.boxes import Box, Boxes, Declared, Shares, read_box_files
from explainers.datasets.cifar10 import CLASSES, load_cifar10
from explainers.datasets.folder import ImageFolder
from explainers.datasets.pictures import EXTENSIONS, OpenedPicture, PictureError, open_picture, read_picture
from explainers.evaluation.pictures import scaled
from explainers.methods.network_input import NetworkInput, network_input
from explainers.networks.catalogue import Network

# Larger pictures are made smaller first, as the app does with what is brought to it.
LONGEST = 2048
MOST_BIRDS = MOST_PICTURES = 1_000_000
LINK = "{}: expected a file of this folder, got a link that leads out of it or nowhere; copy the file"


class Item(Protocol):
    """One picture of a sweep, which any machine can open.

    `name` is what rows call it. `labels` are names of its class, the most special first, none where it is not known.
    """

    @property
    def name(self) -> str:
        """What rows call it."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of its class."""
        ...

    def identity(self) -> str:
        """What it depends on: the same for the same pixels. Raises PictureError where it cannot be told."""
        ...

    def seen_by(self, network: Network) -> NetworkInput:
        """As this network sees it. Raises PictureError, one sentence."""
        ...

    def packed(self) -> "Item":
        """The same for a machine that has none of the files."""
        ...


@dataclass(frozen=True)
class BirdItem:
    """A rendered bird of those that the app shows, under the app's own name."""

    index: int

    @property
    def name(self) -> str:
        """As the app calls it."""
        return f"bird/{self.index}"

    @property
    def labels(self) -> tuple[str, ...]:
        """Its species; it is a bird as well."""
        return render_bird(self.index, 16, SHOWN).species, "bird"

    def identity(self) -> str:
        """The edition of the birds and the bird."""
        return f"bird {VERSION} {SHOWN} {self.index}"

    def seen_by(self, network: Network) -> NetworkInput:
        """Drawn at the size at which the app draws it."""
        bird = render_bird(self.index, shown_side(network.input_size[0]), SHOWN)
        return network_input(network, bird.image, bird.mask, bird.box, bird.species, self.name)

    def packed(self) -> "BirdItem":
        """It is drawn anywhere."""
        return self


@dataclass(frozen=True)
class Cifar10Item:
    """A picture of CIFAR-10's test split."""

    folder: Path
    index: int

    @property
    def name(self) -> str:
        """Its place among the sorted names."""
        return f"cifar10/{self.index}"

    @property
    def labels(self) -> tuple[str, ...]:
        """Its class."""
        return (CLASSES[int(_cifar10(self.folder)[1][self.index])],)

    def identity(self) -> str:
        """Its place and SHA-256 of its pixels: some are there twice."""
        return f"cifar10 {self.index} {hashlib.sha256(self._pixels().tobytes()).hexdigest()}"

    def seen_by(self, network: Network) -> NetworkInput:
        """As it is, without a foreground."""
        return network_input(network, Image.fromarray(self._pixels()), title=self.labels[0], key=self.name)

    def packed(self) -> "FileItem":
        """Its bytes, as a PNG file."""
        return FileItem(self.name, self.labels, png(Image.fromarray(self._pixels())), stands_for=self.identity())

    def _pixels(self) -> np.ndarray:
        return _cifar10(self.folder)[0][self.index].permute(1, 2, 0).contiguous().numpy()


@lru_cache(maxsize=1)
def _cifar10(folder: Path) -> tuple[Tensor, Tensor]:
    return load_cifar10(folder, "test")


@dataclass(frozen=True)
class FileItem:
    """A picture in a file, or in bytes that were one; `box` as its file writes it, `mask` a file or its bytes."""

    name: str
    labels: tuple[str, ...]
    source: Path | bytes = field(repr=False)
    box: Box | Shares | None = None
    declared: Declared | None = None
    mask: Path | bytes | None = field(default=None, repr=False)
    stands_for: str = ""

    def identity(self) -> str:
        """Its name and class, and SHA-256 of its file and of what is known of the foreground.

        Copies of a picture under several names have a row each.
        """
        if self.stands_for:
            return self.stands_for
        known = repr((self.name, self.labels, self.box, self.declared))
        parts = (self._read(self.source), known.encode(errors="surrogatepass"), self._read(self.mask))
        return f"file {hashlib.sha256(b'/'.join(hashlib.sha256(part).digest() for part in parts)).hexdigest()}"

    def seen_by(self, network: Network) -> NetworkInput:
        """Upright, its foreground with it."""
        try:
            opened = read_picture(self.source, longest=LONGEST)
            mask = None if self.mask is None else self._foreground(opened.image.size)
            return network_input(network, opened.image, mask, self._box(opened), self.name, self.name)
        except PictureError as error:
            raise PictureError(f"{self.name}: {error}") from None
        except ValueError as error:  # a box of another picture
            raise PictureError(f"{self.name}: {error}") from None

    def packed(self) -> "FileItem":
        """With the bytes of its files."""
        mask = None if self.mask is None else self._read(self.mask)
        return replace(self, source=self._read(self.source), mask=mask, stands_for=self.identity())

    def _box(self, opened: OpenedPicture) -> Box | None:
        if self.box is None:
            return None
        box = placed(self.box, opened.stored, opened.orientation, self.declared)
        if box is None:
            raise PictureError(f"expected a box within the picture, got {tuple(self.box)}, all outside; mend its file")
        width = opened.stored[opened.orientation >= 5]
        return scaled(box, opened.image.width / width)

    def _foreground(self, size: tuple[int, int]) -> np.ndarray:
        """True where the mask is brighter than half of its brightest value."""
        assert self.mask is not None
        mask = open_picture(self.mask, longest=LONGEST).convert("L")
        if mask.size != size:
            raise PictureError(
                f"expected a mask of {size[0]}×{size[1]} pixels like its picture, got {mask.width}×{mask.height}; "
                "take the mask of this picture"
            )
        values = np.asarray(mask)
        return values > values.max() / 2

    def _read(self, source: Path | bytes | None) -> bytes:
        if source is None or isinstance(source, bytes):
            return source or b""
        try:
            return source.read_bytes()
        except OSError:
            raise PictureError(f"{self.name}: expected a readable file, it is gone or protected") from None


def png(image: Image.Image) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@dataclass(frozen=True)
class Found:
    """Pictures, sentences on what had to be guessed about them, and names that are no picture, each with its reason."""

    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


def find_pictures(text: str, boxes: Sequence[Path] = (), masks: Path | None = None, most: int | None = None) -> Found:
    """The pictures that `text` names: "birds:200", "cifar10:DIR", or a folder; at most the first `most`.

    In a folder, the names of folders right below it are the classes of what lies in them. `boxes` are files as
    `read_boxes` takes them; in the folder `masks` every picture's mask lies under its own path, with any ending.

    Raises ValueError, one sentence, for anything else, and where there is no picture.

    >>> [item.name for item in find_pictures("birds:2").items]
    ['bird/0', 'bird/1']
    """
    kind, _, rest = text.partition(":")
    if kind not in ("birds", "cifar10"):
        return _folder(Path(text), boxes, masks, most)
    if boxes or masks is not None:
        raise ValueError(
            "expected boxes or masks for a folder of pictures, got them for another source; leave them out"
        )
    items: list[Item]
    if kind == "birds":
        if not rest.isdecimal() or not 0 < int(rest) <= MOST_BIRDS:
            raise ValueError(f"expected birds:N with N from 1 to {MOST_BIRDS:,}, got '{text}'; say how many to draw")
        items = [BirdItem(index) for index in range(int(rest))]
    else:
        try:
            count = len(_cifar10(Path(rest))[1])
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
    known = read_box_files([(path.name, _bytes(path)) for path in boxes]) if boxes else Boxes()
    owners, notes = matched(folder.names, known)
    if boxes and not any(owners):
        raise ValueError("expected boxes under the names of the pictures, got others; make the names equal")
    items: list[Item] = []
    for picture, owner in list(zip(folder.pictures, owners, strict=True))[:most]:
        above = picture.name.rpartition("/")[0].partition("/")[0]
        items.append(
            FileItem(
                picture.name,
                (above,) if above else (),
                picture.path,
                None if owner is None else known[owner],
                None if owner is None else known.sizes.get(owner),
                None if masks is None else _mask(masks, picture.name),
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
    return Found(tuple(items), (*known.problems, *notes), tuple((name, LINK.format(name)) for name in folder.left_out))


def _mask(masks: Path, name: str) -> Path | None:
    stem = masks / name.rpartition(".")[0]
    return next((path for ending in EXTENSIONS if (path := stem.with_name(stem.name + ending)).is_file()), None)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise ValueError(
            f"expected a readable file of boxes, got '{path.name}', which is none; check its path"
        ) from None
