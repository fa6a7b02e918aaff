"""Two scores for maps, descriptive accuracy and localisation.

Higher values of a map mean a more important pixel; the importance that a CID map gives is −CID, so that
pixels that the feature does not use (+inf) come last.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from explainers.datasets.boxes import Box, read_boxes
from explainers.evaluation.intervals import Interval, bootstrap_interval

__all__ = [
    "DescriptiveAccuracy",
    "Interval",
    "bootstrap_interval",
    "box_share",
    "descriptive_accuracy",
    "localisation",
    "read_boxes",
]
REPLACEMENTS = ("mean", "blur", "noise")
# A blur whose standard deviation is this share of the shorter side leaves colours and no shapes.
BLUR = 1 / 8
FRACTIONS = tuple(i / 20 for i in range(20))


@dataclass(frozen=True)
class DescriptiveAccuracy:
    """What is still recognised, fraction by fraction.

    - `fractions`: shares of the pixels that were removed, ascending; `accuracy`: the share of pictures that
      are still classified as labelled, one per fraction.
    - `area`: under that curve, by trapezoids, divided by its width: the mean accuracy, in 0..1.
    - `correct` (B, fractions), bool; `areas` (B,): the area of each picture alone, whose mean is `area`.
    """

    fractions: tuple[float, ...]
    accuracy: tuple[float, ...]
    area: float
    areas: Tensor = field(repr=False)
    correct: Tensor = field(repr=False)


def descriptive_accuracy(
    classify: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    maps: Tensor,
    fractions: Sequence[float] = FRACTIONS,
    replacement: str = "mean",
    batch: int = 32,
    seed: int = 0,
) -> DescriptiveAccuracy:
    """Accuracy while the least important pixels are removed first; the slower it falls, the better the map.

    `classify` takes (B, C, H, W) and gives (B, classes), the highest wins. `images` (B, C, H, W) in network
    units, `labels` (B,), `maps` (B, 1, H, W) or (B, H, W), the higher the more important: −inf goes first, +inf
    last, equal values in an order drawn from `seed`. Of H·W pixels round(fraction · H·W) are replaced: by
    the picture's "mean" colour, by a "blur" of it with a standard deviation of 1/8 of its shorter side, or by
    Gaussian "noise" of the picture's mean and standard deviation per channel.

    Raises ValueError for sizes that do not fit, NaN in a map, fractions that are not ascending in 0..1, and an
    unknown replacement.

    Source: Warnecke et al., "Evaluating explanation methods for deep learning in security", EuroS&P 2020;
    "Quantification and analysis of layer-wise and pixel-wise information discarding", ICML 2022, Fig. 6.

    >>> x = torch.tensor([[[[4.0, 0.0], [0.0, 0.0]]]])
    >>> score = lambda x: torch.stack([x.amax((1, 2, 3)) - 2, 0 * x[:, 0, 0, 0]], 1)
    >>> descriptive_accuracy(score, x, torch.tensor([0]), x[:, 0], (0, 0.5, 1)).accuracy
    (1.0, 1.0, 0.0)
    """
    maps = _check(images, labels, maps, tuple(fractions), replacement)
    ranks = _ranks(maps, seed)
    other = _replacement(images, replacement, seed)
    correct = torch.zeros(len(images), len(fractions), dtype=torch.bool)
    with torch.no_grad():
        for column, fraction in enumerate(fractions):
            removed = (ranks < round(fraction * ranks[0].numel())).unsqueeze(1).to(images.device)
            shown = torch.where(removed, other, images)
            decided = torch.cat([classify(part).argmax(1) for part in torch.split(shown, batch)])
            correct[:, column] = (decided == labels.to(decided.device)).cpu()
    areas = _area(correct.double(), torch.tensor(fractions, dtype=torch.float64))
    accuracy = tuple(correct.double().mean(0).numpy().tolist())
    return DescriptiveAccuracy(tuple(fractions), accuracy, areas.mean().item(), areas, correct)


def localisation(map: Tensor, box: Box | None = None, mask: Tensor | np.ndarray | None = None) -> float:
    """The share of the n most important pixels that lie inside the box or mask, n being its area: 0 to 1.

    `map` (H, W) or (1, H, W), the higher the more important; `box` half-open (x0, y0, x1, y1) in pixels of the
    map, cut to it, or a boolean `mask` (H, W). Where the n-th place is shared by equal values, infinite ones too, each
    of them counts with the same weight: the mean over all ways to break the tie. A constant map scores the box's share.

    Raises ValueError for a map with NaN, for a box or mask that has no pixel inside the map, where a mask has another
    size, and where not exactly one of both is given.

    Source: Schulz et al., "Restricting the flow: information bottlenecks for attribution", ICLR 2020;
    "Quantification and analysis of layer-wise and pixel-wise information discarding", ICML 2022, Table 2.

    >>> localisation(torch.tensor([[9.0, 1.0], [8.0, 0.0]]), (0, 0, 2, 1))
    0.5
    """
    map = map.reshape(map.shape[-2:])
    if (mask is None) == (box is None):
        raise ValueError("expected either a mask or a box, got both or none")
    if box is not None:
        inside = torch.zeros(map.shape, dtype=torch.bool, device=map.device)
        x0, y0, x1, y1 = (max(0, end) for end in box)
        inside[y0:y1, x0:x1] = True
    else:
        inside = torch.as_tensor(mask).bool().to(map.device)
    if inside.shape != map.shape:
        size, found = (f"{shape[1]}×{shape[0]}" for shape in (map.shape, inside.shape))
        raise ValueError(f"expected a mask of {size} pixels like the map, got {found}")
    area = int(inside.sum())
    if not area:
        place = "a mask with at least one pixel" if box is None else "a box"
        raise ValueError(f"expected {place} inside a map of {map.shape[1]}×{map.shape[0]} pixels, got {box or 'none'}")
    if map.isnan().any():
        raise ValueError("expected a map without NaN, got one; leave this picture out")
    last = map.flatten().sort(descending=True).values[area - 1]
    above, tied = map > last, map == last
    share = (inside & tied).sum() / tied.sum()
    return ((inside & above).sum() + (area - above.sum()) * share).item() / area


def box_share(box: Box, width: int, height: int) -> float:
    """The share of a picture that the box covers; the paper localises where it is at most a third.

    >>> box_share((0, 0, 2, 4), 4, 4)
    0.5
    """
    x0, y0, x1, y1 = box
    across, down = min(x1, width) - max(x0, 0), min(y1, height) - max(y0, 0)
    return max(0, across) * max(0, down) / (width * height)


def _ranks(maps: Tensor, seed: int) -> Tensor:
    """(B, H, W): the place of every pixel in the order of importance, 0 for the least important."""
    flat = maps.flatten(1)
    shuffle = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(seed))
    order = shuffle[flat[:, shuffle].argsort(dim=1, stable=True)]
    places = torch.arange(flat.shape[1]).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places).view(maps.shape)


def _replacement(images: Tensor, replacement: str, seed: int) -> Tensor:
    """(B, C, H, W): what the removed pixels show."""
    mean = images.mean(dim=(2, 3), keepdim=True).expand_as(images)
    if replacement == "mean":
        return mean
    if replacement == "blur":
        sigma = BLUR * min(images.shape[-2:])
        # As wide as reflection at the border allows, three standard deviations at most.
        kernel = 2 * min(round(3 * sigma), min(images.shape[-2:]) - 1) + 1
        return gaussian_blur(images, [kernel, kernel], [sigma, sigma])
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed), dtype=images.dtype)
    return mean + noise.to(images.device) * images.std(dim=(2, 3), keepdim=True, correction=0)


def _area(correct: Tensor, fractions: Tensor) -> Tensor:
    """Mean height of each row over `fractions`; the height itself where there is only one."""
    if len(fractions) == 1:
        return correct[:, 0]
    return torch.trapezoid(correct, fractions, dim=1) / (fractions[-1] - fractions[0])


def _check(images: Tensor, labels: Tensor, maps: Tensor, fractions: tuple[float, ...], replacement: str) -> Tensor:
    """The maps as (B, H, W) on the CPU, where sorting is the same everywhere."""
    if images.dim() != 4 or not len(images):
        raise ValueError(f"expected pictures of shape (B, C, H, W), got {tuple(images.shape)}")
    count, _, height, width = images.shape
    if maps.shape not in ((count, 1, height, width), (count, height, width)):
        raise ValueError(
            f"expected {count} maps of {height}×{width} pixels like the pictures, got shape {tuple(maps.shape)}"
        )
    if labels.shape != (count,):
        raise ValueError(f"expected {count} labels, one per picture, got shape {tuple(labels.shape)}")
    if maps.isnan().any():
        raise ValueError("expected maps without NaN, got one; leave this picture out")
    rising = all(before < after for before, after in pairwise(fractions))
    if not fractions or not rising or fractions[0] < 0 or fractions[-1] > 1:
        raise ValueError(f"expected ascending fractions between 0 and 1, got {fractions}")
    if replacement not in REPLACEMENTS:
        raise ValueError(f"expected a replacement of {', '.join(REPLACEMENTS)}, got {replacement!r}")
    return maps.detach().reshape(count, height, width).cpu()
