"""One picture of a sweep, which any machine can open: a rendered bird, one of CIFAR-10, or a file."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image
from torch import Tensor

from explainers.datasets.birds.render import TWELVE, Edition, render_bird
from explainers.datasets.birds.source import SHOWN, shown_side
from explainers.datasets.box_places import placed
from explainers.datasets.boxes import Box, Declared, Shares
from explainers.datasets.cifar10 import CLASSES, load_cifar10
from explainers.datasets.pictures import OpenedPicture, PictureError, as_png, open_picture, read_picture
from explainers.evaluation.pictures import scaled
from explainers.methods.network_input import NetworkInput, network_input
from explainers.networks.catalogue import Network

# Larger pictures are made smaller first, as the app does with what is brought to it.
LONGEST = 2048


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
    edition: Edition = TWELVE

    @property
    def name(self) -> str:
        """As the app calls it."""
        return f"{self.edition.name}/{self.index}"

    @property
    def labels(self) -> tuple[str, ...]:
        """Its species; it is a bird as well."""
        return render_bird(self.index, 16, SHOWN, edition=self.edition).species, "bird"

    def identity(self) -> str:
        """The edition of the birds and the bird."""
        return f"bird {self.edition.version} {SHOWN} {self.index}"

    def seen_by(self, network: Network) -> NetworkInput:
        """Drawn at the size at which the app draws it."""
        bird = render_bird(self.index, shown_side(network.input_size[0]), SHOWN, edition=self.edition)
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
        return (CLASSES[int(cifar10(self.folder)[1][self.index])],)

    def identity(self) -> str:
        """Its place and SHA-256 of its pixels: some are there twice."""
        return f"cifar10 {self.index} {hashlib.sha256(self._pixels().tobytes()).hexdigest()}"

    def seen_by(self, network: Network) -> NetworkInput:
        """As it is, without a foreground."""
        return network_input(network, Image.fromarray(self._pixels()), title=self.labels[0], key=self.name)

    def packed(self) -> "FileItem":
        """Its bytes, as a PNG file."""
        return FileItem(self.name, self.labels, as_png(Image.fromarray(self._pixels())), stands_for=self.identity())

    def _pixels(self) -> np.ndarray:
        return cifar10(self.folder)[0][self.index].permute(1, 2, 0).contiguous().numpy()


@lru_cache(maxsize=1)
def cifar10(folder: Path) -> tuple[Tensor, Tensor]:
    """The test split's pictures and labels, read once."""
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
            opened = self.opened()
            mask = None if self.mask is None else self._foreground(opened.image.size)
            return network_input(network, opened.image, mask, self._box(opened), self.name, self.name)
        except PictureError as error:
            raise PictureError(f"{self.name}: {error}") from None
        except ValueError as error:  # a box of another picture
            raise PictureError(f"{self.name}: {error}") from None

    def opened(self) -> OpenedPicture:
        """Upright, at most LONGEST pixels wide and high, and what had to be guessed. Raises PictureError."""
        return read_picture(self.source, longest=LONGEST)

    def check(self) -> tuple[str, ...]:
        """What had to be guessed, in sentences. Raises ValueError, one sentence, where picture and box do not fit."""
        opened = self.opened()
        self._box(opened)
        return opened.notes

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
