"""SqueezeNet 1.1 for pictures of 32×32 pixels.

Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size",
arXiv:1602.07360v4, with the changes of its authors' version 1.1; the fire modules are torchvision's. The first
convolution has stride 1 and no pooling follows it, as such small pictures ask for: the last fire modules see 8×8
places. It is trained with batch normalisation, which `fold_fires` then merges into the convolutions.
"""

from collections import OrderedDict
from copy import deepcopy

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.squeezenet import Fire

# Filters of the squeezing convolution and of either expanding one, from fire2 to fire9.
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
STEM = 64
# Fire modules by number that are followed by max-pooling.
POOLED = (3, 5)


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1 of `share` times its filters: pictures (B, 3, H, W) to scores (B, classes).

    >>> SqueezeNet(share=0.5)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, classes: int = 10, share: float = 1.0, normalised: bool = False, dropout: float = 0.5) -> None:
        super().__init__()
        inner = int(share * STEM)
        features: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=_normalised(nn.Conv2d(3, inner, 3, padding=1), normalised), relu1=nn.ReLU()
        )
        for number, (squeezed, expanded) in enumerate(FIRES, start=2):
            outer = int(share * expanded)
            features[f"fire{number}"] = _fire(Fire(inner, int(share * squeezed), outer, outer), normalised)
            inner = 2 * outer
            if number in POOLED:
                features[f"pool{number}"] = _pool()
        self.features = nn.Sequential(features)
        self.classifier = nn.Sequential(
            OrderedDict(
                drop9=nn.Dropout(dropout),
                conv10=nn.Conv2d(inner, classes, 1),
                relu10=nn.ReLU(),
                avgpool=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
            )
        )
        # Also the last convolution, which torchvision begins with far smaller weights: scores above zero soon matter.
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) to scores (B, classes)."""
        return self.classifier(self.features(x))


def _pool() -> nn.Module:
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def _normalised(conv: nn.Conv2d, normalised: bool) -> nn.Module:
    return nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels)) if normalised else conv


def _fire(fire: Fire, normalised: bool) -> Fire:
    for name in ("squeeze", "expand1x1", "expand3x3"):
        fire.add_module(name, _normalised(getattr(fire, name), normalised))
    return fire


def fold_fires(net: SqueezeNet) -> SqueezeNet:
    """The same function in evaluation mode, with every batch normalisation merged into its convolution.

    >>> net = SqueezeNet(share=0.25, normalised=True).eval()
    >>> x = torch.randn(1, 3, 32, 32)
    >>> torch.allclose(fold_fires(net)(x), net(x), atol=1e-4)
    True
    """
    folded = deepcopy(net).eval()
    for parent in list(folded.modules()):
        for name, part in list(parent.named_children()):
            match list(part.children()):
                case [nn.Conv2d() as conv, nn.BatchNorm2d() as norm]:
                    parent.add_module(name, fuse_conv_bn_eval(conv, norm))
                case _:
                    pass
    return folded
