"""How each shipped network was trained: one frozen recipe per network, nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from explainers.datasets import cifar10, membranes
from explainers.datasets.birds import render
from explainers.datasets.birds.source import HELD_OUT, TRAINING, RenderedBirds
from explainers.networks.architectures.plain import alexnet, vgg16
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.architectures.unet import UNet

Split = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a training run besides the seed.

    `sizes` holds (first epoch, side in pixels): early epochs see scaled-down pictures, which costs a
    fraction and reaches the same accuracy (progressive resizing). `views` is how often an epoch looks at a
    picture; `segments`, where every pixel has a label, is the class whose overlap is scored, else 0.
    """

    build: Callable[[], nn.Module]
    load: Callable[[Path, str], Split]
    data: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    size: int
    epochs: int
    sizes: tuple[tuple[int, int], ...]
    batch: int = 128
    peak_lr: float = 0.2
    weight_decay: float = 5e-4
    crop_padding: int = 4
    views: int = 1
    segments: int = 0


def _cifar(depth: int, epochs: int) -> Recipe:
    return Recipe(
        build=lambda: ResNetCIFAR(depth),
        load=cifar10.load_cifar10,
        data="CIFAR-10, JPEG copy: 50,000 pictures to train on, 10,000 held out",
        mean=cifar10.MEAN,
        std=cifar10.STD,
        size=32,
        epochs=epochs,
        sizes=((0, 20), (epochs * 3 // 10, 24), (epochs * 6 // 10, 32)),
    )


def _birds(build: Callable[[], nn.Module], epochs: int, peak_lr: float) -> Recipe:
    return Recipe(
        build=build,
        load=_load_birds,
        data=f"rendered birds: {BIRDS_SPLIT['train'][1]:,} to train on, {BIRDS_SPLIT['test'][1]:,} held out",
        mean=render.MEAN,
        std=render.STD,
        size=64,
        epochs=epochs,
        sizes=((0, 64),),
        batch=64,
        peak_lr=peak_lr,
    )


# Seeds of the sets and numbers of pictures.
BIRDS_SPLIT = {"train": (TRAINING, 6_000), "test": (HELD_OUT, 1_200)}


def _load_birds(cache: Path, split: str) -> Split:
    """Rendered once (minutes), then kept in `cache` as a tensor file."""
    seed, count = BIRDS_SPLIT[split]
    path = cache / f"birds-{render.VERSION}-64-{split}.pt"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        torch.save(RenderedBirds(count, 64, seed).tensors(), path)
    pictures, labels = torch.load(path, weights_only=True)
    return pictures, labels


RECIPES: dict[str, Recipe] = {
    "resnet20-cifar10": _cifar(20, epochs=18),
    "resnet32-cifar10": _cifar(32, epochs=16),
    "resnet44-cifar10": _cifar(44, epochs=14),
    "alexnet-birds": _birds(lambda: alexnet(len(render.SPECIES), normalised=True), epochs=12, peak_lr=0.05),
    "vgg16-birds": _birds(lambda: vgg16(len(render.SPECIES), normalised=True), epochs=12, peak_lr=0.05),
    "unet-membranes": Recipe(
        build=lambda: UNet(classes=len(membranes.CLASSES), depth=3, normalised=True),
        load=membranes.load_membranes,
        data="ISBI 2012 electron-microscopy slices, scaled to 192×192: 24 to train on, 6 held out",
        mean=membranes.MEAN,
        std=membranes.STD,
        size=membranes.CROP,
        epochs=30,
        sizes=((0, membranes.CROP),),
        batch=16,
        peak_lr=0.1,
        views=16,
        segments=membranes.CLASSES.index("membrane"),
    ),
}
