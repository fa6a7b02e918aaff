"""Functions small enough to see through, pictures of walls, and the best linear decoder of either."""

import torch
from torch import Tensor, nn

SIDE = 8
IGNORED = (3, 4)


class IgnoreOne(nn.Module):
    """h(x) = all pixels but the one at `IGNORED`: (B, 3, 8, 8) -> (B, 189).

    >>> IgnoreOne()(torch.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 189])
    """

    used: Tensor

    def __init__(self) -> None:
        super().__init__()
        used = torch.ones(3, SIDE, SIDE, dtype=torch.bool)
        used[:, *IGNORED] = False
        self.register_buffer("used", used.flatten().nonzero()[:, 0])

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, self.used]


class Sum(nn.Module):
    """h(x) = Σ_i x_i: (B, 3, 8, 8) -> (B, 1).

    >>> Sum()(torch.ones(2, 3, 8, 8)).tolist()
    [[192.0], [192.0]]
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ x.new_ones(x[0].numel(), 1)


def walls(count: int, roughness: float, generator: torch.Generator) -> Tensor:
    """White walls (count, 3, 8, 8) in [0, 1]: a brightness, light from one side, and plaster of that roughness."""
    place = torch.linspace(-1, 1, SIDE)
    brightness = 0.8 + 0.1 * torch.rand(count, 1, 1, generator=generator)
    slope = 0.05 * torch.randn(count, 2, 1, 1, generator=generator)
    plaster = roughness * torch.randn(count, SIDE, SIDE, generator=generator)
    wall = brightness + slope[:, 0] * place[:, None] + slope[:, 1] * place + plaster
    return wall.clamp(0, 1)[:, None].repeat(1, 3, 1, 1)


def linear_decoder(h: nn.Module, pictures: Tensor, ridge: float = 1e-6) -> nn.Sequential:
    """g(f) = Wf + b with the least squared error over `pictures` (N, 3, 8, 8); gives pictures back.

    `ridge` holds W where the features of the pictures leave it open, as a share of their mean square.

    >>> x = walls(50, 0.0, torch.Generator().manual_seed(0))
    >>> bool(torch.allclose(linear_decoder(nn.Flatten(), x)(x.flatten(1)), x, atol=1e-3))
    True
    """
    with torch.no_grad():
        features, targets = h(pictures).double(), pictures.flatten(1).double()
        mean_feature, mean_target = features.mean(0), targets.mean(0)
        centred = features - mean_feature
        gram = centred.T @ centred
        gram += ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
        weight = torch.linalg.solve(gram, centred.T @ (targets - mean_target)).T
        layer = nn.Linear(weight.shape[1], weight.shape[0])
        layer.weight.copy_(weight)
        layer.bias.copy_(mean_target - weight @ mean_feature)
    return nn.Sequential(layer, nn.Unflatten(1, pictures.shape[1:])).eval().requires_grad_(False)
