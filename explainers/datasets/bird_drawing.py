"""A perched bird of a given species in a given pose, drawn from splines on a canvas."""

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter

from explainers.datasets.bird_canvas import Canvas, Colour, blend, brighten, spline
from explainers.datasets.bird_species import MARKS, ON_BODY, Species


@dataclass(frozen=True)
class Pose:
    """Angles in degrees, lengths in shares of the picture's side. Nothing here depends on the species.

    `drab` runs from 0, the colours of the breeding male, towards 1, brown of the same lightness: as with
    females and young birds, details then have to tell the species.
    """

    scale: float
    tilt: float
    head_pitch: float
    head_yaw: float
    head_back: bool
    tail_angle: float
    tail_fan: float
    mirror: bool
    light: tuple[float, float, float]
    ambient: float
    tint: tuple[float, float, float]
    plump: float
    drab: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Pose":
        u = rng.random(16).tolist()
        side = -1.0 if u[0] < 0.5 else 1.0
        warmth = 0.22 * (u[1] - 0.5)
        gain = 0.78 + 0.34 * u[2]
        return cls(
            scale=0.36 + 0.16 * u[3],
            tilt=22 + 34 * u[4],
            head_pitch=-14 + 30 * u[5],
            head_yaw=42 * u[6] ** 1.5,
            head_back=bool(u[7] < 0.12),
            tail_angle=-14 + 24 * u[8],
            tail_fan=0.5 + 0.9 * u[9],
            mirror=bool(u[10] < 0.5),
            light=(side * (0.25 + 0.5 * u[11]), 0.55 + 0.3 * u[12], 0.55),
            ambient=0.50 + 0.14 * u[13],
            tint=(gain * (1 + warmth), gain, gain * (1 - warmth)),
            plump=0.95 + 0.12 * u[14],
            drab=0.85 * u[15] ** 1.3,
        )


