from enum import Enum

from torch import Tensor

class ImageReadMode(Enum):
    UNCHANGED = "UNCHANGED"
    GRAY = "GRAY"
    RGB = "RGB"

def decode_image(input: Tensor | str, mode: ImageReadMode = ...) -> Tensor: ...
