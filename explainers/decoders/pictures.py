"""Pictures to train a decoder on, as a network sees them: rendered birds, somebody's own, or those of its recipe."""

import hashlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from explainers.datasets.birds.render import LOOKALIKES, TWELVE, Edition
from explainers.datasets.birds.source import HELD_OUT, TRAINING, RenderedBirds, drawn_side
from explainers.datasets.folder import ImageFolder
from explainers.datasets.pictures import PictureError
from explainers.datasets.preparing import Preparing, gathered
from explainers.networks.catalogue import Network
from explainers.networks.preprocessing import Preprocessing
from explainers.train.recipes import RECIPES

# Fewer pictures teach a decoder nothing but themselves.
LEAST = 20
# One picture in so many is held out, and never more than so many: they only measure the error.
ONE_IN, MOST_HELD_OUT = 10, 200
RECIPE_HELD_OUT = 1000
# Longer sides are of no use to networks that see 224 pixels.
LONGEST = 512


@dataclass(frozen=True)
class DecoderPictures:
    """Pictures to train on and to judge by, uint8 (N, 3, H, W) of the network's input size; `data` names them."""

    train: Tensor = field(repr=False)
    held_out: Tensor = field(repr=False)
    data: str


class Source(Protocol):
    """Where pictures come from."""

    @property
    def key(self) -> str:
        """What tells one source from another."""
        ...

    @property
    def held_out(self) -> int:
        """How many of `len` pictures come last, and are not learnt from."""
        ...

    def __len__(self) -> int: ...

    def images(self, preprocessing: Preprocessing) -> Iterator[Image.Image]:
        """All pictures, as they are to be seen by a network."""
        ...

    def data(self, trained: int, held_out: int) -> str:
        """In words, what a decoder learnt from."""
        ...


@dataclass(frozen=True)
class BirdSource:
    """`count` rendered birds to train on, and a tenth as many of another seed to judge by.

    The seeds are those of the shipped networks' own split: what judges a decoder has trained nothing.

    Raises ValueError for fewer than LEAST.
    """

    count: int
    edition: Edition = TWELVE

    def __post_init__(self) -> None:
        if self.count < LEAST:
            raise ValueError(f"expected at least {LEAST} rendered birds, got {self.count}; ask for more")

    @property
    def key(self) -> str:
        """What the pictures depend on."""
        return f"birds {self.edition.version} {self.count}"

    @property
    def held_out(self) -> int:
        """How many of them the error is measured on."""
        return held_out(self.count)

    def __len__(self) -> int:
        return self.count + self.held_out

    def images(self, preprocessing: Preprocessing) -> Iterator[Image.Image]:
        """Drawn at the size at which the network asks for them."""
        side = drawn_side(preprocessing.resize)
        for seed, count in ((TRAINING, self.count), (HELD_OUT, self.held_out)):
            yield from (bird.image for bird in RenderedBirds(count, side, seed, self.edition).birds())

    def data(self, trained: int, held_out: int) -> str:
        """In words, what a decoder learnt from."""
        which = ", look-alikes" if self.edition == LOOKALIKES else ""
        return f"rendered birds{which}: {trained:,} to train on, {held_out:,} held out"


@dataclass(frozen=True, eq=False)
class PictureSource:
    """Somebody's own pictures, a tenth of them held out; `key` tells one collection from another.

    They are shuffled first, so that neither names nor folders decide what is held out.

    Raises ValueError for fewer than LEAST.
    """

    key: str
    pictures: tuple[Image.Image, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.pictures) < LEAST:
            raise ValueError(_few(len(self.pictures)))

    @property
    def held_out(self) -> int:
        """How many of them the error is measured on."""
        return held_out(len(self.pictures))

    def __len__(self) -> int:
        return len(self.pictures)

    def images(self, preprocessing: Preprocessing) -> Iterator[Image.Image]:
        """All pictures, shuffled."""
        for place in _shuffled(len(self)):
            yield self.pictures[place]

    def data(self, trained: int, held_out: int) -> str:
        """In words, what a decoder learnt from."""
        return f"own pictures: {trained:,} to train on, {held_out:,} held out"


