"""What makes twelve common garden and water-side birds look different: plumage, bill, proportions.

Lengths are shares of the body's length (breast to rump); the bill's are shares of the head's radius.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bill:
    """What a bill looks like."""

    length: float
    depth: float
    upper: str
    lower: str
    curve: float = 0.06


@dataclass(frozen=True)
class Tail:
    """What a tail looks like."""

    length: float
    width: float
    colour: str
    notch: float = 0.0
    angle: float = 0.0
    bars: str | None = None
    edge: str | None = None


@dataclass(frozen=True)
class Wing:
    """What a wing looks like."""

    coverts: str
    flight: str
    edge: str
    bars: tuple[str, ...] = ()
    spots: str | None = None
    barred: str | None = None
    length: float = 1.0


@dataclass(frozen=True)
class Species:
    """`marks` are (shape of `MARKS`, colour), painted in this order on the head or the body."""

    name: str
    back: str
    head: str
    breast: str
    belly: str
    vent: str
    bill: Bill
    tail: Tail
    wing: Wing
    marks: tuple[tuple[str, str], ...] = ()
    head_radius: float = 0.25
    depth: float = 1.0
    crest: float = 0.0
    shaggy: bool = False
    streaks: str | None = None
    speckles: str | None = None
    eye_ring: str | None = None
    iris: str = "#2a1a12"
    legs: str = "#5a4a44"
    leg: float = 0.20
    upright: float = 0.0


# Polygons on the unit disc of the head seen from the side: forward, up.
MARKS: dict[str, tuple[tuple[float, float], ...]] = {
    "cap": (
        (1.2, 0.02),
        (0.45, 0.24),
        (-0.3, 0.22),
        (-0.9, -0.15),
        (-1.5, -0.1),
        (-1.4, 1.2),
        (0, 1.6),
        (1.3, 1.2),
    ),
    "forehead": ((1.2, 0.02), (0.62, 0.2), (0.3, 0.4), (-0.25, 0.62), (-0.35, 1.5), (1.3, 1.5)),
    "bib": ((1.2, -0.1), (0.6, -0.2), (0.25, -0.5), (0.0, -0.95), (0.3, -1.4), (1.1, -1.4), (1.5, -0.6)),
    "throat": ((1.2, -0.15), (0.6, -0.25), (0.2, -0.6), (0.1, -1.1), (0.9, -1.3), (1.5, -0.6)),
    "mask": ((1.2, 0.42), (0.72, 0.4), (0.42, 0.12), (0.4, -0.3), (0.55, -0.75), (0.95, -1.05), (1.5, -0.5)),
    "cheek": (
        (0.62, -0.08),
        (0.2, 0.08),
        (-0.5, 0.08),
        (-1.0, -0.2),
        (-0.75, -0.62),
        (-0.1, -0.62),
        (0.4, -0.4),
    ),
    "brow": ((1.05, 0.16), (0.5, 0.46), (-0.2, 0.5), (-0.95, 0.2), (-0.9, 0.08), (-0.2, 0.28), (0.5, 0.26)),
    "eye line": (
        (1.0, 0.0),
        (0.4, 0.18),
        (-0.3, 0.14),
        (-1.1, -0.15),
        (-1.05, -0.32),
        (-0.3, -0.06),
        (0.4, 0.0),
    ),
    "moustache": ((0.85, -0.22), (0.3, -0.4), (-0.35, -0.85), (-0.15, -1.0), (0.35, -0.62), (0.9, -0.38)),
    "nape": ((-0.35, 0.62), (-0.5, 1.1), (-1.4, 0.9), (-1.4, -0.15), (-0.9, 0.0)),
    "lore": ((1.05, 0.2), (0.72, 0.24), (0.62, 0.06), (0.8, -0.08), (1.1, -0.05)),
    # The rest forward and towards the back, in shares of the body.
    "collar": (
        (0.95, 0.02),
        (0.6, 0.06),
        (0.38, 0.16),
        (0.22, 0.5),
        (0.16, 0.42),
        (0.3, 0.08),
        (0.55, -0.06),
        (0.9, -0.16),
    ),
    "necklace": (
        (0.95, 0.1),
        (0.62, 0.06),
        (0.42, 0.2),
        (0.3, 0.45),
        (0.24, 0.42),
        (0.36, 0.14),
        (0.58, -0.03),
        (0.9, -0.03),
    ),
    "breast band": ((0.9, -0.12), (0.52, -0.02), (0.3, 0.04), (0.26, -0.06), (0.42, -0.16), (0.8, -0.36)),
    "breast spot": ((0.50, -0.13), (0.42, -0.10), (0.38, -0.16), (0.42, -0.23), (0.49, -0.21)),
    "flank": ((0.25, -0.12), (-0.1, -0.16), (-0.4, -0.16), (-0.45, -0.26), (-0.1, -0.34), (0.2, -0.24)),
    "rump": ((-0.2, 0.24), (-0.35, 0.05), (-0.6, -0.02), (-0.7, 0.2), (-0.3, 0.4)),
}
ON_BODY = {"collar", "necklace", "breast band", "breast spot", "flank", "rump"}

ALL = (
    Species(
        name="robin", back="#5d5650", head="#2e2b2c", breast="#c4551f", belly="#cb6428", vent="#e9e4dc",
        bill=Bill(0.85, 0.30, "#e0a62c", "#c98f22"), tail=Tail(0.52, 0.17, "#3a3635"),
        wing=Wing("#625b55", "#47413e", "#80776f"), marks=(("throat", "#8f8a86"),),
        eye_ring="#f2efe8", leg=0.24,
    ),
    Species(
        name="blue jay", back="#5b7fc0", head="#5b80c4", breast="#c9ccd2", belly="#e4e6e8", vent="#f1f1ef",
        bill=Bill(1.0, 0.40, "#24242a", "#2e2e34"),
        tail=Tail(0.72, 0.19, "#3d78cf", bars="#14203c", edge="#f2f4f6"),
        wing=Wing("#4a7bcb", "#3568c4", "#16233f", bars=("#f4f6f8", "#f4f6f8"), barred="#16233f"),
        marks=(("cheek", "#eef0f2"), ("throat", "#e9ebee"), ("necklace", "#17181d"), ("lore", "#17181d")),
        crest=0.75, head_radius=0.255,
    ),
    Species(
        name="goldfinch", back="#e9c421", head="#f2cf26", breast="#f5d42c", belly="#f4d94c", vent="#f7f3e4",
        bill=Bill(0.62, 0.50, "#e79a5c", "#e8a46c"),
        tail=Tail(0.40, 0.16, "#1c1b1d", notch=0.10, edge="#f0eee6"),
        wing=Wing("#1f1e20", "#19181a", "#e9e6da", bars=("#f6f3e8",)),
        marks=(("forehead", "#17161a"), ("rump", "#f4f0dd")),
        head_radius=0.26, legs="#a8785a",
    ),
    Species(
        name="cardinal", back="#b3272b", head="#d42a2c", breast="#d52b2d", belly="#cf3230", vent="#c43a36",
        bill=Bill(0.72, 0.66, "#ea6a32", "#e4602c"), tail=Tail(0.74, 0.17, "#a82328"),
        wing=Wing("#a9282c", "#8e2328", "#cc4a48"), marks=(("mask", "#16110f"),), crest=1.0, head_radius=0.25,
    ),
    Species(
        name="chickadee", back="#85837c", head="#f3f3f0", breast="#f0eee6", belly="#ece2cf", vent="#e2cfae",
        bill=Bill(0.45, 0.26, "#1b1b1d", "#232325"), tail=Tail(0.58, 0.14, "#4c4e54", edge="#c9ccd0"),
        wing=Wing("#6d6e70", "#55575c", "#d8dadc"),
        marks=(("cap", "#141416"), ("bib", "#141416"), ("flank", "#d8b98a")),
        head_radius=0.30, depth=1.08, legs="#4a5568",
    ),
    Species(
        name="kingfisher", back="#4f7288", head="#4b6e86", breast="#f3f3ef", belly="#f1f0eb", vent="#f3f3ef",
        bill=Bill(1.75, 0.42, "#2c2f33", "#4a4d50", curve=0.0),
        tail=Tail(0.38, 0.18, "#486a80", bars="#e8ecee"),
        wing=Wing("#507489", "#39505e", "#6f93a6", spots="#e6edf0"),
        marks=(("collar", "#f5f5f2"), ("throat", "#f3f3ef"), ("breast band", "#4b6c80"), ("lore", "#f5f5f2")),
        crest=0.62, shaggy=True, head_radius=0.30, leg=0.13,
    ),
    Species(
        name="woodpecker", back="#1b1b1d", head="#1b1b1d", breast="#eeebe3", belly="#f0ede6", vent="#ece8df",
        bill=Bill(1.0, 0.32, "#3c3f44", "#4a4d52", curve=0.0),
        tail=Tail(0.46, 0.13, "#161618", notch=-0.22, edge="#efece4"),
        wing=Wing("#1d1d1f", "#17171a", "#2c2c30", spots="#f2f0ea"),
        marks=(("brow", "#f3f1ec"), ("cheek", "#f1efe9"), ("eye line", "#1b1b1d"),
               ("throat", "#f1efe9"), ("nape", "#cf2420")),
        head_radius=0.25, upright=14, leg=0.12,
    ),
    Species(
        name="sparrow", back="#8a6f55", head="#8b7a66", breast="#e9e2d5", belly="#efeae0", vent="#e6dccb",
        bill=Bill(0.60, 0.48, "#6d6258", "#8f8378"), tail=Tail(0.56, 0.15, "#7c5e45"),
        wing=Wing("#8c6c50", "#6c523f", "#c7a57e"),
        marks=(("cap", "#6d4a31"), ("brow", "#bcb6a9"), ("eye line", "#5e402b"), ("throat", "#efe9dd"),
               ("moustache", "#5a3d2a"),
               ("breast spot", "#553a29")),
        streaks="#5f432f", legs="#b98d76",
    ),
    Species(
        name="starling", back="#2a2733", head="#2b3540", breast="#2d2a3a", belly="#2a2833", vent="#33303a",
        bill=Bill(1.05, 0.27, "#e3bf3c", "#d3ac34", curve=0.0), tail=Tail(0.36, 0.15, "#2d2a2e"),
        wing=Wing("#33303a", "#2c292d", "#8d7350"), speckles="#e5d9b8", legs="#b5674f", leg=0.22,
    ),
    Species(
        name="oriole", back="#1d1a1b", head="#1b1819", breast="#f0881c", belly="#f5982a", vent="#f3a036",
        bill=Bill(0.95, 0.30, "#4b5563", "#8793a0", curve=0.0),
        tail=Tail(0.56, 0.15, "#262122", edge="#f09022"),
        wing=Wing("#211d1e", "#1e1b1c", "#d9d6d0", bars=("#f5f3ee",)),
        marks=(("bib", "#1b1819"), ("rump", "#f0881c")), head_radius=0.24, legs="#56606c",
    ),
    Species(
        name="bunting", back="#2f62c4", head="#2a4fc0", breast="#3a78d8", belly="#4585dc", vent="#5590da",
        bill=Bill(0.60, 0.46, "#59616c", "#b4bcc4"), tail=Tail(0.48, 0.15, "#253e78", notch=0.06),
        wing=Wing("#33589f", "#2b303f", "#5585cc"), marks=(("lore", "#15203f"),), head_radius=0.25,
    ),
    Species(
        name="wren", back="#8a5a35", head="#84552f", breast="#d9b68c", belly="#cfa274", vent="#b98656",
        bill=Bill(0.95, 0.22, "#4a3c33", "#a58d70", curve=0.22),
        tail=Tail(0.42, 0.14, "#86562f", angle=62, bars="#3f2817"),
        wing=Wing("#85552f", "#7a4e2b", "#a87a4c", barred="#402818"),
        marks=(("brow", "#f0e4cc"), ("throat", "#eee0c6")), head_radius=0.27, depth=1.06, legs="#a37b62",
    ),
)  # fmt: skip
