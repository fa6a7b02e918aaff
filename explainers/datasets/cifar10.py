"""CIFAR-10 as JPEG files, read from a folder or straight from its archive.

Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def load_cifar10(folder: str | Path, split: str) -> tuple[Tensor, Tensor]:
    """All pictures of `split` ("train" or "test") as (N, 3, 32, 32) uint8 and their labels (N,) int64.

    `folder` holds either `<split>/<class>/NNNN.jpg` or `cifar10-jpeg-<split>.tar.gz` with those files
    inside. The order is that of the sorted file names, on every machine.

    Raises FileNotFoundError where neither is there.
    """
    files = sorted(_files(Path(folder), split), key=lambda item: item[0])
    pictures = np.stack([np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for _, data in files])
    labels = torch.tensor([CLASSES.index(name.split("/")[0]) for name, _ in files])
    return torch.as_tensor(pictures).permute(0, 3, 1, 2).contiguous(), labels


def _files(folder: Path, split: str) -> Iterator[tuple[str, bytes]]:
    """Pairs ("class/NNNN.jpg", bytes)."""
    archive = folder / f"cifar10-jpeg-{split}.tar.gz"
    if (folder / split).is_dir():
        for path in (folder / split).glob("*/*.jpg"):
            yield f"{path.parent.name}/{path.name}", path.read_bytes()
    elif archive.is_file():
        with tarfile.open(archive) as tar:
            for member in tar:
                wanted = member.isfile() and member.name.endswith(".jpg")
                file = tar.extractfile(member) if wanted else None
                if file is not None:
                    yield "/".join(member.name.split("/")[-2:]), file.read()
    else:
        raise FileNotFoundError(
            f"expected a folder '{split}' of class folders with JPEG files, or '{archive.name}', "
            f"in the data folder; found neither"
        )
