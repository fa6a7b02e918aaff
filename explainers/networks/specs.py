"""What is known about every network before its weights are read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from explainers.assets import ASSETS
from explainers.datasets import cifar10, membranes
from explainers.datasets.birds import render
from explainers.networks.architectures import plain
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.architectures.unet import UNet
from explainers.networks.downloads import cached_file, file_name
from explainers.networks.preprocessing import Preprocessing

NETWORKS = ASSETS / "networks"
Build = Callable[[int], nn.Module]


@dataclass(frozen=True)
class Spec:
    """An architecture under a name; `build(classes)` makes it, with random weights.

    `url` is where its weights are to be had and `size` their bytes; without one, they ship with the project.
    `rename` maps keys of older weights files to today's, or to None for parts that are not built. `make`, of networks
    that were added, gives one with its weights, and what it makes of a picture.
    """

    name: str
    family: str
    title: str
    data: str
    build: Build
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    url: str = ""
    size: int = 0
    accuracy: float | None = None
    accuracy_note: str = ""
    rename: Callable[[str], str | None] = str
    make: Callable[[], tuple[nn.Module, Preprocessing]] | None = None

    @property
    def shipped(self) -> bool:
        """Whether its weights are among what ships."""
        return not self.url and self.make is None

    @property
    def weights(self) -> Path:
        """The file with the weights, which need not be there."""
        return cached_file(self.url) if self.url else NETWORKS / self.file

    @property
    def file(self) -> str:
        """The name of that file."""
        return file_name(self.url) if self.url else f"{self.name}.safetensors"

    @property
    def available(self) -> bool:
        """Whether the weights are on this disk."""
        return self.make is not None or self.weights.is_file()


def _shipped(
    name: str, family: str, title: str, data: str, build: Build, classes: tuple[str, ...], pre: Preprocessing
) -> Spec:
    return Spec(
        name=name,
        family=family,
        title=title,
        data=data,
        build=build,
        preprocessing=pre,
        classes=classes,
        accuracy_note="top-1 on held-out pictures, measured on the weights as shipped",
    )


def _cifar_resnet(depth: int) -> Spec:
    return _shipped(
        f"resnet{depth}-cifar10",
        "ResNet",
        f"ResNet-{depth}, CIFAR-10",
        "CIFAR-10",
        lambda classes: ResNetCIFAR(depth, classes),
        cifar10.CLASSES,
        Preprocessing(32, 32, cifar10.MEAN, cifar10.STD),
    )


def _birds(architecture: str, family: str, title: str, build: Build) -> Spec:
    return _shipped(
        f"{architecture}-birds",
        family,
        f"{title}, rendered birds",
        "rendered birds",
        build,
        render.SPECIES,
        Preprocessing(64, 64, render.MEAN, render.STD),
    )


def _membranes() -> Spec:
    shipped = _shipped(
        "unet-membranes",
        "U-Net",
        "U-Net, cell membranes",
        "electron-microscopy slices (ISBI 2012)",
        lambda classes: UNet(classes=classes, depth=3),
        membranes.CLASSES,
        Preprocessing(membranes.SIDE, membranes.CROP, membranes.MEAN, membranes.STD),
    )
    return replace(shipped, accuracy_note="pixels of held-out slices, measured on the weights as shipped")


SHIPPED: tuple[Spec, ...] = (
    _cifar_resnet(20),
    _cifar_resnet(32),
    _cifar_resnet(44),
    _birds("alexnet", "AlexNet", "AlexNet", plain.alexnet),
    _birds("vgg16", "VGG", "VGG-16", plain.vgg16),
    _membranes(),
)
