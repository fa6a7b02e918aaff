"""ImageNet classifiers of torchvision, described from its own weights records."""

import re
from collections.abc import Callable

from torch import nn
from torchvision import models

from explainers.networks.preprocessing import Preprocessing
from explainers.networks.specs import Spec

TITLES = {
    "alexnet": ("AlexNet", "AlexNet"),
    "vgg16": ("VGG", "VGG-16"),
    "vgg19": ("VGG", "VGG-19"),
    "vgg16_bn": ("VGG", "VGG-16 with batch normalisation"),
    "resnet18": ("ResNet", "ResNet-18"),
    "resnet34": ("ResNet", "ResNet-34"),
    "resnet50": ("ResNet", "ResNet-50"),
    "squeezenet1_1": ("SqueezeNet", "SqueezeNet 1.1"),
    "googlenet": ("GoogLeNet", "GoogLeNet"),
    "densenet121": ("DenseNet", "DenseNet-121"),
    "mobilenet_v3_large": ("MobileNet", "MobileNetV3 large"),
    "efficientnet_b0": ("EfficientNet", "EfficientNet-B0"),
    "convnext_tiny": ("ConvNeXt", "ConvNeXt tiny"),
    "vit_b_16": ("Vision Transformer", "ViT-B/16"),
}
# As torchvision does with its own weights: inputs re-normalised, the auxiliary heads of training left out.
OPTIONS = {
    "googlenet": {"transform_input": True, "aux_logits": False, "init_weights": False},
    "inception_v3": {"transform_input": True, "aux_logits": False, "init_weights": False},
}
DENSE_LAYER = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")


def specs() -> tuple[Spec, ...]:
    """One per network; the weights are torchvision's first for ImageNet, which are the papers' recipes."""
    return tuple(torchvision_spec(name, family, title) for name, (family, title) in TITLES.items())


def torchvision_spec(name: str, family: str = "", title: str = "") -> Spec:
    """Any of torchvision's classifiers, described from the first of its weights records."""
    weights = next(iter(models.get_model_weights(name)))
    preset = weights.transforms()
    return Spec(
        name=name,
        family=family or name,
        title=f"{title or name}, ImageNet",
        data="ImageNet-1K",
        build=_builder(name),
        preprocessing=Preprocessing(
            resize=preset.resize_size[0],
            crop=preset.crop_size[0],
            mean=tuple(preset.mean),
            std=tuple(preset.std),
            interpolation=preset.interpolation,
        ),
        classes=tuple(weights.meta["categories"]),
        url=weights.url,
        size=round(weights.meta["_file_size"] * 2**20),
        accuracy=weights.meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100,
        accuracy_note="top-1 on ImageNet's validation pictures, as published with the weights",
        rename=_rename,
    )


def _builder(name: str) -> Callable[[int], nn.Module]:
    def build(classes: int) -> nn.Module:
        return models.get_model(name, weights=None, num_classes=classes, **OPTIONS.get(name, {}))

    return build


def _rename(key: str) -> str | None:
    """Today's key for one of the stored files.

    >>> _rename("features.denseblock1.denselayer2.norm.1.weight"), _rename("aux1.fc1.bias"), _rename("fc.bias")
    ('features.denseblock1.denselayer2.norm1.weight', None, 'fc.bias')
    """
    return None if re.match(r"aux[12]\.|AuxLogits\.", key) else DENSE_LAYER.sub(r"\1\2", key)
