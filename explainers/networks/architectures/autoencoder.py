"""Auto-encoders that share a residual network's body.

The encoder is every layer before the fully connected one, the decoder that of RU (Ma et al., 2019, arXiv:1906.04109v1,
section 5): what the body keeps is judged by the picture that can be made of it, not by a class.
"""

from torch import Tensor

from explainers.networks.architectures.decoder import Decoder
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR


class AutoEncoderCIFAR(ResNetCIFAR):
    """The body of a `ResNetCIFAR` of `depth`, up to its pooled feature, and a decoder in the place of the last layer.

    Takes (B, 3, side, side) in network units, (pixels − mean) / std; gives pictures (B, 3, side, side) in [0, 1].

    >>> AutoEncoderCIFAR(20)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 3, 32, 32])
    """

    def __init__(
        self,
        depth: int,
        side: int = 32,
        mean: tuple[float, ...] = (0.0, 0.0, 0.0),
        std: tuple[float, ...] = (1.0, 1.0, 1.0),
    ) -> None:
        super().__init__(depth)
        width = self.fc.in_features
        del self.fc
        self.decoder = Decoder((width,), (side, side), mean=mean, std=std)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures in network units to pictures in [0, 1]."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.decoder(self.flatten(self.avgpool(x)))
