"""A perched bird of a given species in a given pose, drawn from splines on a canvas."""

import numpy as np
from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter

from explainers.datasets.birds.canvas import Canvas, Colour, blend, brighten, spline
from explainers.datasets.birds.plumage import Ink, draw_body, draw_wing
from explainers.datasets.birds.pose import Pose, PosedBird
from explainers.datasets.birds.species import Species

EYE = (0.46, 0.16)


def draw_bird(
    canvas: Canvas, species: Species, pose: Pose, feet: tuple[float, float], rng: np.random.Generator
) -> dict[str, tuple[float, float]]:
    """Draw on `canvas`; its coverage becomes the silhouette. Returns part names with their places, 0..1."""
    bird = PosedBird(species, pose, feet)
    jitter = 1 + 0.14 * (rng.random(3) - 0.5)

    def ink(code: str, factor: float = 1.0) -> Colour:
        bright = ImageColor.getrgb(code)[:3]
        grey = 0.35 * bright[0] + 0.5 * bright[1] + 0.15 * bright[2]
        colour = blend(bright, brighten((112, 101, 84), grey / 100), pose.drab)
        red, green, blue = (min(255, round(c * j * factor)) for c, j in zip(colour, jitter, strict=True))
        return red, green, blue

    _legs(canvas, bird, ink, far=True)
    _tail(canvas, bird, ink)
    _legs(canvas, bird, ink, far=False)
    if species.crest:
        _crest(canvas, bird, ink, rng)
    body = draw_body(canvas, bird, ink, rng)
    wing = draw_wing(canvas, bird, ink, rng)
    _shade(canvas, bird, body, wing)
    _bill(canvas, bird, ink)
    _eye(canvas, bird, ink)
    tail = bird.tail_points()
    places = {
        "bill": bird.head([(0.9 + 0.45 * species.bill.length, -0.08)])[0],
        "crown": bird.head([(0.0, 0.8)])[0],
        "eye": bird.head([EYE], wrap=True)[0],
        "breast": bird.body([(0.48, -0.12)])[0],
        "belly": bird.body([(0.12, -0.26)])[0],
        "back": bird.body([(0.05, 0.24)])[0],
        "wing": bird.body([(-0.12, 0.05)])[0],
        "tail": (tail[1].mean(0) + tail[2].mean(0)) / 2,
        "leg": _leg_points(bird, far=False)[1:].mean(0),
    }
    return {name: (float(x), float(y)) for name, (x, y) in places.items()}


def _leg_points(bird: PosedBird, far: bool) -> np.ndarray:
    shift = 0.09 if far else -0.04
    hip = bird.offset([(0.06 + shift, -0.24)])[0]
    foot = np.array([0.03 + shift, 0.0])
    knee = np.array([(hip[0] + foot[0]) / 2 - 0.05, bird.species.leg * 0.72 + 0.02])
    return bird.world(np.array([hip, knee, foot]))


def _legs(canvas: Canvas, bird: PosedBird, ink: Ink, far: bool) -> None:
    points = _leg_points(bird, far)
    colour = ink(bird.species.legs, 0.65 if far else 1.0)
    width = canvas.width(0.038 * bird.scale)
    toes = bird.world(
        np.array([[(0, 0), (0.07, 0.005), (0.115, -0.05)], [(0, 0), (0.03, 0.0), (0.05, -0.06)],
                  [(0, 0), (-0.05, 0.005), (-0.085, -0.045)]]).reshape(-1, 2)
    ).reshape(3, 3, 2)  # fmt: skip
    layer = Image.new("L", (canvas.side, canvas.side))
    pen = ImageDraw.Draw(layer)
    pen.line(canvas.pixels(points), fill=255, width=width, joint="curve")
    for toe in toes + (points[2] - bird.feet):
        pen.line(canvas.pixels(spline(toe, closed=False, steps=4)), fill=255, width=width, joint="curve")
    canvas.picture.paste(colour, mask=layer)
    canvas.cover = ImageChops.lighter(canvas.cover, layer)


def _tail(canvas: Canvas, bird: PosedBird, ink: Ink) -> None:
    tail = bird.species.tail
    _, tips, roots = bird.tail_points()
    last = len(tips) - 1
    for k in (0, 5, 1, 4, 2, 3):
        along = tips[k] - roots[k]
        side = np.array([-along[1], along[0]]) * 0.055 / (tail.length + 0.14)
        outer = k in (0, last)
        colour = ink(tail.edge if outer and tail.edge else tail.colour, 1.0 + 0.07 * (k - 2.5) / 2.5)
        p, q = roots[k], tips[k]
        left = [p - side * 0.5, q - 0.25 * along - side * 1.25, q - 0.04 * along - side]
        right = [q - 0.04 * along + side, q - 0.25 * along + side * 1.25, p + side * 0.5]
        shape = [*left, q, *right]
        feather = canvas.fill(spline(shape, steps=5), colour)
        with canvas.inside(feather) as pen:
            if tail.bars and not (outer and tail.edge):
                for t in np.linspace(0.3, 0.95, 6):
                    ends = np.array([p + along * t - side * 2, p + along * t + side * 2])
                    pen.line(
                        canvas.pixels(ends),
                        fill=(*ink(tail.bars), 220),
                        width=canvas.width(0.028 * bird.scale),
                    )
            edge = np.array([p + side * 0.6, q + side])
            pen.line(canvas.pixels(edge), fill=(0, 0, 0, 90), width=canvas.width(0.012 * bird.scale))


