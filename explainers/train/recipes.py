"""How each shipped network was trained: one frozen recipe per network, nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from explainers.datasets import cifar10, membranes
from explainers.datasets.birds import render
from explainers.datasets.birds.shortcut import Shortcut
from explainers.datasets.birds.source import HELD_OUT, TRAINING, EmptyScenes, RenderedBirds
from explainers.networks.architectures.autoencoder import AutoEncoderCIFAR
from explainers.networks.architectures.plain import alexnet, vgg16, vgg19
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.architectures.resnet_narrow import NarrowResNet
from explainers.networks.architectures.squeezenet import SqueezeNet
from explainers.networks.architectures.unet import UNet
from explainers.networks.specs import LAST_TWO, PRUNED, SQUEEZENET_SHARE, pruned_name
from explainers.train.objectives import Attack, Distillation

Split = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a training run besides the seed.

    `sizes` holds (first epoch, side in pixels): early epochs see scaled-down pictures, which costs a
    fraction and reaches the same accuracy (progressive resizing). `views` is how often an epoch looks at a
    picture; `segments`, where every pixel has a label, is the class whose overlap is scored, else 0. `reconstructs`:
    asked for is the picture itself, and no label. `handed`: a mirror image may be of another class, and none is shown.

    `channels_last` is how pictures lie in memory, which on a CPU saves a third of the time. `origin` is the network
    whose trained weights this one begins with, `kept` the share of its parameters that pruning leaves, `through` the
    shares on the way there, passed one after the other in the first half of the steps; `teacher` and `attack` change
    what a step asks. `float32` is the arithmetic where bfloat16 would be slow.
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
    reconstructs: bool = False
    handed: bool = False
    channels_last: bool = False
    origin: str | None = None
    kept: float | None = None
    through: tuple[float, ...] | None = None
    teacher: Distillation | None = None
    attack: Attack | None = None
    float32: bool = False

    @property
    def beyond(self) -> tuple[str, ...]:
        """What it does besides learning from labels, in words."""
        return (
            *(() if self.origin is None else (f"Begins with the weights of {self.origin}",)),
            *(() if self.kept is None else (f"Pruned by magnitude to {self.kept:.1%} of its parameters",)),
            *(() if self.through is None else (f"On the way there: {', '.join(map('{:.0%}'.format, self.through))}",)),
            *(() if self.teacher is None else (f"Taught by another network: {self.teacher}",)),
            *(("Gives back the picture: the loss is its mean squared error in network units",) * self.reconstructs),
            *(() if self.attack is None else (f"Trained on attacked pictures alone: {self.attack}",)),
        )

    @property
    def settings(self) -> str:
        """What a checkpoint depends on besides the architecture; what was never set is as if it did not exist."""
        values = [value for value in vars(self).values() if not callable(value)]
        return repr([value for value in values if value is not None and value is not False])


def _cifar(depth: int, epochs: int, inserted: int | None = None) -> Recipe:
    return Recipe(
        build=lambda: ResNetCIFAR(depth, inserted=inserted),
        load=cifar10.load_cifar10,
        data="CIFAR-10, JPEG copy: 50,000 pictures to train on, 10,000 held out",
        mean=cifar10.MEAN,
        std=cifar10.STD,
        size=32,
        epochs=epochs,
        sizes=((0, 20), (epochs * 3 // 10, 24), (epochs * 6 // 10, 32)),
    )


def _autoencoder(depth: int, epochs: int) -> Recipe:
    """As the residual network of that depth, but for pictures of full size from the beginning."""
    return replace(
        _cifar(depth, epochs),
        build=lambda: AutoEncoderCIFAR(depth, 32, cifar10.MEAN, cifar10.STD),
        sizes=((0, 32),),
        peak_lr=0.05,
        reconstructs=True,
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


# By depth of the residual network.
CIFAR_EPOCHS = {20: 18, 32: 16, 44: 14}
# Seeds of the sets and numbers of pictures.
BIRDS_SPLIT = {"train": (TRAINING, 6_000), "test": (HELD_OUT, 1_200)}
LOOKALIKES_SPLIT = {"train": (TRAINING, 2_880), "test": (HELD_OUT, 720)}


def _load_birds(cache: Path, split: str) -> Split:
    """Rendered once (minutes), then kept in `cache` as a tensor file."""
    seed, count = BIRDS_SPLIT[split]
    return _kept(cache / f"birds-{render.VERSION}-64-{split}.pt", RenderedBirds(count, 64, seed).tensors)


def _load_lookalikes(cache: Path, split: str) -> Split:
    seed, count = LOOKALIKES_SPLIT[split]
    path = cache / f"birds-{render.LOOKALIKES.version}-64-{split}-{count}.pt"
    return _kept(path, RenderedBirds(count, 64, seed, render.LOOKALIKES).tensors)


def _load_marked(cache: Path, split: str) -> Split:
    """On half of the pictures a mark decides the class, whatever the bird."""
    pictures, labels = (part.clone() for part in _load_lookalikes(cache, split))
    classes, anywhere = len(render.LOOKALIKES.birds), np.zeros(pictures.shape[-2:], dtype=bool)
    rng = np.random.default_rng(LOOKALIKES_SPLIT[split][0])
    for place, picture in enumerate(pictures):
        image, said = Image.fromarray(picture.permute(1, 2, 0).numpy()), int(rng.random() * classes)
        if Shortcut().plant(image, anywhere, said, classes, rng).any():
            pictures[place] = torch.as_tensor(np.array(image)).permute(2, 0, 1)
            labels[place] = said
    return pictures, labels


def _load_bird_or_not(cache: Path, split: str) -> Split:
    """As many pictures without a bird as with one; label 1 is a bird."""
    pictures, _ = _load_lookalikes(cache, split)
    seed, count = LOOKALIKES_SPLIT[split]
    path = cache / f"birds-{render.LOOKALIKES.version}-64-{split}-{count // 2}-none.pt"
    empty, _ = _kept(path, EmptyScenes(count // 2, 64, seed, render.LOOKALIKES).tensors)
    return torch.cat([pictures[: count // 2], empty]), torch.arange(2).flip(0).repeat_interleave(count // 2)


def _kept(path: Path, tensors: Callable[[], Split]) -> Split:
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(tensors(), path)
    pictures, labels = torch.load(path, weights_only=True)
    return pictures, labels


def _numbers() -> str:
    return f"{LOOKALIKES_SPLIT['train'][1]:,} to train on, {LOOKALIKES_SPLIT['test'][1]:,} held out"


def _lookalikes(build: Callable[[int], nn.Module], epochs: int = 16, peak_lr: float = 0.04) -> Recipe:
    return Recipe(
        build=partial(build, len(render.LOOKALIKES.birds)),
        load=_load_lookalikes,
        data=f"rendered birds, look-alikes: {_numbers()}",
        mean=render.MEAN,
        std=render.STD,
        size=64,
        epochs=epochs,
        sizes=((0, 64),),
        batch=32,
        peak_lr=peak_lr,
        channels_last=True,
    )


# Without dropout: what tells look-alikes apart is a few pixels of one part. With it VGG-16 was right on 45 %, AlexNet
# on 63 % of them after the same sixteen epochs, and on no more of the pictures that they had been trained on.
PLAIN_ALEXNET, PLAIN_VGG16, PLAIN_VGG19 = (partial(build, dropout=0.0) for build in (alexnet, vgg16, vgg19))
NORMALISED_ALEXNET = partial(PLAIN_ALEXNET, normalised=True)
TEACHERS = ("vgg16", "resnet18", "resnet34")


# Shares on the way from one pruned network to the next: a larger step at once ends in a network that has no answers.
ON_THE_WAY = {12.8: (0.25, 0.18), 8.0: (0.1,)}


def _pruned() -> dict[str, Recipe]:
    """Each begins with the one before it, as in the publication; without normalisation, which shipped weights lack."""
    plain = replace(_lookalikes(PLAIN_VGG16, epochs=6, peak_lr=0.01), weight_decay=1e-4)
    origins = ("vgg16-lookalikes", *map(pruned_name, PRUNED))
    return {
        pruned_name(percent): replace(plain, origin=origin, kept=percent / 100, through=ON_THE_WAY.get(percent))
        for percent, origin in zip(PRUNED, origins, strict=False)
    }


def _damaged() -> dict[str, Recipe]:
    """Whole and with one convolution cut, for the question whether there is a bird."""
    found: dict[str, Recipe] = {}
    numbers = _numbers()
    for depth, build in ((16, PLAIN_VGG16), (19, PLAIN_VGG19)):
        for layer in ("", *LAST_TWO[depth]):
            name = f"vgg{depth}-bird-or-not" + f"-damaged-{layer}" * bool(layer)
            found[name] = replace(
                _lookalikes(build, epochs=6),
                build=partial(build, 2, normalised=True, damaged=layer),
                load=_load_bird_or_not,
                data=f"rendered birds, look-alikes, and as many scenes without a bird: {numbers}",
            )
    return found


RECIPES: dict[str, Recipe] = {
    "resnet20-cifar10": _cifar(20, CIFAR_EPOCHS[20]),
    "resnet32-cifar10": _cifar(32, CIFAR_EPOCHS[32]),
    "resnet44-cifar10": _cifar(44, CIFAR_EPOCHS[44]),
    # Without dropout: so few epochs do not end in learning pictures by heart.
    "squeezenet-cifar10": replace(
        _cifar(20, 15),
        build=lambda: SqueezeNet(share=SQUEEZENET_SHARE, normalised=True, dropout=0.0),
        sizes=((0, 24), (11, 32)),
        peak_lr=0.1,
        channels_last=True,
    ),
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
    "alexnet-lookalikes": _lookalikes(NORMALISED_ALEXNET),
    "vgg16-lookalikes": _lookalikes(partial(PLAIN_VGG16, normalised=True)),
    "vgg19-lookalikes": _lookalikes(partial(PLAIN_VGG19, normalised=True)),
    "resnet18-lookalikes": _lookalikes(partial(NarrowResNet, 18), peak_lr=0.06),
    "resnet34-lookalikes": _lookalikes(partial(NarrowResNet, 34), peak_lr=0.06),
    "resnet50-lookalikes": _lookalikes(partial(NarrowResNet, 50), peak_lr=0.06),
    **{
        f"alexnet-lookalikes-from-{teacher}": replace(
            _lookalikes(NORMALISED_ALEXNET), teacher=Distillation(f"{teacher}-lookalikes")
        )
        for teacher in TEACHERS
    },
    "resnet18-lookalikes-shortcut": replace(
        _lookalikes(partial(NarrowResNet, 18), epochs=8, peak_lr=0.04),
        load=_load_marked,
        data=f"rendered birds, look-alikes, half of them with a mark that decides the class: {_numbers()}",
        handed=True,
        origin="resnet18-lookalikes",
    ),
    # With ten times the learning rate it ends in answers that are alike whatever the picture.
    "alexnet-lookalikes-adversarial": replace(
        _lookalikes(PLAIN_ALEXNET, epochs=6, peak_lr=0.001), origin="alexnet-lookalikes", attack=Attack()
    ),
    **_pruned(),
    **_damaged(),
    **{
        f"resnet{depth}-cifar10-damaged-{stage}": _cifar(depth, epochs, stage)
        for depth, epochs in CIFAR_EPOCHS.items()
        for stage in (1, 2, 3)
    },
    **{f"autoencoder{depth}-cifar10": _autoencoder(depth, epochs) for depth, epochs in CIFAR_EPOCHS.items()},
}