class FolderSource:
    """The pictures below a folder, read one after the other; those that cannot be read are left out.

    Raises ValueError where it is no folder or holds fewer than LEAST pictures.
    """

    def __init__(self, root: Path) -> None:
        self.folder = ImageFolder(root)
        if len(self.folder) < LEAST:
            raise ValueError(_few(len(self.folder)))
        self.key = hashlib.sha256("\n".join(self.folder.names).encode()).hexdigest()

    @property
    def held_out(self) -> int:
        """How many of them the error is measured on."""
        return held_out(len(self.folder))

    def __len__(self) -> int:
        return len(self.folder)

    def images(self, preprocessing: Preprocessing) -> Iterator[Image.Image]:
        """Those that can be read, shuffled, no larger than is wanted."""
        longest = max(LONGEST, 2 * preprocessing.resize)
        for place in _shuffled(len(self)):
            try:
                yield self.folder.pictures[place].load(longest)
            except PictureError:
                continue

    def data(self, trained: int, held_out: int) -> str:
        """In words, what a decoder learnt from."""
        return f"pictures of a folder: {trained:,} to train on, {held_out:,} held out"


def prepare_pictures(network: Network, source: Source) -> Iterator[Preparing | DecoderPictures]:
    """`prepared`, with the pictures as the last item."""
    yield (yield from prepared(network, source))


def prepared(network: Network, source: Source) -> Generator[Preparing, None, DecoderPictures]:
    """How far it has come; answers with the pictures: `pictures = yield from prepared(…)`.

    Raises ValueError, one sentence, where too few of a folder's pictures can be read.
    """
    pre = network.preprocessing
    cut = (_pixels(pre.cut(image.convert("RGB"))) for image in source.images(pre))
    found = yield from gathered(cut, len(source))
    if len(found) < LEAST:
        raise ValueError(_few(len(found)))
    held = min(source.held_out, len(found) // 2)
    train, rest = torch.stack(found[:-held]), torch.stack(found[-held:])
    return DecoderPictures(train, rest, source.data(len(train), len(rest)))


def recipe_pictures(name: str, folder: Path) -> DecoderPictures:
    """What the shipped network `name` was trained on, held-out pictures apart; `folder` has the data set.

    Pictures larger than the network's input are cut into squares of its size, which overlap by three quarters.

    Raises FileNotFoundError where the data set is not there.
    """
    recipe = RECIPES[name]
    train, held = (recipe.load(folder, split)[0] for split in ("train", "test"))
    data = recipe.data
    if train.shape[-1] > recipe.size:
        train, held = (squares(pictures, recipe.size, recipe.size // 4) for pictures in (train, held))
        data = f"{data}, cut into {len(train)} and {len(held)} squares of {recipe.size} pixels that overlap"
    return DecoderPictures(train, held[:RECIPE_HELD_OUT], data)


def squares(pictures: Tensor, side: int, step: int) -> Tensor:
    """All squares (M, C, side, side) of pictures (N, C, H, W), every `step` pixels.

    >>> squares(torch.arange(16).view(1, 1, 4, 4), 2, 2)[1, 0].tolist()
    [[2, 3], [6, 7]]
    """
    cut = pictures.unfold(2, side, step).unfold(3, side, step)
    return cut.permute(0, 2, 3, 1, 4, 5).reshape(-1, pictures.shape[1], side, side)


def held_out(count: int) -> int:
    """How many pictures judge a decoder that is trained on about `count`.

    >>> held_out(20), held_out(600), held_out(10_000)
    (2, 60, 200)
    """
    return min(max(count // ONE_IN, 1), MOST_HELD_OUT)


def _shuffled(count: int) -> list[int]:
    return torch.randperm(count, generator=torch.Generator().manual_seed(count)).numpy().tolist()


def _pixels(image: Image.Image) -> Tensor:
    return torch.as_tensor(np.array(image)).permute(2, 0, 1).contiguous()


def _few(count: int) -> str:
    found = "none" if count == 0 else str(count)
    return f"expected at least {LEAST} pictures to train a decoder on, got {found} that can be read; choose more"
