"""Rendered birds by the set: which of them train, judge and are shown, and how large they are drawn."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from os import cpu_count

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from explainers.datasets.birds.render import (
    MEAN,
    SIZES,
    STD,
    TWELVE,
    Bird,
    Edition,
    label_of,
    render_bird,
    render_empty,
)
from explainers.datasets.birds.shortcut import Shortcut

# Seeds. No shipped network was trained on the birds that judge, nor on those that the app shows.
SHOWN, TRAINING, HELD_OUT = 0, 1, 2
CHUNK = 32
# Pixels of the side of a bird that is shown: its own for a network that sees little, else enough to cut a part from.
SMALL_SIDE, SHOWN_SIDE = 96, 256


def drawn_side(resize: int) -> int:
    """The side at which birds are drawn for a network that scales pictures to `resize` pixels.

    >>> drawn_side(8), drawn_side(224), drawn_side(800)
    (16, 224, 512)
    """
    return min(max(resize, SIZES[0]), SIZES[-1])


def shown_side(side: int) -> int:
    """The side at which birds are drawn that are shown to a network which sees `side` pixels.

    >>> shown_side(32), shown_side(224)
    (32, 256)
    """
    return side if side <= SMALL_SIDE else SHOWN_SIDE


class RenderedBirds(Dataset[tuple[Tensor, int]]):
    """`count` birds as pairs (float tensor (3, size, size) in network units, label).

    That is torchvision's convention, which every data loader collates. `bird(index)` is the
    whole record with mask, box and parts. With `shortcut`, marks that tell the class are planted on a share of them.

    >>> picture, label = RenderedBirds(24)[5]
    >>> picture.shape, picture.dtype
    (torch.Size([3, 64, 64]), torch.float32)
    """

    def __init__(
        self,
        count: int,
        size: int = 64,
        seed: int = SHOWN,
        edition: Edition = TWELVE,
        shortcut: Shortcut | None = None,
    ):
        self.count, self.size, self.seed = count, size, seed
        self.edition, self.shortcut = edition, shortcut
        self.classes = edition.species

    def __len__(self) -> int:
        return self.count

    def bird(self, index: int) -> Bird:
        """The picture with its masks. Raises IndexError beyond `count`."""
        if not 0 <= index < self.count:
            raise IndexError(f"expected an index from 0 to {self.count - 1}, got {index}")
        return render_bird(index, self.size, self.seed, edition=self.edition, shortcut=self.shortcut)

    def birds(self) -> Iterator[Bird]:
        """One after the other, each drawn when it is asked for."""
        return map(self.bird, range(self.count))

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        bird = self.bird(index)
        unit = torch.as_tensor(np.array(bird.image)).permute(2, 0, 1).float() / 255
        return (unit - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None], bird.label

    def tensors(self, workers: int | None = None) -> tuple[Tensor, Tensor]:
        """All pictures as (N, 3, size, size) uint8 and their labels (N,) int64.

        `workers` processes share the work (None: one per core; 0: this process alone); the result does not
        depend on them. They are spawned, so a script of one's own needs its `if __name__ == "__main__":`.

        >>> RenderedBirds(2, size=32).tensors(workers=0)[0].shape
        torch.Size([2, 3, 32, 32])
        """
        pictures = _stacked(self._pixels, self.count, workers)
        labels = torch.tensor([label_of(index, self.seed, self.edition) for index in range(self.count)])
        return pictures, labels

    def _pixels(self, index: int) -> np.ndarray:
        return np.array(self.bird(index).image)


class EmptyScenes:
    """`count` pictures without a bird, of the scenes and the leaves that an edition's birds are among."""

    def __init__(self, count: int, size: int, seed: int, edition: Edition):
        self.count, self.size, self.seed, self.edition = count, size, seed, edition

    def tensors(self, workers: int | None = None) -> tuple[Tensor, Tensor]:
        """As those of `RenderedBirds`; every label is 0."""
        return _stacked(self._pixels, self.count, workers), torch.zeros(self.count, dtype=torch.long)

    def _pixels(self, index: int) -> np.ndarray:
        return np.array(render_empty(index, self.size, self.seed, self.edition))


def _stacked(pixels: Callable[[int], np.ndarray], count: int, workers: int | None) -> Tensor:
    """Pictures (H, W, 3) of the numbers below `count` as (N, 3, H, W)."""
    workers = cpu_count() or 1 if workers is None else workers
    if workers == 0 or count <= CHUNK:
        pictures = [pixels(index) for index in range(count)]
    else:
        # Spawned, not forked: forking a process in which torch has started threads can deadlock.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            pictures = list(pool.map(pixels, range(count), chunksize=CHUNK))
    return torch.as_tensor(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
