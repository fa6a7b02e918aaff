"""Architectures beyond the registered ones, as the names and shapes in a weights file ask for them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from explainers.checkpoints.keys import Alignment, Expected, State
from explainers.checkpoints.load import expected_shapes
from explainers.datasets import cifar10
from explainers.networks.architectures.resized import resize
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.preprocessing import Preprocessing
from explainers.networks.specs import Spec
from explainers.networks.torchvision_specs import torchvision_spec

SMALL = Preprocessing(32, 32, cifar10.MEAN, cifar10.STD)
BLOCK = re.compile(r"(.*?)layer([1-4])\.(\d{1,3})\.conv1\.weight")
MOST_BLOCKS = 400
# Whose connections do not depend on their widths, as those of MobileNets do.
RESIZABLE = ("alexnet", "vgg", "resnet", "squeezenet", "googlenet", "densenet")
# Residual networks are made from their blocks, and RegNet cannot be built without memory.
OTHERS = ("resnet", "regnet")


@lru_cache(maxsize=256)
def expected_of(spec: Spec) -> Expected:
    """`expected_shapes`, remembered."""
    return expected_shapes(spec.build)


@lru_cache(maxsize=1)
def families() -> tuple[tuple[Spec, ...], ...]:
    """Torchvision's classifiers by family."""
    found: dict[str, list[str]] = {}
    for name in models.list_models(module=models):
        found.setdefault(models.get_model_builder(name).__module__.rpartition(".")[2], []).append(name)
    return tuple(tuple(map(torchvision_spec, names)) for family, names in found.items() if family not in OTHERS)


def residual_specs(state: State) -> Iterator[Spec]:
    """The residual networks that a file's blocks may be of, whatever their depth.

    Three stages are those of CIFAR's networks (He et al. 2016, section 4.2), four those of ImageNet's; of these a first
    convolution of 3×3 instead of 7×7 is for small pictures, with or without the max-pooling after it.
    """
    for prefix, stages in _stages(state).items():
        stem = state.get(f"{prefix}conv1.weight")
        counts = [stages.get(stage, 0) for stage in range(1, 5)]
        if stem is None or stem.dim() != 4 or sum(counts) > MOST_BLOCKS:
            continue
        if counts[3] == 0 and 0 < counts[0] == counts[1] == counts[2]:
            projected = any(f"{prefix}layer2.0.{name}.0.weight" in state for name in ("shortcut", "downsample"))
            yield _cifar(counts[0], len(stem), projected)
        elif all(counts):
            inner = state.get(f"{prefix}layer1.0.conv2.weight")
            if inner is not None and inner.dim() == 4 and inner.shape[1]:
                yield from _imagenet(counts, stem, inner, f"{prefix}layer1.0.conv3.weight" in state)


def small_vgg_specs(state: State) -> Iterator[Spec]:
    """VGG for small pictures: the convolutions of Simonyan and Zisserman's, and one fully connected layer."""
    if not any(key.endswith("classifier.weight") and value.dim() == 2 for key, value in state.items()):
        return
    for depth in (11, 13, 16, 19):
        for ending, words in (("", ""), ("_bn", " with batch normalisation")):
            yield Spec(
                name=f"vgg{depth}{ending}-small",
                family="VGG",
                title=f"VGG-{depth}{words} (one full layer)",
                data="unknown",
                build=partial(_small_vgg, f"vgg{depth}{ending}"),
                preprocessing=SMALL,
                classes=(),
            )


def _small_vgg(name: str, classes: int) -> nn.Module:
    net = models.get_model(name, weights=None)
    net.avgpool = nn.AdaptiveAvgPool2d(1)
    net.classifier = nn.Linear(512, classes)
    return net


def _stages(state: State) -> dict[str, dict[int, int]]:
    """By prefix, how many blocks each stage has."""
    found: dict[str, dict[int, int]] = {}
    for key in state:
        if len(key) < 200 and (match := BLOCK.fullmatch(key)):
            stages = found.setdefault(match[1], {})
            stages[int(match[2])] = max(stages.get(int(match[2]), 0), int(match[3]) + 1)
    return found


