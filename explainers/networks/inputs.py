"""The pictures that are explained, checked once."""

import torch
from torch import Tensor


def check_inputs(inputs: object) -> None:
    """Raises ValueError for anything but finite floating-point pictures (B, C, H, W)."""
    if not isinstance(inputs, Tensor):
        raise ValueError(f"expected one tensor of pictures (B, C, H, W), got a {type(inputs).__name__}")
    if inputs.layout != torch.strided or inputs.device.type == "meta":
        kind = "one without values" if inputs.layout == torch.strided else "a sparse one"
        raise ValueError(f"expected a dense tensor of pictures (B, C, H, W), got {kind}")
    if inputs.dim() == 4 and not inputs.numel():
        raise ValueError(f"expected at least one picture, got none: a tensor of shape {tuple(inputs.shape)}")
    if inputs.dim() != 4 or not inputs.is_floating_point():
        got = f"{inputs.dtype} of shape {tuple(inputs.shape)}"
        raise ValueError(f"expected floating-point pictures of shape (B, C, H, W), got {got}")
    if not inputs.isfinite().all():
        raise ValueError("expected finite pixel values, got NaN or infinity in the picture")
