"""Body and wing of a posed bird: patches of colour, marks, feathers, streaks, bars."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops

from explainers.datasets.birds.canvas import Canvas, Colour, spline
from explainers.datasets.birds.pose import PosedBird
from explainers.datasets.birds.species import MARKS, ON_BODY

# A species' colour code, and optionally a factor, to the colour of this one bird.
Ink = Callable[..., Colour]

UNDERSIDE = (
    (0.9, 0.2),
    (0.5, 0.04),
    (0.1, -0.06),
    (-0.3, -0.10),
    (-0.75, -0.04),
    (-0.75, -0.7),
    (0.95, -0.7),
)
BREAST = ((0.95, 0.3), (0.5, 0.05), (0.2, -0.04), (0.02, -0.18), (-0.02, -0.7), (0.95, -0.7))
VENT = ((-0.26, -0.05), (-0.32, -0.2), (-0.2, -0.45), (-0.7, -0.6), (-0.75, -0.02))


def draw_body(canvas: Canvas, bird: PosedBird, ink: Ink, rng: np.random.Generator) -> Image.Image:
    """Paint the body with the head and all marks on them; returns the mask they were kept to."""
    species, s = bird.species, bird.scale
    body = canvas.fill(bird.outline(), ink(species.back))
    canvas.fill(bird.body(UNDERSIDE), ink(species.belly), 0.018 * s, body)
    canvas.fill(bird.body(BREAST), ink(species.breast), 0.045 * s, body)
    canvas.fill(bird.body(VENT), ink(species.vent), 0.035 * s, body)
    turn = np.linspace(0, 2 * np.pi, 17)[:-1]
    disc = np.stack([np.cos(turn), np.sin(turn)], axis=1) * 1.06 + np.array([0.0, -0.03])
    canvas.fill(bird.head(disc), ink(species.head), 0.022 * s, body)
    _feathers(canvas, bird, body, rng, 110)
    body = ImageChops.lighter(body, canvas.cover) if species.crest else body
    for name, code in species.marks:
        on_body = name in ON_BODY
        points = bird.body(MARKS[name]) if on_body else bird.head(MARKS[name], wrap=True)
        canvas.fill(spline(points, steps=4), ink(code), (0.012 if on_body else 0.008) * s, body)
    _feathers(canvas, bird, body, rng, 110)
    if species.streaks:
        _streaks(canvas, bird, body, ink(species.streaks), rng)
    if species.speckles:
        _speckles(canvas, bird, body, ink(species.speckles), rng)
    return body


def _feathers(canvas: Canvas, bird: PosedBird, clip: Image.Image, rng: np.random.Generator, count: int) -> None:
    """Short strokes along the body, lighter and darker than the plumage under them."""
    u = rng.random((count, 5))
    start = np.stack([-0.6 + 1.3 * u[:, 0], -0.42 + 0.85 * u[:, 1]], axis=1)
    end = start + np.stack([-0.03 - 0.03 * u[:, 2], 0.03 * (u[:, 3] - 0.5) - 0.01], axis=1)
    lines = np.stack([bird.body(start), bird.body(end)], axis=1)
    with canvas.inside(clip) as pen:
        for line, tone in zip(lines, u[:, 4].tolist(), strict=True):
            fill = (255, 250, 240, 30) if tone > 0.5 else (20, 14, 10, 30)
            pen.line(canvas.pixels(line), fill=fill, width=canvas.width(0.013 * bird.scale))


def _streaks(canvas: Canvas, bird: PosedBird, clip: Image.Image, colour: Colour, rng: np.random.Generator) -> None:
    rows = [(a, b) for a in np.linspace(-0.25, 0.56, 9) for b in np.linspace(-0.30, -0.03, 5)]
    u = rng.random((len(rows), 3))
    start = np.array(rows) + 0.045 * (u[:, :2] - 0.5)
    end = start - np.stack([0.055 + 0.03 * u[:, 2], np.full(len(rows), 0.012)], axis=1)
    with canvas.inside(clip) as pen:
        for line in np.stack([bird.body(start), bird.body(end)], axis=1):
            pen.line(canvas.pixels(line), fill=(*colour, 215), width=canvas.width(0.021 * bird.scale))


def _speckles(canvas: Canvas, bird: PosedBird, clip: Image.Image, colour: Colour, rng: np.random.Generator) -> None:
    u = rng.random((110, 3))
    centres = bird.body(np.stack([-0.5 + 1.2 * u[:, 0], -0.36 + 0.8 * u[:, 1]], axis=1))
    radius = (0.007 + 0.007 * u[:, 2:]) * bird.scale
    with canvas.inside(clip) as pen:
        for low, high in zip(canvas.pixels(centres - radius), canvas.pixels(centres + radius), strict=True):
            pen.ellipse([low, high], fill=(*colour, 215))


WING = ((0.36, 0.05), (0.27, 0.19), (0.02, 0.245), (-0.30, 0.15), (-0.58, 0.03), (-0.76, -0.06),
        (-0.52, -0.09), (-0.18, -0.155), (0.16, -0.15), (0.33, -0.07))  # fmt: skip


def draw_wing(canvas: Canvas, bird: PosedBird, ink: Ink, rng: np.random.Generator) -> Image.Image:
    """Paint the folded wing over the body; returns its mask."""
    wing, s = bird.species.wing, bird.scale
    outline = spline(bird.body(WING))
    shadow = canvas.mask(outline + np.array([0.0, 0.022 * s]), 0.02 * s, canvas.cover)
    canvas.picture.paste((18, 14, 14), mask=shadow.point([v * 2 // 5 for v in range(256)]))
    mask = canvas.fill(outline, ink(wing.flight))
    with canvas.inside(mask) as pen:
        rows = np.linspace(0, 1, 8)
        start = np.stack([np.full(8, -0.04), 0.19 - 0.36 * rows], axis=1)
        end = np.stack([-0.36 - 0.40 * np.sin(1.5 * rows), 0.11 - 0.20 * rows], axis=1)
        middle = (start + end) / 2 + np.array([0.0, 0.02])
        for p, m, q in zip(start, middle, end, strict=True):
            line = canvas.pixels(bird.body(spline([p, m, q], closed=False, steps=4)))
            pen.line(line, fill=(*ink(wing.edge), 190), width=canvas.width(0.017 * s))
            dark = [(x, y + 0.014 * s * canvas.side) for x, y in line]
            pen.line(dark, fill=(0, 0, 0, 80), width=canvas.width(0.012 * s))
    coverts = [
        (0.4, 0.05),
        (0.3, 0.24),
        (0.04, 0.3),
        (-0.13, 0.2),
        (-0.09, 0.05),
        (-0.03, -0.1),
        (0.1, -0.2),
        (0.36, -0.1),
    ]
    patch = canvas.fill(spline(bird.body(coverts)), ink(wing.coverts), 0.006 * s, mask)
    _scallops(canvas, bird, patch, rng)
    _wing_pattern(canvas, bird, ink, mask)
    return mask


def _scallops(canvas: Canvas, bird: PosedBird, clip: Image.Image, rng: np.random.Generator) -> None:
    """Rows of small rounded feathers on the coverts."""
    with canvas.inside(clip) as pen:
        for row, a in enumerate((0.24, 0.15, 0.06)):
            for k in range(6):
                b = 0.2 - 0.07 * (k + 0.5 * (row % 2))
                arc = [
                    (a + 0.02, b + 0.035),
                    (a - 0.045, b + 0.015),
                    (a - 0.045, b - 0.02),
                    (a + 0.02, b - 0.035),
                ]
                line = canvas.pixels(bird.body(spline(arc, closed=False, steps=4)))
                pen.line(line, fill=(0, 0, 0, 48), width=canvas.width(0.012 * bird.scale))


def _wing_pattern(canvas: Canvas, bird: PosedBird, ink: Ink, mask: Image.Image) -> None:
    wing, s = bird.species.wing, bird.scale
    with canvas.inside(mask) as pen:
        for code, a in zip(wing.bars, (-0.09, 0.09), strict=False):
            arc = [(a + 0.06, 0.21), (a - 0.02, 0.08), (a + 0.02, -0.06), (a + 0.10, -0.16)]
            line = canvas.pixels(bird.body(spline(arc, closed=False, steps=5)))
            pen.line(line, fill=(*ink(code), 240), width=canvas.width(0.052 * s), joint="curve")
        if wing.barred:
            for a in np.linspace(-0.16, -0.66, 8):
                ends = bird.body([(a + 0.02, 0.2), (a - 0.02, -0.2)])
                pen.line(canvas.pixels(ends), fill=(*ink(wing.barred), 150), width=canvas.width(0.018 * s))
        if wing.spots:
            places = [(a, b - 0.03 * i) for i, a in enumerate(np.linspace(0.05, -0.6, 7))
                      for b in (0.17 - 0.1 * abs(a), 0.09, 0.01, -0.07)]  # fmt: skip
            centres = bird.body(places)
            for low, high in zip(canvas.pixels(centres - 0.017 * s), canvas.pixels(centres + 0.017 * s), strict=True):
                pen.ellipse([low, high], fill=(*ink(wing.spots), 235))
