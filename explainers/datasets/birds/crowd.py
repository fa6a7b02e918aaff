"""What makes a picture of a bird harder: another bird out of focus behind it, leaves and a twig in front of it."""

from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter

from explainers.datasets.birds.backgrounds import BARKS, LEAVES, leaf_shape, pick
from explainers.datasets.birds.canvas import Canvas, brighten, spline
from explainers.datasets.birds.drawing import draw_bird
from explainers.datasets.birds.pose import Pose
from explainers.datasets.birds.species import Species

# Shares of the pictures, and of the bird's own length.
DECOYS, SMALLER = 0.5, 0.5
FRONTS = 0.5


def draw_decoy(
    picture: Image.Image, species: tuple[Species, ...], pose: Pose, away: float, rng: np.random.Generator
) -> None:
    """In half of the pictures another bird of any species on `picture`: smaller, blurred, on the other side.

    The bird in front stands at `away` from the left. Who the other is says nothing of the bird in front.
    """
    present, which, place, height = rng.random(4).tolist()
    other = Pose.draw(rng)
    if present >= DECOYS:
        return
    canvas = Canvas(picture.width)
    feet = (0.10 + 0.22 * place + (0.58 if away < 0.5 else 0.0), 0.30 + 0.5 * height)
    # Of the pose all but the size is its own.
    small = replace(other, scale=SMALLER * pose.scale)
    draw_bird(canvas, species[int(which * len(species))], small, feet, rng)
    blur = ImageFilter.GaussianBlur(0.012 * canvas.side)
    picture.paste(canvas.picture.filter(blur), mask=canvas.cover.filter(blur))


def draw_front(side: int, places: dict[str, tuple[float, float]], rng: np.random.Generator) -> Canvas:
    """In half of the pictures a twig with leaves across a part of the bird; its coverage hides the bird."""
    canvas = Canvas(side)
    present, which = rng.random(2).tolist()
    names = sorted(places)
    middle = np.array(places[names[int(which * len(names))]])
    start, end = (middle + share * (rng.random(2) - 0.5) for share in (0.4, 0.25))
    bark, colour = pick(BARKS, rng), pick(LEAVES, rng)
    count = int(rng.integers(1, 4))
    if present >= FRONTS:
        return canvas
    path = spline([start, middle + 0.06 * (rng.random(2) - 0.5), end], closed=False)
    width = np.array([0.0, 0.006])
    canvas.fill(np.vstack([path - width, (path + width)[::-1]]), brighten(bark, 0.8))
    for _ in range(count):
        place = path[int(rng.integers(len(path)))]
        shape, _ = leaf_shape(rng, place, 0.05 + 0.08 * rng.random())
        canvas.fill(shape, brighten(colour, 0.65 + 0.75 * rng.random()))
    return canvas
