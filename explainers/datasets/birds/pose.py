"""How a bird sits: pose and light, and the frames in which its body, head and tail are drawn."""

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from numpy.typing import ArrayLike

from explainers.datasets.birds.canvas import spline
from explainers.datasets.birds.species import Species


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
        """A random pose, from uniform numbers alone: other distributions change between versions of NumPy."""
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


class PosedBird:
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

    def world(self, offset: np.ndarray) -> np.ndarray:
        """Offsets (N, 2) from the feet, forward and up, in body lengths."""
        forward = -1.0 if self.pose.mirror else 1.0
        return self.feet + self.scale * offset * np.array([forward, -1.0])

    def offset(self, points: ArrayLike) -> np.ndarray:
        """Points (N, 2) of the body, tilted about its hip, as seen from where it stands."""
        p = np.asarray(points, dtype=float) * np.array([1.0, self.species.depth * self.pose.plump])
        c, s = cos(self.tilt), sin(self.tilt)
        hip = -0.30 * self.species.depth
        turned = np.stack([c * p[:, 0] - s * (p[:, 1] - hip), s * p[:, 0] + c * (p[:, 1] - hip)], axis=1)
        return turned + np.array([0.02, self.species.leg])

    def body(self, points: ArrayLike) -> np.ndarray:
        """Points (N, 2) of the body, forward along its axis and towards the back, on the canvas."""
        return self.world(self.offset(points))

    def head(self, points: ArrayLike, wrap: bool = False) -> np.ndarray:
        """Points of the head, forward and up in radii. With `wrap` they lie on its ball and turn with it."""
        p = np.asarray(points, dtype=float)
        yaw, pitch = radians(self.pose.head_yaw), radians(self.pose.head_pitch)
        near = np.sqrt(np.maximum(0.0, 1 - (p**2).sum(1))) if wrap else 0.0
        a, b = p[:, 0] * cos(yaw) - near * sin(yaw), p[:, 1]
        x, y = cos(pitch) * a - sin(pitch) * b, sin(pitch) * a + cos(pitch) * b
        facing = -1.0 if self.pose.head_back else 1.0
        return self.world(self.offset([self.head_centre]) + self.radius * np.stack([facing * x, y], axis=1))

    def outline(self) -> np.ndarray:
        """The body with the head, without crest, bill and tail."""
        ring = [radians(angle) for angle in (168, 130, 95, 60, 25, -8, -38)]
        ball = self.radius * np.array([(cos(t), sin(t)) for t in ring])
        head = self.world(self.offset([self.head_centre]) + ball)
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
