"""Out-of-focus backgrounds (foliage, sky, water, branches) and the perch in front of them.

All draws come from the generator that is passed in, and none from the bird's, so that a scene says
nothing about who sits in it.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from explainers.datasets.birds.backgrounds import BARKS, LEAVES, branches, foliage, leaf, pick, sky, water
from explainers.datasets.birds.canvas import Canvas, Colour, brighten, spline

KINDS = ("foliage", "sky", "water", "branches")


@dataclass(frozen=True)
class Scene:
    """What is behind a bird: a picture, and the place on it where the feet stand."""

    kind: str
    picture: Image.Image
    feet: tuple[float, float]


# Where a bird stands: the least, and how much further it may be, from the left and from the top.
Stands = tuple[tuple[float, float], tuple[float, float]]
MIDDLE: Stands = ((0.44, 0.12), (0.66, 0.10))


def draw_scene(side: int, rng: np.random.Generator, stands: Stands = MIDDLE) -> Scene:
    """A background with a perch, `side` pixels wide, and the place on it where a bird stands."""
    kind = KINDS[int(rng.integers(len(KINDS)))]
    draw = {"foliage": foliage, "sky": sky, "water": water, "branches": branches}[kind]
    canvas = draw(side, rng)
    feet = _perch(canvas, rng, stands)
    return Scene(kind, canvas.picture, feet)


def _perch(canvas: Canvas, rng: np.random.Generator, stands: Stands) -> tuple[float, float]:
    """A branch across the picture, in focus; the bird stands on its upper edge."""
    feet = np.array([least + further * rng.random() for least, further in stands])
    slope, bow = 0.34 * (rng.random() - 0.5), 0.10 * (rng.random() - 0.5)
    thick, bark = 0.016 + 0.016 * rng.random(), pick(BARKS, rng)
    x = np.linspace(-0.15, 1.15, 14)
    wobble = 0.008 * (rng.random(14) - 0.5)
    middle = feet[1] + slope * (x - feet[0]) + bow * ((x - feet[0]) ** 2) + wobble * (np.abs(x - feet[0]) > 0.12)
    taper = thick * (1 + 0.5 * (x - 0.5) * (1 if rng.random() < 0.5 else -1))
    feet_line: np.ndarray = middle + 0.7 * taper
    for _ in range(int(rng.integers(1, 4))):
        _twig(canvas, rng, np.stack([x, feet_line], axis=1), bark)
    for share, tone in ((1.0, 0.55), (0.72, 0.78), (0.42, 1.0), (0.12, 1.2)):
        upper = np.stack([x, feet_line - taper], axis=1)
        lower = np.stack([x, feet_line - taper + 2 * taper * share], axis=1)
        canvas.fill(np.vstack([spline(upper, closed=False), spline(lower, closed=False)[::-1]]), brighten(bark, tone))
    pen = ImageDraw.Draw(canvas.picture, "RGBA")
    for t, v, length, tone in rng.random((70, 4)):
        start = -0.05 + 1.1 * float(t)
        ends = np.array([start, start + 0.01 + 0.04 * float(length)])
        line = np.stack([ends, np.interp(ends, x, feet_line) + (2 * v - 1) * thick], axis=1)
        fill = (20, 14, 10, 70) if tone < 0.65 else (240, 230, 210, 60)
        pen.line(canvas.pixels(line), fill=fill, width=canvas.width(0.005))
    stand = float(feet[0])
    return stand, float(np.interp(stand, x, feet_line - 0.75 * taper))


def _twig(canvas: Canvas, rng: np.random.Generator, branch: np.ndarray, bark: Colour) -> None:
    """A side shoot of the perch with a few leaves."""
    root = branch[int(rng.integers(2, 12))]
    up = -1 if rng.random() < 0.55 else 1
    reach = np.array([0.3 * (rng.random() - 0.5), up * (0.08 + 0.16 * rng.random())])
    path = spline([root, root + 0.5 * reach + 0.03 * (rng.random(2) - 0.5), root + reach], closed=False)
    pen = ImageDraw.Draw(canvas.picture)
    pen.line(canvas.pixels(path), fill=brighten(bark, 0.8), width=canvas.width(0.010), joint="curve")
    colour = pick(LEAVES, rng)
    for _ in range(int(rng.integers(2, 6))):
        place = path[int(rng.integers(len(path) // 2, len(path)))]
        leaf(canvas, rng, colour, place, 0.05 + 0.05 * rng.random())