class Bird:
    """Frames of a posed bird: `body` and `head` map shares of the body and the head to the canvas."""

    def __init__(self, species: Species, pose: Pose, feet: tuple[float, float]):
        self.species, self.pose = species, pose
        self.tilt = radians(min(70.0, pose.tilt + species.upright))
        self.scale, self.feet = pose.scale, np.array(feet)
        self.radius = species.head_radius
        self.head_centre = (0.535 - 0.15 * (self.radius - 0.25), 0.235)
        self.scale *= _fit(self.extent(), self.feet)

    def extent(self) -> np.ndarray:
        """Points that bound the bird: bill, crest and tail among them."""
        bill = self.head([(1 + self.species.bill.length, 0.3), (1 + self.species.bill.length, -0.4)])
        crest = self.head([(-1.2, 0.7), (-0.9, 1 + 0.7 * self.species.crest), (0, 1.1)])
        return np.vstack([bill, crest, self.tail_points()[0], self.outline()])

    def _world(self, offset: np.ndarray) -> np.ndarray:
        """Offsets (N, 2) from the feet, forward and up, in body lengths."""
        forward = -1.0 if self.pose.mirror else 1.0
        return self.feet + self.scale * offset * np.array([forward, -1.0])

    def _offset(self, points) -> np.ndarray:
        p = np.asarray(points, dtype=float) * np.array([1.0, self.species.depth * self.pose.plump])
        c, s = cos(self.tilt), sin(self.tilt)
        hip = -0.30 * self.species.depth
        turned = np.stack([c * p[:, 0] - s * (p[:, 1] - hip), s * p[:, 0] + c * (p[:, 1] - hip)], axis=1)
        return turned + np.array([0.02, self.species.leg])

    def body(self, points) -> np.ndarray:
        """Points (N, 2) of the body, forward along its axis and towards the back, on the canvas."""
        return self._world(self._offset(points))

    def head(self, points, wrap: bool = False) -> np.ndarray:
        """Points of the head, forward and up in radii. With `wrap` they lie on its ball and turn with it."""
        p = np.asarray(points, dtype=float)
        yaw, pitch = radians(self.pose.head_yaw), radians(self.pose.head_pitch)
        near = np.sqrt(np.maximum(0.0, 1 - (p**2).sum(1))) if wrap else 0.0
        a, b = p[:, 0] * cos(yaw) - near * sin(yaw), p[:, 1]
        x, y = cos(pitch) * a - sin(pitch) * b, sin(pitch) * a + cos(pitch) * b
        facing = -1.0 if self.pose.head_back else 1.0
        return self._world(self._offset([self.head_centre]) + self.radius * np.stack([facing * x, y], axis=1))

    def outline(self) -> np.ndarray:
        """The body with the head, without crest, bill and tail."""
        ring = [radians(angle) for angle in (168, 130, 95, 60, 25, -8, -38)]
        ball = self.radius * np.array([(cos(t), sin(t)) for t in ring])
        head = self._world(self._offset([self.head_centre]) + ball)
        back = self.body([(-0.58, 0.0), (-0.46, 0.12), (-0.18, 0.25), (0.14, 0.31)])
        front = self.body([(0.60, -0.03), (0.50, -0.20), (0.22, -0.335), (-0.14, -0.30), (-0.42, -0.17)])
        return spline(np.vstack([back, head, front]))

    def tail_points(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(outline, tips of the feathers, their roots)."""
        tail = self.species.tail
        angle = radians(180 - self.pose.tail_angle - tail.angle)
        along, across = np.array([cos(angle), sin(angle)]), np.array([-sin(angle), cos(angle)])
        root = np.array([-0.44, 0.0])
        place = np.linspace(-1, 1, 6)
        reach = tail.length + 0.14 + tail.length * tail.notch * (np.abs(place) - 0.5)
        half = tail.width * (0.35 + 0.35 * self.pose.tail_fan)
        tips = root + reach[:, None] * along + (half * place)[:, None] * across
        roots = root + (0.075 * place)[:, None] * across
        return self.body(np.vstack([roots[:1], tips, roots[::-1][:1]])), self.body(tips), self.body(roots)


def _fit(extent: np.ndarray, feet: np.ndarray, margin: float = 0.03) -> float:
    """The factor, at most 1, that keeps a bird standing at `feet` inside the picture."""
    reach = extent - feet
    room = np.where(reach > 0, 1 - margin - feet, feet - margin)
    return float(min(1.0, (room / np.maximum(np.abs(reach), 1e-6)).min()))


def draw_bird(canvas: Canvas, species: Species, pose: Pose, feet: tuple[float, float], rng) -> dict:
    """Draw on `canvas`, whose coverage becomes the silhouette; returns part names with their places (0..1)."""
    bird = Bird(species, pose, feet)
    jitter = 1 + 0.14 * (rng.random(3) - 0.5)

    def ink(code: str, factor: float = 1.0) -> Colour:
        colour = ImageColor.getrgb(code)
        grey = 0.35 * colour[0] + 0.5 * colour[1] + 0.15 * colour[2]
        colour = blend(colour, brighten((112, 101, 84), grey / 100), pose.drab)
        return tuple(min(255, round(c * j * factor)) for c, j in zip(colour, jitter, strict=True))

    _legs(canvas, bird, ink, far=True)
    _tail(canvas, bird, ink)
    _legs(canvas, bird, ink, far=False)
    if species.crest:
        _crest(canvas, bird, ink, rng)
    body = _body(canvas, bird, ink, rng)
    wing = _wing(canvas, bird, ink, rng)
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


EYE = (0.46, 0.16)


def _leg_points(bird: Bird, far: bool) -> np.ndarray:
    shift = 0.09 if far else -0.04
    hip = bird._offset([(0.06 + shift, -0.24)])[0]
    foot = np.array([0.03 + shift, 0.0])
    knee = np.array([(hip[0] + foot[0]) / 2 - 0.05, bird.species.leg * 0.72 + 0.02])
    return bird._world(np.array([hip, knee, foot]))


def _legs(canvas: Canvas, bird: Bird, ink, far: bool) -> None:
    points = _leg_points(bird, far)
    colour = ink(bird.species.legs, 0.65 if far else 1.0)
    width = canvas.width(0.038 * bird.scale)
    toes = bird._world(
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


def _tail(canvas: Canvas, bird: Bird, ink) -> None:
    tail = bird.species.tail
    _, tips, roots = bird.tail_points()
    last = len(tips) - 1
    for k in (0, 5, 1, 4, 2, 3):
        along = tips[k] - roots[k]
        side = np.array([-along[1], along[0]]) * 0.055 / (tail.length + 0.14)
        outer = k in (0, last)
        colour = ink(tail.edge if outer and tail.edge else tail.colour, 1.0 + 0.07 * (k - 2.5) / 2.5)
        p, q = roots[k], tips[k]
        shape = [p - side * 0.5, q - 0.25 * along - side * 1.25, q - 0.04 * along - side, q, q - 0.04 * along + side,
                 q - 0.25 * along + side * 1.25, p + side * 0.5]  # fmt: skip
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


def _crest(canvas: Canvas, bird: Bird, ink, rng) -> None:
    height = bird.species.crest
    colour = ink(bird.species.head, 0.92)
    if bird.species.shaggy:
        for a, b in ((-1.25, 0.25), (-1.3, 0.62), (-1.0, 1.0), (-0.55, 1.25), (-0.05, 1.35)):
            tip = np.array([a, b]) * (0.86 + 0.3 * height) + 0.08 * (rng.random(2) - 0.5)
            shape = [(a * 0.4 + 0.42, b * 0.4 + 0.3), tip, (a * 0.4 - 0.38, b * 0.4 - 0.45)]
            canvas.fill(bird.head(shape), colour)
    else:
        lift = height * (0.75 + 0.4 * rng.random())
        shape = [(0.75, 0.55), (0.35, 0.98), (-0.2, 1.02 + 0.42 * lift), (-0.95, 0.85 + 0.6 * lift),
                 (-0.85, 0.72), (-0.9, 0.2), (0.0, 0.0)]  # fmt: skip
        canvas.fill(spline(bird.head(shape)), colour)


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


def _body(canvas: Canvas, bird: Bird, ink, rng) -> Image.Image:
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


def _feathers(canvas: Canvas, bird: Bird, clip: Image.Image, rng, count: int) -> None:
    """Short strokes along the body, lighter and darker than the plumage under them."""
    u = rng.random((count, 5))
    start = np.stack([-0.6 + 1.3 * u[:, 0], -0.42 + 0.85 * u[:, 1]], axis=1)
    end = start + np.stack([-0.03 - 0.03 * u[:, 2], 0.03 * (u[:, 3] - 0.5) - 0.01], axis=1)
    lines = np.stack([bird.body(start), bird.body(end)], axis=1)
    with canvas.inside(clip) as pen:
        for line, tone in zip(lines, u[:, 4].tolist(), strict=True):
            fill = (255, 250, 240, 30) if tone > 0.5 else (20, 14, 10, 30)
            pen.line(canvas.pixels(line), fill=fill, width=canvas.width(0.013 * bird.scale))


def _streaks(canvas: Canvas, bird: Bird, clip: Image.Image, colour: Colour, rng) -> None:
    rows = [(a, b) for a in np.linspace(-0.25, 0.56, 9) for b in np.linspace(-0.30, -0.03, 5)]
    u = rng.random((len(rows), 3))
    start = np.array(rows) + 0.045 * (u[:, :2] - 0.5)
    end = start - np.stack([0.055 + 0.03 * u[:, 2], np.full(len(rows), 0.012)], axis=1)
    with canvas.inside(clip) as pen:
        for line in np.stack([bird.body(start), bird.body(end)], axis=1):
            pen.line(canvas.pixels(line), fill=(*colour, 215), width=canvas.width(0.021 * bird.scale))


def _speckles(canvas: Canvas, bird: Bird, clip: Image.Image, colour: Colour, rng) -> None:
    u = rng.random((110, 3))
    centres = bird.body(np.stack([-0.5 + 1.2 * u[:, 0], -0.36 + 0.8 * u[:, 1]], axis=1))
    radius = (0.007 + 0.007 * u[:, 2:]) * bird.scale
    with canvas.inside(clip) as pen:
        for low, high in zip(canvas.pixels(centres - radius), canvas.pixels(centres + radius), strict=True):
            pen.ellipse([low, high], fill=(*colour, 215))


WING = ((0.36, 0.05), (0.27, 0.19), (0.02, 0.245), (-0.30, 0.15), (-0.58, 0.03), (-0.76, -0.06),
        (-0.52, -0.09), (-0.18, -0.155), (0.16, -0.15), (0.33, -0.07))  # fmt: skip


def _wing(canvas: Canvas, bird: Bird, ink, rng) -> Image.Image:
    wing, s = bird.species.wing, bird.scale
    outline = spline(bird.body(WING))
    shadow = canvas.mask(outline + np.array([0.0, 0.022 * s]), 0.02 * s, canvas.cover)
    canvas.picture.paste((18, 14, 14), mask=shadow.point(lambda v: v * 2 // 5))
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


def _scallops(canvas: Canvas, bird: Bird, clip: Image.Image, rng) -> None:
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


def _wing_pattern(canvas: Canvas, bird: Bird, ink, mask: Image.Image) -> None:
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
            for low, high in zip(
                canvas.pixels(centres - 0.017 * s), canvas.pixels(centres + 0.017 * s), strict=True
            ):
                pen.ellipse([low, high], fill=(*ink(wing.spots), 235))


def _shade(canvas: Canvas, bird: Bird, body: Image.Image, wing: Image.Image) -> None:
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


def _bill(canvas: Canvas, bird: Bird, ink) -> None:
    bill = bird.species.bill
    top, tip, drop = bill.depth * 0.55, 0.86 + bill.length, bill.curve * bill.length
    gape, base = -0.10, 0.80
    lower = [(base, gape), (tip - 0.06, gape - drop), (0.86 + 0.5 * bill.length, gape - 0.32 * bill.depth - 0.3 * drop),
             (base, gape - 0.45 * bill.depth)]  # fmt: skip
    upper = [(base - 0.04, gape + top), (0.86 + 0.45 * bill.length, gape + top * 0.74), (tip - 0.1, gape + 0.07 * top - drop * 0.7),
             (tip, gape - drop * 1.1), (0.86 + 0.5 * bill.length, gape + 0.03 - 0.2 * drop), (base, gape)]  # fmt: skip
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


def _eye(canvas: Canvas, bird: Bird, ink) -> None:
    centre = bird.head([EYE], wrap=True)[0]
    unit = bird.radius * bird.scale

    def disc(radius: float, colour: Colour, shift=(0.0, 0.0)) -> None:
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
