"""Rendered birds: pictures of known species, pose and background, drawn from a number."""

from explainers.datasets.birds.render import SPECIES, Bird, label_of, render_bird
from explainers.datasets.birds.source import RenderedBirds

__all__ = ["SPECIES", "Bird", "RenderedBirds", "label_of", "render_bird"]
