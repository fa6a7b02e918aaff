"""How well a network that labels every pixel finds one class: overlap, and whether cells stay apart."""

import numpy as np
from skimage.measure import label as connected
from sklearn.metrics import pair_confusion_matrix


def intersection_over_union(found: np.ndarray, true: np.ndarray) -> float:
    """|A ∩ B| / |A ∪ B| of two masks of one shape; 1 where both are empty.

    >>> intersection_over_union(np.array([True, True, False]), np.array([True, False, False]))
    0.5
    """
    union = (found | true).sum()
    return float((found & true).sum() / union) if union else 1.0


def foreground_rand(found: np.ndarray, true: np.ndarray) -> float:
    r"""F-score of Rand over pairs of pixels that lie in cells, for membranes as masks (H, W).

    Cells are the connected parts between membranes. Of all pairs of pixels inside the true cells, precision
    is the share that lie in one true cell among those found in one cell, recall the share found in one cell
    among those in one true cell; the score is their harmonic mean. A found membrane there is a cell by itself.

    Source: Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation algorithms for
    connectomics", Frontiers in Neuroanatomy 2015, foreground-restricted Rand score, α = 1/2.

    >>> wall = np.eye(3, dtype=bool)[1][None].repeat(3, 0)
    >>> foreground_rand(wall, wall), round(foreground_rand(np.zeros((3, 3), bool), wall), 3)
    (1.0, 0.571)
    """
    inside = ~true
    cells, parts = (connected(~membrane, connectivity=1)[inside] for membrane in (true, found))
    (_, merged), (split, together) = pair_confusion_matrix(cells, parts)
    pairs = 2 * together + merged + split
    return float(2 * together / pairs) if pairs else 1.0
