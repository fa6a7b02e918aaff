"""The decoder that belongs to a rescaled network."""

import torch
from torch import Tensor, nn


class RescaledDecoder(nn.Module):
    """g(s · f), with g the decoder of a layer before its channels were divided by s.

    The rescaled network gives the feature f/s, and its decoder is the one that makes of it what g made of f: retraining
    g on the rescaled feature would find this very function. `scale` (channels,) holds s for each channel.

    >>> decoder = RescaledDecoder(nn.Flatten(), torch.tensor([4.0, 1.0]))
    >>> decoder(torch.tensor([[1.0, 2.0, 3.0, 5.0]])).tolist()
    [[4.0, 8.0, 3.0, 5.0]]
    """

    scale: Tensor

    def __init__(self, decoder: nn.Module, scale: Tensor) -> None:
        super().__init__()
        self.decoder = decoder
        self.register_buffer("scale", scale.reshape(-1, 1))

    def forward(self, feature: Tensor) -> Tensor:
        """Feature rows (B, D), channel behind channel, to pictures."""
        rows = torch.unflatten(feature, 1, (len(self.scale), -1))
        return self.decoder((rows * self.scale).flatten(1))

    def picture(self, x: Tensor) -> Tensor:
        """What the decoder should give for inputs x."""
        picture = getattr(self.decoder, "picture", None)
        return x if picture is None else picture(x)
