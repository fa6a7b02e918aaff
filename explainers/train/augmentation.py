"""Random views of training pictures, all drawn from one generator."""

import torch
from torch import Tensor
from torch.nn import functional as F

CONTRAST, BRIGHTNESS = 0.25, 0.1


def shifted(x: Tensor, padding: int, generator: torch.Generator, flips: bool = True) -> Tensor:
    """Crops of the reflected-padded pictures (B, C, H, W) and horizontal flips if wanted, one draw per picture."""
    count, _, height, width = x.shape
    padded = F.pad(x, (padding, padding, padding, padding), mode="reflect")
    top, left = torch.randint(0, 2 * padding + 1, (2, count, 1), generator=generator)
    flip = (torch.rand(count, 1, generator=generator) < 0.5) & flips
    columns = torch.arange(width)
    columns = torch.where(flip, width - 1 - columns, columns) + left
    rows = torch.arange(height) + top
    index = torch.arange(count).view(-1, 1, 1)
    cropped = padded.permute(0, 2, 3, 1)[index, rows.unsqueeze(2), columns.unsqueeze(1)]
    return cropped.permute(0, 3, 1, 2)


def cut_out(x: Tensor, labels: Tensor, side: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Squares of `side` pixels of pictures (B, C, H, W) in 0..1 with their labels (B, H, W).

    Each is mirrored and turned at random, the label with it, and the picture's contrast and brightness changed:
    which way tissue lies and how dark it was printed says nothing of what is a membrane.
    """
    pictures: list[Tensor] = []
    targets: list[Tensor] = []
    for picture, label in zip(x, labels, strict=True):
        top, left, turns, mirror = (int(torch.randint(n, (), generator=generator)) for n in _choices(label, side))
        window = (..., slice(top, top + side), slice(left, left + side))
        views = [part[window].rot90(turns, (-2, -1)) for part in (picture, label)]
        views = [view.flip(-1) for view in views] if mirror else views
        gain, offset = map(float, 2 * torch.rand(2, generator=generator) - 1)
        view = (views[0] - 0.5) * (1 + CONTRAST * gain) + 0.5 + BRIGHTNESS * offset
        pictures.append(view.clamp(0, 1))
        targets.append(views[1])
    # Channels last halves the time of the first convolutions on a CPU.
    return torch.stack(pictures).contiguous(memory_format=torch.channels_last), torch.stack(targets)


def _choices(label: Tensor, side: int) -> tuple[int, int, int, int]:
    """How many places from the top and from the left, quarter turns, and mirror images there are."""
    return label.shape[0] - side + 1, label.shape[1] - side + 1, 4, 2
