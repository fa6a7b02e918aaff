"""From a picture to a network's input and back: the shorter side scaled, the centre cut out, normalised."""

from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transforms

# A longer strip is cut to this many times its width first, so that scaling it up cannot fill the memory.
LONGEST = 4


@dataclass(frozen=True)
class Preprocessing:
    """`resize` is the shorter side in pixels before a square of `crop` is cut out, mean and std are of 0..1."""

    resize: int
    crop: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: InterpolationMode = InterpolationMode.BILINEAR

    def cut(self, image: Image.Image, interpolation: InterpolationMode | None = None) -> Image.Image:
        """The square that the network sees, in the mode of `image`; "nearest" keeps a mask a mask.

        >>> Preprocessing(256, 224, (0.5,) * 3, (0.25,) * 3).cut(Image.new("RGB", (600, 400))).size
        (224, 224)
        """
        longest = LONGEST * min(image.size)
        if max(image.size) > longest:
            image = transforms.center_crop(image, [min(image.height, longest), min(image.width, longest)])
        scaled = transforms.resize(image, [self.resize], interpolation or self.interpolation)
        return transforms.center_crop(scaled, [self.crop])

    def tensor(self, image: Image.Image) -> Tensor:
        """(3, crop, crop) in network units: (x − mean) / std per channel."""
        values = transforms.to_tensor(self.cut(image.convert("RGB")))
        return transforms.normalize(values, list(self.mean), list(self.std))

    def picture(self, x: Tensor) -> Image.Image:
        """The picture of a (3, H, W) tensor in network units; what lies outside 0..255 is clipped.

        >>> pre = Preprocessing(8, 8, (0.5,) * 3, (0.25,) * 3)
        >>> pre.picture(pre.tensor(Image.new("RGB", (8, 8), (10, 200, 31)))).getpixel((3, 3))
        (10, 200, 31)
        """
        mean, std = (torch.tensor(v, dtype=x.dtype, device=x.device).view(3, 1, 1) for v in (self.mean, self.std))
        values = ((x.detach() * std + mean).clamp(0, 1) * 255).round().to(torch.uint8)
        return transforms.to_pil_image(values.cpu())