def _crest(canvas: Canvas, bird: PosedBird, ink: Ink, rng: np.random.Generator) -> None:
    height = bird.species.crest
    colour = ink(bird.species.head, 0.92)
    if bird.species.shaggy:
        for a, b in ((-1.25, 0.25), (-1.3, 0.62), (-1.0, 1.0), (-0.55, 1.25), (-0.05, 1.35)):
            tip = np.array([a, b]) * (0.86 + 0.3 * height) + 0.08 * (rng.random(2) - 0.5)
            shape = np.vstack([(a * 0.4 + 0.42, b * 0.4 + 0.3), tip, (a * 0.4 - 0.38, b * 0.4 - 0.45)])
            canvas.fill(bird.head(shape), colour)
    else:
        lift = height * (0.75 + 0.4 * rng.random())
        shape = [(0.75, 0.55), (0.35, 0.98), (-0.2, 1.02 + 0.42 * lift), (-0.95, 0.85 + 0.6 * lift),
                 (-0.85, 0.72), (-0.9, 0.2), (0.0, 0.0)]  # fmt: skip
        canvas.fill(spline(bird.head(shape)), colour)


def _shade(canvas: Canvas, bird: PosedBird, body: Image.Image, wing: Image.Image) -> None:
    """Diffuse light on a relief made of the blurred silhouettes of body and wing."""
    s, side = bird.scale, canvas.side

    def relief(mask: Image.Image, radius: float) -> np.ndarray:
        return np.asarray(mask.filter(ImageFilter.GaussianBlur(radius * s * side)), dtype=np.float32) / 255

    height = 0.34 * relief(body, 0.13) + 0.10 * relief(body, 0.04) + 0.05 * relief(wing, 0.035)
    dy, dx = np.gradient(height * s * side)
    x, y, z = bird.pose.light
    normal = np.sqrt(dx * dx + dy * dy + 1)
    length = (x * x + y * y + z * z) ** 0.5
    diffuse = np.maximum(0, (-x * dx + y * dy + z) / (normal * length))
    light = bird.pose.ambient + 0.78 * diffuse
    shine = np.maximum(0, diffuse - 0.90) * 260
    rgb = np.asarray(canvas.picture, dtype=np.float32)
    tinted = rgb * light[..., None] * np.array(bird.pose.tint, dtype=np.float32) + shine[..., None]
    canvas.picture = Image.fromarray(np.clip(np.rint(tinted), 0, 255).astype(np.uint8))


def _bill(canvas: Canvas, bird: PosedBird, ink: Ink) -> None:
    bill = bird.species.bill
    top, tip, drop = bill.depth * 0.55, 0.86 + bill.length, bill.curve * bill.length
    gape, base = -0.10, 0.80
    half = 0.86 + 0.5 * bill.length
    lower = [
        (base, gape),
        (tip - 0.06, gape - drop),
        (half, gape - 0.32 * bill.depth - 0.3 * drop),
        (base, gape - 0.45 * bill.depth),
    ]
    upper = [
        (base - 0.04, gape + top),
        (0.86 + 0.45 * bill.length, gape + top * 0.74),
        (tip - 0.1, gape + 0.07 * top - drop * 0.7),
        (tip, gape - drop * 1.1),
        (half, gape + 0.03 - 0.2 * drop),
        (base, gape),
    ]
    canvas.fill(bird.head(lower), ink(bill.lower, 0.85))
    shape = canvas.fill(bird.head(upper), ink(bill.upper))
    with canvas.inside(canvas.cover) as pen:
        line = bird.head(
            [
                (base - 0.05, gape - 0.01),
                (0.86 + 0.5 * bill.length, gape - 0.2 * drop),
                (tip - 0.04, gape - drop),
            ]
        )
        pen.line(canvas.pixels(line), fill=(15, 10, 8, 150), width=canvas.width(0.010 * bird.scale))
    with canvas.inside(shape) as pen:
        shine = bird.head([(base + 0.08, gape + 0.66 * top), (0.86 + 0.55 * bill.length, gape + 0.48 * top)])
        pen.line(canvas.pixels(shine), fill=(255, 255, 255, 70), width=canvas.width(0.014 * bird.scale))


def _eye(canvas: Canvas, bird: PosedBird, ink: Ink) -> None:
    centre = bird.head([EYE], wrap=True)[0]
    unit = bird.radius * bird.scale

    def disc(radius: float, colour: Colour, shift: tuple[float, float] = (0.0, 0.0)) -> None:
        middle = centre + np.array(shift) * unit
        low, high = canvas.pixels(np.array([middle - radius * unit, middle + radius * unit]))
        ImageDraw.Draw(canvas.picture).ellipse([low, high], fill=colour)

    if bird.species.eye_ring:
        disc(0.215, ink(bird.species.eye_ring))
    else:
        disc(0.205, blend(ink(bird.species.head), (60, 55, 50), 0.6))
    disc(0.17, brighten(ink(bird.species.iris), 1.0))
    disc(0.125, (8, 7, 8))
    side = 1.0 if bird.pose.light[0] > 0 else -1.0
    disc(0.05, (250, 250, 250), (0.055 * side, -0.06))
