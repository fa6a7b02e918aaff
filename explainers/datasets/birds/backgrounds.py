"""Backgrounds out of focus: foliage, sky, water, branches."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from explainers.datasets.birds.canvas import Canvas, Colour, blend, brighten, spline

Entry = TypeVar("Entry")
LEAVES = (
    (74, 110, 44),
    (104, 138, 58),
    (52, 84, 46),
    (142, 154, 66),
    (122, 112, 52),
    (176, 132, 58),
    (88, 120, 84),
)
SHADES = (
    (34, 52, 30),
    (58, 76, 46),
    (84, 96, 66),
    (104, 98, 74),
    (52, 58, 48),
    (120, 126, 96),
    (92, 104, 112),
)
SKIES = (((70, 128, 196), (176, 208, 232)), ((104, 140, 178), (214, 222, 226)),
         ((90, 150, 210), (236, 226, 204)), ((150, 162, 176), (214, 216, 216)),
         ((84, 112, 160), (240, 204, 172)))  # fmt: skip
WATERS = (((58, 92, 104), (128, 160, 168)), ((52, 78, 66), (122, 146, 118)),
          ((64, 104, 148), (150, 186, 208)), ((92, 98, 96), (176, 180, 172)),
          ((70, 74, 58), (156, 146, 110)))  # fmt: skip
BARKS = ((104, 84, 66), (128, 116, 100), (84, 74, 64), (146, 126, 98), (96, 96, 84))


def noise(
    side: int, rng: np.random.Generator, grids: Sequence[int] = (4, 8, 16, 32), stretch: int = 1, fall: float = 0.6
) -> np.ndarray:
    """Smooth noise of several scales in 0..1, (side, side); `stretch` > 1 draws it out sideways."""
    total, weight, sum_of_weights = np.zeros((side, side), dtype=np.float32), 1.0, 0.0
    for grid in grids:
        cells = rng.integers(0, 256, (grid * stretch, grid), dtype=np.uint8)
        total += weight * np.asarray(Image.fromarray(cells).resize((side, side), Image.Resampling.BICUBIC))
        sum_of_weights += weight
        weight *= fall
    return total / (255 * sum_of_weights)


def _mix(a: Colour, b: Colour, share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)[..., None]
    return np.asarray(a, np.float32) * (1 - share) + np.asarray(b, np.float32) * share


def _picture(rgb: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(rgb), 0, 255).astype(np.uint8))


def pick(palette: Sequence[Entry], rng: np.random.Generator) -> Entry:
    """One entry of the palette."""
    return palette[int(rng.integers(len(palette)))]


def _contrast(field: np.ndarray, gain: float) -> np.ndarray:
    return np.clip((field - 0.5) * gain + 0.5, 0, 1)


def _rows(side: int) -> np.ndarray:
    return np.linspace(0, 1, side, dtype=np.float32)[:, None]


def _blur(canvas: Canvas, share: float) -> None:
    canvas.picture = canvas.picture.filter(ImageFilter.GaussianBlur(share * canvas.side))


def foliage(side: int, rng: np.random.Generator) -> Canvas:
    """Leaves at three distances before light and shade out of focus."""
    dark, mid, light = pick(SHADES, rng), pick(LEAVES, rng), pick(LEAVES, rng)
    rgb = _mix(dark, mid, _contrast(noise(side, rng), 2.2))
    rgb += (_contrast(noise(side, rng, (3, 6, 12)), 3)[..., None] - 0.4) * 50
    canvas = Canvas(side, _picture(rgb))
    _bokeh(canvas, rng, int(rng.integers(5, 22)), brighten(light, 1.5))
    for depth, count in ((0.020, 26), (0.009, 18), (0.004, 8)):
        colour = pick(LEAVES, rng)
        for _ in range(count):
            leaf(canvas, rng, colour, rng.random(2) * 1.1 - 0.05, 0.05 + 0.09 * rng.random())
        _blur(canvas, depth)
    return canvas


def sky(side: int, rng: np.random.Generator) -> Canvas:
    """Clouds, half the time over wooded hills."""
    top, bottom = pick(SKIES, rng)
    rgb = _mix(top, bottom, _rows(side) * np.ones((1, side), np.float32))
    cloud = np.clip(
        (noise(side, rng, (3, 6, 12, 24, 48), stretch=2, fall=0.55) - 0.45 - 0.1 * rng.random()) * 4.5, 0, 1
    )
    body = noise(side, rng, (4, 8, 16), stretch=2)
    rgb += cloud[..., None] * (_mix((196, 202, 212), (252, 250, 246), _contrast(body, 2)) - rgb) * 0.9
    canvas = Canvas(side, _picture(rgb))
    if rng.random() < 0.5:
        _hills(canvas, rng)
    _blur(canvas, 0.006)
    return canvas


def _hills(canvas: Canvas, rng: np.random.Generator) -> None:
    for level, blur in ((0.74, 0.010), (0.84, 0.008)):
        heights = level + 0.16 * (rng.random(7) - 0.5)
        ridge = spline(np.stack([np.linspace(-0.1, 1.1, 7), heights], axis=1), closed=False)
        trees = _mix(pick(SHADES, rng), pick(LEAVES, rng), _contrast(noise(canvas.side, rng, (8, 16, 32)), 1.6))
        mask = canvas.mask(np.vstack([ridge, [(1.1, 1.1), (-0.1, 1.1)]]), blur)
        canvas.picture.paste(_picture(trees), mask=mask)


def water(side: int, rng: np.random.Generator) -> Canvas:
    """Ripples with glints, at times a bank and reeds."""
    far, near = pick(WATERS, rng)
    if rng.random() < 0.5:
        far, near = near, far
    rows = _rows(side)
    rgb = _mix(far, near, rows + 0.25 * (noise(side, rng, (3, 6), stretch=3) - 0.5))
    # Ripples are finer towards the horizon: rows are drawn from the noise ever more quickly there.
    nearer = np.minimum((rows[:, 0] ** 0.6 * side).astype(int), side - 1)
    waves = noise(side, rng, (5, 10, 20), stretch=4, fall=0.8)[nearer] - 0.5
    swell = noise(side, rng, (3, 5), stretch=2)[nearer] - 0.5
    rgb += waves[..., None] * 95 + swell[..., None] * 60
    glint = np.clip((noise(side, rng, (8, 16), stretch=4, fall=0.9)[nearer] - 0.68) * 8, 0, 1)
    rgb += glint[..., None] * 60
    if rng.random() < 0.5:
        rgb = _shore(rgb, side, rng)
    canvas = Canvas(side, _picture(rgb))
    _blur(canvas, 0.004)
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(3, 10))):
            x, lean = rng.random(), 0.3 * (rng.random() - 0.5)
            top = 0.1 + 0.5 * rng.random()
            blade = [
                (x - 0.008, 1.05),
                (x + lean * 0.4 - 0.006, 0.6),
                (x + lean, top),
                (x + lean * 0.4 + 0.008, 0.6),
                (x + 0.01, 1.05),
            ]
            canvas.fill(spline(blade, steps=4), brighten(pick(LEAVES, rng), 0.7 + 0.6 * rng.random()))
        _blur(canvas, 0.005)
    return canvas


def _shore(rgb: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """A bank with bushes along the upper edge."""
    bushes = _mix(pick(SHADES, rng), pick(LEAVES, rng), _contrast(noise(side, rng, (6, 12, 24)), 2.2))
    height = 0.05 + 0.18 * rng.random() + 0.04 * (noise(side, rng, (5, 10, 20))[:1] - 0.5)
    land = np.clip((height - _rows(side)) * 60, 0, 1)
    return rgb + land[..., None] * (bushes - rgb)


def branches(side: int, rng: np.random.Generator) -> Canvas:
    """Boughs and twigs at three distances."""
    a, b = pick(SHADES, rng), blend(pick(SHADES, rng), (206, 206, 192), 0.35)
    canvas = Canvas(side, _picture(_mix(a, b, _contrast(noise(side, rng), 2.0)) + 24))
    _bokeh(canvas, rng, int(rng.integers(2, 10)), brighten(b, 1.3))
    for depth, count, width in ((0.018, 7, 0.05), (0.009, 9, 0.028), (0.005, 9, 0.014)):
        bark = pick(BARKS, rng)
        for _ in range(count):
            start, angle = rng.random(2) * 1.2 - 0.1, rng.random(2) - 0.5
            path = [
                start - 1.2 * angle,
                start,
                start + 0.15 * (rng.random(2) - 0.5) + 0.6 * angle,
                start + 1.4 * angle,
            ]
            pen = ImageDraw.Draw(canvas.picture)
            tone = brighten(bark, 0.6 + 0.7 * rng.random())
            thick = canvas.width(width * (0.5 + rng.random()))
            pen.line(canvas.pixels(spline(path, closed=False, steps=5)), fill=tone, width=thick, joint="curve")
        for _ in range(count):
            leaf(canvas, rng, pick(LEAVES, rng), rng.random(2), 0.03 + 0.05 * rng.random())
        _blur(canvas, depth)
    return canvas


def _bokeh(canvas: Canvas, rng: np.random.Generator, count: int, colour: Colour) -> None:
    """Discs of light out of focus."""
    pen = ImageDraw.Draw(canvas.picture, "RGBA")
    for x, y, r, alpha in rng.random((count, 4)):
        radius = 0.02 + 0.07 * r
        low, high = canvas.pixels(np.array([(x - radius, y - radius), (x + radius, y + radius)]))
        pen.ellipse([low, high], fill=(*colour, int(40 + 80 * alpha)))
    _blur(canvas, 0.006)


def leaf_shape(rng: np.random.Generator, place: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray]:
    """The outline of a leaf that grows at `place` in a random direction, and its tip."""
    direction = rng.random(2) - 0.5
    direction = direction / max(0.05, float((direction**2).sum()) ** 0.5) * length
    across = np.array([-direction[1], direction[0]]) * (0.25 + 0.2 * rng.random())
    tip = place + direction
    return spline([place, place + 0.35 * direction + across, tip, place + 0.35 * direction - across], steps=5), tip


def leaf(canvas: Canvas, rng: np.random.Generator, colour: Colour, place: np.ndarray, length: float) -> None:
    """One leaf with its midrib, in a random direction and shade."""
    shape, tip = leaf_shape(rng, place, length)
    tone = brighten(colour, 0.65 + 0.75 * rng.random())
    pen = ImageDraw.Draw(canvas.picture)
    pen.polygon(canvas.pixels(shape), fill=tone)
    pen.line(canvas.pixels(np.array([place, tip])), fill=brighten(tone, 1.18), width=canvas.width(0.004))
