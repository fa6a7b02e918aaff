"""Rendered birds: twelve species that differ in details, each picture with its exact mask.

A stand-in for CUB-200 that needs no download. A picture is a function of (seed, index, size): every size
shows the same bird. Three random streams are kept apart (label, scene, bird), so that neither the
background nor the pose can tell the species. Networks are trained on these pictures: whatever changes one
pixel needs another VERSION.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from explainers.datasets.birds import species as bird_species
from explainers.datasets.birds.canvas import Canvas
from explainers.datasets.birds.drawing import draw_bird
from explainers.datasets.birds.pose import Pose
from explainers.datasets.birds.scenery import draw_scene

VERSION = 1
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
SPECIES: tuple[str, ...] = tuple(species.name for species in bird_species.ALL)
SIZES = range(16, 513)


@dataclass(frozen=True)
class Bird:
    """One picture.

    `mask` (size, size) is True where the bird (bill, crest, tail and legs included) covers at least half of
    the pixel; `box` = (x0, y0, x1, y1) bounds the mask, half-open; `parts` maps names to (x, y) in pixels.
    """

    image: Image.Image
    mask: np.ndarray
    box: tuple[int, int, int, int]
    species: str
    label: int
    parts: dict[str, tuple[float, float]]
    scene: str


def _stream(seed: int, index: int, purpose: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, index, purpose))))


def label_of(index: int, seed: int = 0) -> int:
    """The species of picture `index`: every block of twelve holds each species once, shuffled.

    >>> sorted(label_of(i) for i in range(12)) == list(range(12))
    True
    """
    block, place = divmod(index, len(SPECIES))
    return _order(block, seed)[place]


@lru_cache(maxsize=64)
def _order(block: int, seed: int) -> tuple[int, ...]:
    # Ranks of uniform numbers are the same on every version of NumPy; `permutation` need not be.
    return tuple(np.argsort(_stream(seed, block, 0).random(len(SPECIES)), kind="stable").tolist())


def render_bird(index: int, size: int = 64, seed: int = 0, label: int | None = None) -> Bird:
    """Picture `index` of the dataset `seed`, size × size pixels; `label` puts another species in its place.

    Raises ValueError for a size outside 16 to 512 or an unknown label.

    >>> bird = render_bird(3, size=64)
    >>> bird.image.size, bird.mask.shape, bird.species == SPECIES[bird.label]
    ((64, 64), (64, 64), True)
    """
    if size not in SIZES:
        raise ValueError(f"expected a size from 16 to 512 pixels, got {size}")
    label = label_of(index, seed) if label is None else label
    if not 0 <= label < len(SPECIES):
        raise ValueError(f"expected a label from 0 to {len(SPECIES) - 1}, got {label}")
    oversampling = max(2, -(-192 // size))
    side = size * oversampling
    scene = draw_scene(side, _stream(seed, index, 1))
    rng = _stream(seed, index, 2)
    pose = Pose.draw(rng)
    canvas = Canvas(side)
    places = draw_bird(canvas, bird_species.ALL[label], pose, scene.feet, rng)
    scene.picture.paste(canvas.picture, mask=canvas.cover)
    mask = np.asarray(canvas.cover.reduce(oversampling)) >= 128
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return Bird(
        image=scene.picture.reduce(oversampling),
        mask=mask,
        box=(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1),
        species=SPECIES[label],
        label=label,
        parts={name: (x * size, y * size) for name, (x, y) in places.items()},
        scene=scene.kind,
    )
