"""Rendered tissue: cells with dark membranes between them, as in an electron microscope, with the exact mask.

A stand-in for micrographs that needs no download. A picture is a function of (seed, index). Cells are unions of
Voronoi regions of random points in warped coordinates, so that they differ in size and are not convex.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.spatial import KDTree
from skimage.filters import gaussian

SIDE = 384
POINTS, CELLS, NEIGHBOURS = 150, 75, 8
# Widths in pixels: of the field in which points lie beyond the picture, of a membrane, of the warp and its waves.
MARGIN, MEMBRANE, WARP, WAVE = 40, 6.0, 16.0, 22.0
VESICLES, MITOCHONDRIA = 260, 4
CYTOPLASM, DARK = 0.57, 0.20


@dataclass(frozen=True)
class Tissue:
    """A grey picture of SIDE×SIDE pixels and `mask` (SIDE, SIDE), True where there is membrane."""

    image: Image.Image
    mask: np.ndarray


def render_tissue(index: int, seed: int = 0) -> Tissue:
    """Picture `index` of the data set of `seed`.

    >>> tissue = render_tissue(3)
    >>> tissue.image.size, bool(0.1 < tissue.mask.mean() < 0.4)
    ((384, 384), True)
    """
    shapes, paint = (np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, index, n)))) for n in (0, 1))
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(float)
    cells, depth = _cells(rows + _waves(shapes), columns + _waves(shapes), shapes)
    # A membrane is as dark as it is cut steeply: sections that graze it are wide and faint.
    steepness = np.clip(1 + 0.25 * _smooth(paint, 18), 0.6, 1.2)
    dark = np.exp(-((depth / (0.55 * MEMBRANE)) ** 4)) * steepness
    grey = CYTOPLASM + 0.035 * paint.standard_normal(CELLS)[cells] + 0.03 * _smooth(paint, 30)
    grey = _organelles(grey, depth, rows, columns, paint)
    grey = grey - (grey - DARK) * np.clip(dark, 0, 1)
    noisy = grey + 0.065 * _smooth(paint, 1.6) + 0.06 * _smooth(paint, 0.8)
    pixels = (np.clip(gaussian(noisy, 0.8), 0, 1) * 255).round().astype(np.uint8)
    return Tissue(Image.fromarray(pixels).convert("RGB"), depth < MEMBRANE / 2)


def _smooth(random: np.random.Generator, scale: float) -> np.ndarray:
    """A Gaussian field of variance 1 whose correlation length is `scale` pixels."""
    field = gaussian(random.standard_normal((SIDE, SIDE)), scale, mode="wrap")
    return field / field.std()


def _waves(random: np.random.Generator) -> np.ndarray:
    return 0.5 * WARP * _smooth(random, WAVE) + 0.12 * WARP * _smooth(random, WAVE / 4)


def _cells(rows: np.ndarray, columns: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Which cell each pixel belongs to, and its distance to the nearest border in pixels.

    Points that are near each other become one cell as often as chance has it; a cell's distance is that of
    its nearest point, so d₂ − d₁ vanishes on borders and its slope turns it into pixels.
    """
    points = random.uniform(-MARGIN, SIDE + MARGIN, (POINTS, 2))
    heads = points[:CELLS]
    owner = np.concatenate([np.arange(CELLS), KDTree(heads).query(points[CELLS:])[1]])
    distances, nearest = KDTree(points).query(np.stack([rows, columns], 2), NEIGHBOURS)
    cells = owner[nearest]
    other = np.where(cells != cells[..., :1], distances, distances[..., -1:]).min(2)
    gap = other - distances[..., 0]
    slope = np.hypot(*np.gradient(gap))
    return cells[..., 0], gap / np.maximum(gaussian(slope, 2), 0.5)


def _organelles(
    grey: np.ndarray, depth: np.ndarray, rows: np.ndarray, columns: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Vesicles, small and dark, and a few mitochondria with their folds, all inside of cells."""
    spots = np.zeros_like(grey)
    place = random.integers(0, SIDE, (2, VESICLES))
    spots[place[0], place[1]] = random.uniform(0.3, 1, VESICLES)
    spots = gaussian(spots, 1.8) * 20 * (depth > 2 * MEMBRANE)
    grey = grey - 0.2 * np.clip(spots, 0, 1)
    roomy = np.argwhere(depth > 4 * MEMBRANE)
    for y, x in roomy[random.integers(0, len(roomy), MITOCHONDRIA)] if len(roomy) else ():
        angle, long, wide = random.uniform(0, np.pi), random.uniform(14, 20), random.uniform(9, 13)
        along = (rows - y) * np.sin(angle) + (columns - x) * np.cos(angle)
        across = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
        radius = np.hypot(along / long, across / wide)
        inside = 1 / (1 + np.exp(np.clip((radius - 1) * wide, -30, 30)))
        folds = 0.08 * np.sin(along * 1.4 + 0.3 * across)
        grey = grey + inside * (CYTOPLASM - 0.17 + folds - grey)
    return grey
