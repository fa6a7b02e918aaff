"""Rendered birds that differ in details, each picture with its exact mask.

A stand-in for CUB-200 that needs no download. A picture is a function of (edition, seed, index, size): every size
shows the same bird. Random streams are kept apart (label, scene, bird, and what stands around it), so that neither
the background nor the pose can tell the species. Networks are trained on these pictures: whatever changes one
pixel needs another VERSION.

Two editions: twelve species that anybody can tell apart, and `LOOKALIKES`, groups of three that differ in single
parts, small, away from the middle, with another bird behind them and leaves before them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops

from explainers.datasets.birds import lookalikes
from explainers.datasets.birds import species as bird_species
from explainers.datasets.birds.canvas import Canvas
from explainers.datasets.birds.crowd import draw_decoy, draw_front
from explainers.datasets.birds.drawing import draw_bird
from explainers.datasets.birds.pose import Pose, PosedBird
from explainers.datasets.birds.scenery import MIDDLE, Stands, draw_scene
from explainers.datasets.birds.shortcut import Shortcut
from explainers.datasets.birds.species import Species

VERSION = 1
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
SPECIES: tuple[str, ...] = tuple(species.name for species in bird_species.ALL)
SIZES = range(16, 513)


@dataclass(frozen=True)
class Edition:
    """Birds of some species, drawn in one way; `name` begins the keys of its pictures, `version` tells their pixels.

    `sizes`: the least, and how much more of its size a bird may have. `crowded`: others behind it, leaves before it.
    `least_side`: of the canvas, in pixels, which is then made smaller.
    """

    name: str
    version: int
    birds: tuple[Species, ...]
    stands: Stands = MIDDLE
    sizes: tuple[float, float] = (1.0, 0.0)
    crowded: bool = False
    least_side: int = 192

    @property
    def species(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(bird.name for bird in self.birds)


TWELVE = Edition("bird", VERSION, bird_species.ALL)
LOOKALIKES = Edition(
    "lookalike",
    2,
    lookalikes.LOOKALIKES,
    stands=((0.36, 0.28), (0.58, 0.20)),
    sizes=(0.80, 0.20),
    crowded=True,
    least_side=128,
)
EDITIONS = {edition.name: edition for edition in (TWELVE, LOOKALIKES)}


def edition_for(classes: Sequence[str]) -> Edition:
    """Whose species these are; the twelve for any other classes.

    >>> edition_for(LOOKALIKES.species).version, edition_for(("cat", "dog")).version
    (2, 1)
    """
    return next((one for one in EDITIONS.values() if one.species == tuple(classes)), TWELVE)


@dataclass(frozen=True)
class Bird:
    """One picture.

    `mask` (size, size) is True where the bird (bill, crest, tail and legs included) covers at least half of
    the pixel and nothing hides it; `box` = (x0, y0, x1, y1) bounds the mask, half-open; `parts` maps names to (x, y)
    in pixels. `mark` (size, size) is True where a planted mark is, None where none was asked for.
    """

    image: Image.Image
    mask: np.ndarray
    box: tuple[int, int, int, int]
    species: str
    label: int
    parts: dict[str, tuple[float, float]]
    scene: str
    mark: np.ndarray | None = None


def _stream(seed: int, index: int, purpose: int, version: int = VERSION) -> np.random.Generator:
    entropy = (seed, index, purpose) if version == VERSION else (seed, index, purpose, version)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))


def label_of(index: int, seed: int = 0, edition: Edition = TWELVE) -> int:
    """The species of picture `index`: every block of as many as there are holds each once, shuffled.

    >>> sorted(label_of(i) for i in range(12)) == list(range(12))
    True
    """
    block, place = divmod(index, len(edition.birds))
    return _order(block, seed, len(edition.birds), edition.version)[place]


@lru_cache(maxsize=64)
def _order(block: int, seed: int, count: int, version: int) -> tuple[int, ...]:
    # Ranks of uniform numbers are the same on every version of NumPy; `permutation` need not be.
    return tuple(np.argsort(_stream(seed, block, 0, version).random(count), kind="stable").tolist())


def render_bird(
    index: int,
    size: int = 64,
    seed: int = 0,
    label: int | None = None,
    edition: Edition = TWELVE,
    shortcut: Shortcut | None = None,
) -> Bird:
    """Picture `index` of the dataset `seed`, size × size pixels; `label` puts another species in its place.

    With `shortcut`, a mark that tells the class is planted on some.

    Raises ValueError for a size outside 16 to 512 or an unknown label.

    >>> bird = render_bird(3, size=64)
    >>> bird.image.size, bird.mask.shape, bird.species == SPECIES[bird.label]
    ((64, 64), (64, 64), True)
    """
    if size not in SIZES:
        raise ValueError(f"expected a size from 16 to 512 pixels, got {size}")
    label = label_of(index, seed, edition) if label is None else label
    if not 0 <= label < len(edition.birds):
        raise ValueError(f"expected a label from 0 to {len(edition.birds) - 1}, got {label}")
    oversampling = _oversampling(size, edition)
    side = size * oversampling

    def stream(purpose: int) -> np.random.Generator:
        return _stream(seed, index, purpose, edition.version)

    scene = draw_scene(side, stream(1), edition.stands)
    rng = stream(2)
    pose, species = Pose.draw(rng), edition.birds[label]
    if edition.crowded:
        pose = _small(pose, species, scene.feet, edition, stream(3).random())
        draw_decoy(scene.picture, edition.birds, pose, scene.feet[0], stream(4))
    canvas = Canvas(side)
    places = draw_bird(canvas, species, pose, scene.feet, rng)
    scene.picture.paste(canvas.picture, mask=canvas.cover)
    cover = canvas.cover
    if edition.crowded:
        front = draw_front(side, places, stream(5))
        scene.picture.paste(front.picture, mask=front.cover)
        cover = ImageChops.multiply(cover, ImageChops.invert(front.cover))
    mask = np.asarray(cover.reduce(oversampling)) >= 128
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    image = scene.picture.reduce(oversampling)
    return Bird(
        image=image,
        mask=mask,
        box=(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1),
        species=species.name,
        label=label,
        parts={name: (x * size, y * size) for name, (x, y) in places.items()},
        scene=scene.kind,
        mark=None if shortcut is None else shortcut.plant(image, mask, label, len(edition.birds), stream(6)),
    )


def render_empty(index: int, size: int, seed: int, edition: Edition) -> Image.Image:
    """The scene of picture `index` of the dataset `seed` without any bird, leaves before it if the edition has them."""
    side = size * _oversampling(size, edition)
    scene = draw_scene(side, _stream(seed, index, 11, edition.version), edition.stands)
    if edition.crowded:
        front = draw_front(side, {"feet": scene.feet}, _stream(seed, index, 15, edition.version))
        scene.picture.paste(front.picture, mask=front.cover)
    return scene.picture.reduce(_oversampling(size, edition))


def _oversampling(size: int, edition: Edition) -> int:
    return max(2, -(-edition.least_side // size))


def _small(pose: Pose, species: Species, feet: tuple[float, float], edition: Edition, share: float) -> Pose:
    """The pose at a size at which every look-alike of the species has room, so that none can be told by its size."""
    least, more = edition.sizes
    pose = replace(pose, scale=pose.scale * (least + more * share))
    return replace(pose, scale=min(PosedBird(one, pose, feet).scale for one in lookalikes.GROUP_OF[species.name]))
