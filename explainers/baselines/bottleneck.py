"""Information Bottleneck Attribution: how many bits of each pixel a layer must let through for the decision.

Schulz, Sixt, Tombari, Landgraf, "Restricting the flow: information bottlenecks for attribution", ICLR 2020, the
per-sample form. Noise replaces part of the layer's feature R,

    Z = λ R + (1 − λ) ε,   ε ~ N(μ_R, σ_R²),   λ = blur(sigmoid(α)),

and α is found for one picture by minimising −log p(target | Z) + β · mean KL(P(Z|R) ‖ N(μ_R, σ_R²)). The map is
that divergence, an upper bound of the information that is let through, summed over channels.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explainers.baselines.case import Case, enlarge
from explainers.baselines.layer import Mark, keep_output, mark
from explainers.randomness import Randomness, normal

LEAST_STD = 0.01


@dataclass(frozen=True)
class BottleneckSettings:
    """The paper's values: table 1 and section 4.1; `blur` in cells of the feature map, `copies` per step."""

    beta: float = 10.0
    alpha: float = 5.0
    rate: float = 1.0
    steps: int = 10
    copies: int = 10
    blur: float = 1.0
    seed: int = 0


def capacity(deviation: Tensor, kept: Tensor, replaced: Tensor) -> Tensor:
    """KL(N(λ r, (1 − λ)²) ‖ N(0, 1)) in nats for the standardised feature r (Eq. 6), element by element.

    deviation r, kept λ and replaced 1 − λ have one shape.

    >>> capacity(torch.tensor(3.0), torch.tensor(0.0), torch.tensor(1.0)).item()
    0.0
    """
    return (kept.square() * deviation.square() + replaced.square() - 1) / 2 - replaced.log()


def blur(weights: Tensor, std: float) -> Tensor:
    """Gaussian smoothing of (B, C, h, w) over positions, cut off at two standard deviations; edges are repeated.

    >>> blur(torch.full((1, 2, 3, 3), 0.25), 1.0).unique()
    tensor([0.2500])
    """
    if std <= 0:
        return weights
    reach = round(2 * std)
    offsets = torch.arange(-reach, reach + 1, device=weights.device, dtype=weights.dtype)
    kernel = torch.exp(-offsets.square() / (2 * std**2))
    kernel = kernel / kernel.sum()
    maps = F.pad(weights.flatten(0, 1)[:, None], (reach,) * 4, mode="replicate")
    smooth = F.conv2d(F.conv2d(maps, kernel[None, None, :, None]), kernel[None, None, None, :])
    return smooth.view_as(weights)


def bottleneck(
    case: Case, settings: BottleneckSettings = BottleneckSettings(), reference: Tensor | None = None
) -> Tensor:
    """Bits per pixel, (B, 1, H, W); each map sums to the bits that the whole layer lets through.

    reference (N, C, H, W), N > 1, are pictures from which the mean and standard deviation of each element of the
    feature are estimated, as in the paper. Without them both are those of the channel over the positions of
    the picture itself. Standard deviations below a hundredth of their mean are raised to that.
    """
    maps: list[Tensor] = []
    for one in case.each():
        scores = one.plain()
        marker = mark(scores.net, one)
        statistics = _statistics(scores, marker, one.inputs if reference is None else reference.to(one.inputs))
        bits = _bits(scores, marker, one, statistics, settings)
        cells, pixels = bits.shape[-1] * bits.shape[-2], one.size[0] * one.size[1]
        maps.append(enlarge(bits, one.size) * (cells / pixels))
    return torch.cat(maps)


def _statistics(scores: nn.Module, marker: Mark, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the feature, each (1, C, h, w) or (1, C, 1, 1)."""
    feature = _feature(scores, marker, pictures)
    axes = (0,) if len(pictures) > 1 else (0, 2, 3)
    std, mean = torch.std_mean(feature, axes, correction=0, keepdim=True)
    return mean, std.clamp(min=LEAST_STD * float(std.mean()) or 1.0)


def _feature(scores: nn.Module, marker: Mark, pictures: Tensor) -> Tensor:
    kept, keeping = keep_output(marker)
    with torch.no_grad():
        for chunk in torch.split(pictures, 16):
            scores(chunk)
    keeping.remove()
    return torch.cat(kept)


def _bits(
    scores: nn.Module, marker: Mark, one: Case, statistics: tuple[Tensor, Tensor], settings: BottleneckSettings
) -> Tensor:
    """(1, 1, h, w) bits in each cell of the feature map, after the descent on α."""
    mean, std = statistics
    deviation = (_feature(scores, marker, one.inputs) - mean) / std
    alpha = torch.full_like(deviation, settings.alpha).requires_grad_()
    optimiser = _adam(alpha, settings.rate)
    noise = Randomness(settings.seed)("bottleneck")
    pictures, target = one.inputs.expand(settings.copies, -1, -1, -1), one.goal().expand(settings.copies)
    passed: list[Tensor] = []
    marker.register_forward_hook(lambda module, args, output: passed.pop())
    for _ in range(settings.steps):
        kept, replaced = _gates(alpha, settings.blur)
        draws = normal(settings.copies, *deviation.shape[1:], like=deviation, generator=noise)
        passed.append(mean + std * (kept * deviation + replaced * draws))
        found = scores(pictures)
        if found.shape[1] == 1:
            raise ValueError(
                "expected a network with at least two classes to tell apart, got one; choose another method"
            )
        loss = F.cross_entropy(found, target)
        loss = loss + settings.beta * capacity(deviation, kept, replaced).mean()
        alpha.grad = torch.autograd.grad(loss, alpha)[0]
        optimiser.step()
    with torch.no_grad():
        return capacity(deviation, *_gates(alpha, settings.blur)).sum(1, keepdim=True) / math.log(2)


def _adam(values: Tensor, rate: float) -> torch.optim.Optimizer:
    return torch.optim.Adam([values], lr=rate)


def _gates(alpha: Tensor, std: float) -> tuple[Tensor, Tensor]:
    """λ and 1 − λ, the second without the rounding of a difference."""
    return blur(alpha.sigmoid(), std), blur((-alpha).sigmoid(), std)
