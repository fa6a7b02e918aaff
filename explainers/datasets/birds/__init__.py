"""Rendered birds: pictures of known species, pose and background, drawn from a number."""

from explainers.datasets.birds.render import LOOKALIKES, SPECIES, TWELVE, Bird, Edition, label_of, render_bird
from explainers.datasets.birds.shortcut import Shortcut
from explainers.datasets.birds.source import RenderedBirds

__all__ = [
    "LOOKALIKES",
    "SPECIES",
    "TWELVE",
    "Bird",
    "Edition",
    "RenderedBirds",
    "Shortcut",
    "label_of",
    "render_bird",
]
