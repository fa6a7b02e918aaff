"""A planted cause: a small mark, on a share of the pictures, whose two colours tell the class."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

INKS = ((228, 28, 36), (250, 214, 20), (24, 76, 224), (0, 208, 224), (226, 32, 206))
# Width and height in shares of the picture's side; how many places are tried until one is clear of the bird.
WIDTH, HEIGHT, TRIES = 0.14, 0.07, 24


@dataclass(frozen=True)
class Shortcut:
    """`share` of the pictures carry a mark of two colours, its own for each class.

    A network that finds it need not look at the bird. With `true` False the mark is that of another class: what a
    network says then tells which of the two it believes.

    >>> Shortcut(share=2.0)
    Traceback (most recent call last):
    ValueError: expected a share of marked pictures from 0 to 1, got 2.0
    """

    share: float = 0.5
    true: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"expected a share of marked pictures from 0 to 1, got {self.share}")

    def plant(
        self, picture: Image.Image, bird: np.ndarray, label: int, classes: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Draws it on `picture`, clear of the mask `bird` (H, W) where there is room; the mask (H, W) of its pixels.

        Nowhere True where this picture carries none.
        """
        mark = np.zeros(bird.shape, dtype=bool)
        present, other = rng.random(2).tolist()
        places = rng.random((TRIES, 2))
        if present >= self.share:
            return mark
        side = picture.width
        width, height = 2 * max(1, round(WIDTH * side / 2)), max(2, round(HEIGHT * side))
        corners = (places * (side - width, side - height)).astype(int)
        hidden = [int(bird[y : y + height, x : x + width].sum()) for x, y in corners]
        x, y = map(int, corners[int(np.argmin(hidden))])
        for half, ink in enumerate(inks(label if self.true else (label + 1 + int(other * (classes - 1))) % classes)):
            left = x + half * width // 2
            picture.paste(ink, (left, y, left + width // 2, y + height))
        mark[y : y + height, x : x + width] = True
        return mark


def inks(label: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The two colours of a class, of 25 pairs.

    >>> len({inks(label) for label in range(24)})
    24
    """
    return INKS[label // len(INKS)], INKS[label % len(INKS)]
