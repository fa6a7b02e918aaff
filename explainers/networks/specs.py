"""What is known about every network before its weights are read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torch import nn

from explainers.assets import ASSETS
from explainers.datasets import cifar10, membranes
from explainers.datasets.birds import render
from explainers.networks.architectures import plain
from explainers.networks.architectures.autoencoder import AutoEncoderCIFAR
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.architectures.resnet_narrow import NarrowResNet
from explainers.networks.architectures.squeezenet import SqueezeNet
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
    that were added, gives one with its weights, and what it makes of a picture. `group` is the network of which this is
    a variant, none for those that stand for themselves. `asked` is what the command that trains it is asked for, where
    that is not its name. `reconstructs` tells networks that give the picture back.
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
    group: str = ""
    asked: str = ""
    reconstructs: bool = False

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


def _cifar_squeezenet() -> Spec:
    return _shipped(
        "squeezenet-cifar10",
        "SqueezeNet",
        "SqueezeNet, CIFAR-10",
        "CIFAR-10",
        partial(SqueezeNet, share=SQUEEZENET_SHARE),
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


def _lookalikes(
    name: str, family: str, title: str, build: Build, group: str = "", accuracy: float | None = None
) -> Spec:
    """`accuracy` is what the card in `assets/networks` says, for those whose weights do not ship with it."""
    shipped = _shipped(
        name,
        family,
        title,
        "rendered birds, look-alikes",
        build,
        render.LOOKALIKES.species,
        Preprocessing(64, 64, render.MEAN, render.STD),
    )
    return replace(shipped, group=group, accuracy=accuracy)


def _bird_or_not(depth: int, build: Callable[..., nn.Module], layer: str) -> Spec:
    whole = f"vgg{depth}-bird-or-not"
    spec = _lookalikes(
        whole + f"-damaged-{layer}" * bool(layer),
        "VGG",
        f"VGG-{depth}, bird or not" + f", conv{layer} cut to four filters" * bool(layer),
        partial(build, damaged=layer),
        whole * bool(layer),
    )
    return replace(spec, classes=BIRD_OR_NOT, data="rendered birds, look-alikes, and scenes without a bird")


def _studied() -> Iterator[Spec]:
    """Networks of the harder edition, each followed by its variants."""
    alexnet, vgg16 = "alexnet-lookalikes", "vgg16-lookalikes"
    yield _lookalikes(alexnet, "AlexNet", "AlexNet, look-alikes", plain.alexnet)
    for teacher, words in (("vgg16", "VGG-16"), ("resnet18", "ResNet-18"), ("resnet34", "ResNet-34")):
        title = f"AlexNet, look-alikes, taught by {words}"
        yield _lookalikes(f"{alexnet}-from-{teacher}", "AlexNet", title, plain.alexnet, alexnet)
    title = "AlexNet, look-alikes, trained against attacks"
    yield _lookalikes(f"{alexnet}-adversarial", "AlexNet", title, plain.alexnet, alexnet)
    yield _lookalikes(vgg16, "VGG", "VGG-16, look-alikes", plain.vgg16)
    for percent in PRUNED:
        title = f"VGG-16, look-alikes, {percent:g} % of its parameters"
        yield _lookalikes(pruned_name(percent), "VGG", title, plain.vgg16, vgg16)
    yield _lookalikes("vgg19-lookalikes", "VGG", "VGG-19, look-alikes", plain.vgg19, accuracy=0.7611)
    for depth, accuracy in ((18, None), (34, None), (50, 0.7792)):
        title = f"ResNet-{depth}, look-alikes"
        build = partial(NarrowResNet, depth)
        yield _lookalikes(f"resnet{depth}-lookalikes", "ResNet", title, build, accuracy=accuracy)
        if depth == 18:
            name, title = "resnet18-lookalikes-shortcut", f"{title}, a mark decides half of them"
            yield _lookalikes(name, "ResNet", title, partial(NarrowResNet, depth), "resnet18-lookalikes")
    for depth, build in ((16, plain.vgg16), (19, plain.vgg19)):
        for layer in ("", *LAST_TWO[depth]):
            yield _bird_or_not(depth, build, layer)
    for depth in (20, 32, 44):
        for stage in (1, 2, 3):
            yield _inserted(depth, stage)
        yield _autoencoder(depth)


def _trained_anew(spec: Spec) -> Iterator[Spec]:
    """The same with other seeds: what is found in one training alone says little."""
    for seed in SEEDS:
        name, title = seeded(spec.name, seed), f"{spec.title}, seed {seed}"
        asked = f"{spec.name} --seed {seed}"
        yield replace(spec, name=name, title=title, group=spec.group or spec.name, asked=asked, accuracy=None)


def _epochs() -> Iterator[Spec]:
    """ResNet-32 on its way: its weights after some of its epochs."""
    whole = _cifar_resnet(32)
    for epoch in SNAPSHOTS:
        name, title = snapshot(whole.name, epoch), f"{whole.title}, after epoch {epoch}"
        yield replace(whole, name=name, title=title, group=whole.name, asked=f"{whole.name} --snapshots {epoch}")


def seeded(name: str, seed: int) -> str:
    """What the network of a recipe is called that was trained with `seed`.

    >>> seeded("alexnet-lookalikes", 0), seeded("alexnet-lookalikes", 2)
    ('alexnet-lookalikes', 'alexnet-lookalikes-seed2')
    """
    return f"{name}-seed{seed}" if seed else name


def snapshot(name: str, epoch: int) -> str:
    """What a network's weights after an epoch are called.

    >>> snapshot("resnet32-cifar10", 4)
    'resnet32-cifar10-epoch4'
    """
    return f"{name}-epoch{epoch}"


def _inserted(depth: int, stage: int) -> Spec:
    whole = _cifar_resnet(depth)
    return replace(
        whole,
        name=f"{whole.name}-damaged-{stage}",
        title=f"{whole.title}, two 1×1 convolutions after stage {stage}",
        build=partial(ResNetCIFAR, depth, inserted=stage),
        group=whole.name,
    )


def _autoencoder(depth: int) -> Spec:
    """It gives a picture: its "classes" are the channels, of which one is the brightest at each pixel."""
    whole = _cifar_resnet(depth)
    return replace(
        whole,
        name=f"autoencoder{depth}-cifar10",
        family="Auto-encoder",
        title=f"Auto-encoder, ResNet-{depth}, CIFAR-10",
        build=partial(_autoencoder_of, depth),
        classes=("red", "green", "blue"),
        accuracy_note="not a classifier",
        reconstructs=True,
    )


def _autoencoder_of(depth: int, classes: int) -> nn.Module:
    """It has no classes."""
    return AutoEncoderCIFAR(depth, 32, cifar10.MEAN, cifar10.STD)


def pruned_name(percent: float) -> str:
    """Of VGG-16 with so many percent of its parameters.

    >>> pruned_name(12.8)
    'vgg16-lookalikes-pruned-12.8'
    """
    return f"vgg16-lookalikes-pruned-{percent:g}"


# Percent of its parameters that VGG-16 keeps (Ma et al., ICML 2022, Fig. 7a); by depth, the convolutions of which one
# is cut (Fig. 8).
PRUNED = (38.0, 12.8, 8.0, 6.7)
LAST_TWO = {16: ("5-2", "5-3"), 19: ("5-3", "5-4")}
BIRD_OR_NOT = ("no bird", "bird")
# Of SqueezeNet's filters, so many are enough for ten classes.
SQUEEZENET_SHARE = 0.5
SEEDS = (1, 2)
# Of ResNet-32's sixteen epochs: more of them while it learns fast.
SNAPSHOTS = (1, 2, 3, 4, 6, 8, 11, 16)
# What a recipe can make, whether or not its weights are here; those that are ship, and are listed.
STUDIED: tuple[Spec, ...] = tuple(_studied())
EPOCHS: tuple[Spec, ...] = tuple(_epochs())

SHIPPED: tuple[Spec, ...] = (
    _cifar_resnet(20),
    _cifar_resnet(32),
    _cifar_resnet(44),
    _cifar_squeezenet(),
    _birds("alexnet", "AlexNet", "AlexNet", plain.alexnet),
    _birds("vgg16", "VGG", "VGG-16", plain.vgg16),
    _membranes(),
    *(one for spec in STUDIED for one in (spec, *_trained_anew(spec)) if one.available),
    *(spec for spec in EPOCHS if spec.available),
)