def _cifar(blocks: int, width: int, projected: bool) -> Spec:
    depth = 6 * blocks + 2
    words = [f"width {width}"] * (width != 16) + ["projected shortcuts"] * projected
    return Spec(
        name=f"resnet{depth}" + f"-width{width}" * (width != 16) + "-projected" * projected + "-cifar10",
        family="ResNet",
        title=f"ResNet-{depth}{_bracket(words)}, CIFAR-10",
        data="CIFAR-10",
        build=lambda classes: ResNetCIFAR(depth, classes, width, "B" if projected else "A"),
        preprocessing=SMALL,
        classes=cifar10.CLASSES,
        rename=partial(re.sub, r"\.downsample\.", ".shortcut."),
    )


def _imagenet(counts: list[int], stem: Tensor, inner: Tensor, bottleneck: bool) -> Iterator[Spec]:
    depth = sum(counts) * (3 if bottleneck else 2) + 2
    groups = len(inner) // inner.shape[1] if bottleneck else 1
    words = [f"{groups} groups"] * (groups > 1) + [f"inner width {len(inner)}"] * (
        bottleneck and len(inner) != len(stem)
    )
    # He et al.'s are known by their depth alone; blocks in other numbers are not.
    if tuple(counts) not in ((2, 2, 2, 2), (3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)):
        words.append("-".join(map(str, counts)) + " blocks")
    small = tuple(stem.shape[2:]) == (3, 3)
    base = torchvision_spec("resnet50", "ResNet", f"ResNet-{depth}")
    for pooled in (False, True) if small else (True,):
        kind = ["3×3 first convolution", "max-pooling" if pooled else "no max-pooling"] if small else []
        name = "-".join([f"resnet{depth}", *words] + ["small"] * small + ["pooled"] * (small and pooled))
        yield replace(
            base,
            name=name.replace(" ", "-"),
            title=f"ResNet-{depth}{_bracket([*words, *kind])}" + ("" if small else ", ImageNet"),
            data="unknown" if small else base.data,
            build=partial(_residual, bottleneck, tuple(counts), max(groups, 1), len(inner), small, pooled),
            preprocessing=SMALL if small else base.preprocessing,
            accuracy=None,
            rename=partial(re.sub, r"\.shortcut\.", ".downsample."),
        )


def _residual(
    bottleneck: bool, counts: tuple[int, ...], groups: int, inner: int, small: bool, pooled: bool, classes: int
) -> nn.Module:
    options: dict[str, Any] = {"groups": groups, "width_per_group": inner // groups} if bottleneck else {}
    block = Bottleneck if bottleneck else BasicBlock
    net = ResNet(block, list(counts), num_classes=classes, **options)
    if small:
        net.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        net.add_module("maxpool", net.maxpool if pooled else nn.Identity())
    return net


def resized_spec(spec: Spec, found: Alignment) -> Spec | None:
    """The architecture of `spec` with the widths of a file that has its names, but other shapes; None if none runs."""
    if not spec.name.startswith(RESIZABLE) or found.missing or found.unexpected or not found.misshapen:
        return None
    shapes = {key: tuple(value.shape) for key, value in found.state.items()}
    # How many classes there are is asked for, not read here.
    free = {key: shape.index(None) for key, shape in expected_of(spec).items() if None in shape and key in shapes}

    def build(classes: int) -> nn.Module:
        net = spec.build(classes)
        own = {key: tuple(value.shape) for key, value in net.state_dict().items() if key in free}
        heads = {
            key: tuple(own[key][i] if i == axis else length for i, length in enumerate(shapes[key]))
            for key, axis in free.items()
            if len(own[key]) == len(shapes[key])
        }
        return resize(net, shapes | heads)

    try:
        with torch.device("meta"):
            net = build(2).eval()
        # Torchvision's VGG and AlexNet that pool to one place before their full layers are for small pictures.
        full = isinstance(found.state.get("classifier.6.weight"), Tensor)
        flat = full and getattr(net.get_submodule("avgpool"), "output_size", None) == (1, 1)
        pre = SMALL if flat else spec.preprocessing
        net(torch.empty(1, 3, pre.crop, pre.crop, device="meta"))
    except (ValueError, RuntimeError, AttributeError):
        return None
    title, _, data = spec.title.partition(", ")
    return replace(
        spec,
        name=f"{spec.name}-widths",
        title=f"{title} with the file's own widths" + f", {data}" * bool(data),
        build=build,
        preprocessing=pre,
        accuracy=None,
    )


def _bracket(words: list[str]) -> str:
    return f" ({'; '.join(words)})" if words else ""
