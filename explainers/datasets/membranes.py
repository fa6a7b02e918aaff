"""Electron-microscopy slices of nerve tissue with the membranes between cells drawn by hand, read from a folder.

Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation algorithms for connectomics", Frontiers
in Neuroanatomy 2015 (the ISBI 2012 challenge): 30 slices of 512×512 pixels of 4 nm. The pictures do not ship.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

CLASSES = ("cell", "membrane")
# A slice is scaled to SIDE pixels, of which the network sees CROP: a quarter of the slice, membranes three pixels wide.
SIDE, CROP = 192, 96
MEAN, STD = (0.49, 0.49, 0.49), (0.15, 0.15, 0.15)
HELD_OUT = 6


def load_membranes(folder: str | Path, split: str, side: int = SIDE) -> tuple[Tensor, Tensor]:
    """The slices of `split` as (N, 3, side, side) uint8, three equal channels, and (N, side, side) int64.

    A pixel's label is its place in CLASSES: 1 where membrane covers at least half of it. "test" has the last six
    slices, "train" the others. `folder`, or `isbi-membrane` in it, holds `image/<n>.png` and `label/<n>.png`,
    in which membranes are black.

    Raises FileNotFoundError where those folders are not there, ValueError where not every picture has its label.
    """
    folder = Path(folder)
    if not (folder / "image").is_dir():
        folder = folder / "isbi-membrane"
    pictures, labels = ({int(p.stem): p for p in (folder / part).glob("*.png")} for part in ("image", "label"))
    if not pictures:
        raise FileNotFoundError("expected folders 'image' and 'label' with PNG files in the data folder; found none")
    if pictures.keys() != labels.keys() or len(pictures) <= HELD_OUT:
        raise ValueError(
            f"expected more than {HELD_OUT} pictures, each with a label of the same name, got {len(pictures)} "
            f"pictures and {len(labels)} labels; complete the folders"
        )
    numbers = sorted(pictures)
    numbers = numbers[-HELD_OUT:] if split == "test" else numbers[:-HELD_OUT]
    grey = np.stack([_scaled(pictures[n], side) for n in numbers])
    membrane = np.stack([_scaled(labels[n], side) < 128 for n in numbers])
    return torch.as_tensor(grey)[:, None].repeat(1, 3, 1, 1), torch.as_tensor(membrane).long()


def _scaled(path: Path, side: int) -> np.ndarray:
    """(side, side) uint8, each pixel the mean of what it covers."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L").resize((side, side), Image.Resampling.BOX))
