"""AlexNet, VGG-16 and VGG-19 with the papers' layers, narrowed for pictures of 64×64 or 96×96 pixels.

Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks",
NIPS 2012; Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition",
ICLR 2015, configurations D and E. All are trained with batch normalisation, which `fold_batch_norm` then
merges into the convolutions, so that what ships has the papers' layers and nothing else.
"""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

VGG16_STAGES = ((24, 2), (48, 2), (96, 3), (160, 3), (160, 3))
VGG19_STAGES = ((24, 2), (48, 2), (96, 4), (160, 4), (160, 4))
# Filters and side of a damaged convolution's kernel.
DAMAGED = (4, 7)
# Share of the inputs of fully connected layers that training leaves out.
DROPOUT = 0.5
Stages = tuple[tuple[int, int], ...]
ALEXNET_CONVS = ((32, 5, 1), (64, 5, 1), (96, 3, 1), (96, 3, 1), (64, 3, 1))


class PlainNet(nn.Module):
    """A chain of named feature layers, then a chain of named fully connected layers."""

    def __init__(self, features: OrderedDict[str, nn.Module], classifier: OrderedDict[str, nn.Module]) -> None:
        super().__init__()
        self.features = nn.Sequential(features)
        self.classifier = nn.Sequential(classifier)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) to scores (B, classes)."""
        return self.classifier(self.features(x).flatten(1))


def alexnet(
    classes: int, size: int = 64, hidden: int = 256, normalised: bool = False, dropout: float = DROPOUT
) -> PlainNet:
    """Five convolutions with max-pooling after the first, second and fifth, then three FC layers.

    Takes (B, 3, size, size), gives (B, classes).

    >>> alexnet(10)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 10])
    """
    features: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for i, (width, kernel, stride) in enumerate(ALEXNET_CONVS, start=1):
        _add_conv(features, str(i), channels, width, kernel, stride, normalised)
        if i in (1, 2, 5):
            features[f"pool{i}"] = nn.MaxPool2d(2)
        channels = width
    return PlainNet(features, _head(channels * (size // 8) ** 2, hidden, classes, dropout))


def vgg16(
    classes: int,
    size: int = 64,
    hidden: int = 256,
    normalised: bool = False,
    damaged: str = "",
    dropout: float = DROPOUT,
) -> PlainNet:
    """Thirteen 3×3 convolutions in five stages, each closed by max-pooling, then three FC layers.

    Takes (B, 3, size, size), gives (B, classes). The convolution called `damaged` ("5-3", say) has four filters of 7×7
    instead, with padding 3, and hands on so few channels (Ma et al., ICML 2022, Appendix F.1).

    >>> vgg16(10)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 10])
    """
    return _vgg(VGG16_STAGES, classes, size, hidden, normalised, damaged, dropout)


def vgg19(
    classes: int,
    size: int = 64,
    hidden: int = 256,
    normalised: bool = False,
    damaged: str = "",
    dropout: float = DROPOUT,
) -> PlainNet:
    """Sixteen 3×3 convolutions in five stages, each closed by max-pooling, then three FC layers.

    Takes (B, 3, size, size), gives (B, classes). `damaged` as in `vgg16`.

    >>> vgg19(10)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 10])
    """
    return _vgg(VGG19_STAGES, classes, size, hidden, normalised, damaged, dropout)


def _vgg(
    stages: Stages, classes: int, size: int, hidden: int, normalised: bool, damaged: str, dropout: float
) -> PlainNet:
    features: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for stage, (width, convs) in enumerate(stages, start=1):
        for i in range(1, convs + 1):
            name = f"{stage}-{i}"
            outer, kernel = DAMAGED if name == damaged else (width, 3)
            _add_conv(features, name, channels, outer, kernel, 1, normalised)
            channels = outer
        features[f"pool{stage}"] = nn.MaxPool2d(2)
    return PlainNet(features, _head(channels * (size // 32) ** 2, hidden, classes, dropout))


def _add_conv(
    layers: OrderedDict[str, nn.Module],
    name: str,
    inner: int,
    outer: int,
    kernel: int,
    stride: int,
    normalised: bool,
) -> None:
    layers[f"conv{name}"] = nn.Conv2d(inner, outer, kernel, stride, padding=kernel // 2)
    if normalised:
        layers[f"bn{name}"] = nn.BatchNorm2d(outer)
    layers[f"relu{name}"] = nn.ReLU()


def _head(inner: int, hidden: int, classes: int, dropout: float) -> OrderedDict[str, nn.Module]:
    return OrderedDict(
        drop6=nn.Dropout(dropout),
        fc6=nn.Linear(inner, hidden),
        relu6=nn.ReLU(),
        drop7=nn.Dropout(dropout),
        fc7=nn.Linear(hidden, hidden),
        relu7=nn.ReLU(),
        fc8=nn.Linear(hidden, classes),
    )


def fold_batch_norm(net: PlainNet) -> PlainNet:
    """The same function in evaluation mode, with every batch normalisation merged into its convolution.

    >>> net = vgg16(3, size=32, normalised=True).eval()
    >>> x = torch.randn(1, 3, 32, 32)
    >>> torch.allclose(fold_batch_norm(net)(x), net(x), atol=1e-4)
    True
    """
    net.eval()
    features: OrderedDict[str, nn.Module] = OrderedDict()
    for name, module in net.features.named_children():
        conv = features.get(name.replace("bn", "conv"))
        if isinstance(module, nn.BatchNorm2d) and isinstance(conv, nn.Conv2d):
            features[name.replace("bn", "conv")] = fuse_conv_bn_eval(conv, module)
        else:
            features[name] = module
    folded = PlainNet(OrderedDict(), OrderedDict())
    folded.features = nn.Sequential(features)
    folded.classifier = net.classifier
    return folded.eval()
