"""Slow, obvious reference versions, in float64, of what the library does fast."""

import math

import torch
from torch import Tensor

from explainers.cid.jacobian import squared_products
from explainers.randomness import random_signs

ENTROPY_CONSTANT = 0.5 * math.log(2 * math.pi * math.e)


def jacobian(h, x: Tensor) -> Tensor:
    """∂h/∂x of one picture x (1, C, H, W), row by row: (D, C, H, W)."""
    x = x.detach().double().requires_grad_(True)
    f = h(x)[0]
    return torch.stack([torch.autograd.grad(entry, x, retain_graph=True)[0][0] for entry in f])


def exact_square_columns(h, x: Tensor, rows: int = 64) -> Tensor:
    """G for every input variable, exactly: (B, C, H, W) -> (B, C, H, W). D backward passes per picture.

    >>> A = torch.tensor([[3.0, 0.0], [4.0, 1.0]])
    >>> exact_square_columns(lambda x: x.flatten(1) @ A.T, torch.zeros(1, 1, 1, 2)).flatten()
    tensor([25.,  1.])
    """
    with torch.no_grad():
        size = h(x).shape[1]
    total = torch.zeros_like(x)
    for part in torch.split(torch.eye(size, dtype=x.dtype, device=x.device), rows):
        repeated = x.repeat(len(part), 1, 1, 1)
        products = squared_products(h, repeated, part.repeat_interleave(len(x), 0))
        total += torch.unflatten(products, 0, (len(part), len(x))).sum(0)
    return total


def probe_square_columns(h, x: Tensor, probes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """G for every input variable from ±1 probes, and the standard error of that: both (B, C, H, W).

    >>> h = lambda x: x.flatten(1) * torch.tensor([1.0, 2.0])
    >>> probe_square_columns(h, torch.zeros(1, 1, 1, 2), 8, torch.Generator())[0].flatten()
    tensor([1., 4.])
    """
    with torch.no_grad():
        size = h(x).shape[1]
    v = random_signs(probes, size, like=x, generator=generator)
    products = torch.stack([squared_products(h, x, row.expand(len(x), -1)) for row in v])
    return products.mean(0), products.std(0) / probes**0.5


def linear_entropy(columns: Tensor, beta: float) -> Tensor:
    """The CID map of h(x) = Ax on cells with G = `columns` (rows, columns), in nats; +inf where G is zero."""
    entropy = torch.full_like(columns, math.inf)
    used = columns > 0
    energy = beta * columns.sum()
    for place in used.nonzero():
        sigma2 = energy / (used.sum() * columns[tuple(place)])
        entropy[tuple(place)] = 0.5 * math.log(sigma2) + ENTROPY_CONSTANT
    return entropy


def energy(h, x: Tensor, sigma: Tensor, samples: int, seed: int) -> Tensor:
    """‖h(x+σ∘δ) − h(x)‖² for one picture and σ broadcastable to it: (samples,)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        f = h(x)
        noise = torch.randn(samples, *x.shape[1:], generator=generator, dtype=x.dtype)
        return torch.cat([(h(x + sigma * part) - f).square().sum(1) for part in noise.split(64)])


def entropy_at_constraint(h, x: Tensor, log_sigma: Tensor, target: float, samples: int = 512, seed: int = 7) -> float:
    """Mean entropy after σ (1, 1, H, W) is scaled so that E‖f'−f‖² = target on fresh noise: higher is better."""
    shift = 0.0
    for _ in range(6):
        reached = energy(h, x, (log_sigma + shift).exp(), samples, seed).mean().item()
        shift += 0.5 * math.log(target / reached)
    return log_sigma.mean().item() + shift + ENTROPY_CONSTANT


def linear_reconstruction(jacobian: Tensor, own: Tensor, columns: Tensor, budget: float) -> tuple[Tensor, float]:
    """σ² that maximises mean ½ log(b² + A²σ²) where Σ σ²G = `budget`, and that mean, by plain gradient ascent.

    `jacobian` is A (n, n), `own` b (n,), `columns` G (n,), all of one picture and float64.
    """
    logits = torch.zeros_like(columns, requires_grad=True)
    optimizer = torch.optim.Adam([logits], 0.05)

    def value() -> tuple[Tensor, Tensor]:
        sigma2 = logits.softmax(0) * budget / columns
        return sigma2, 0.5 * (own.square() + jacobian.square() @ sigma2).log().mean()

    for _ in range(4000):
        optimizer.zero_grad()
        (-value()[1]).backward()
        optimizer.step()
    sigma2, best = value()
    return sigma2.detach(), best.item()


def water_filling(own: Tensor, columns: Tensor, budget: float) -> Tensor:
    """The optimal E(x − x̂')² where every pixel is decoded from itself alone: max(b², ν/G) for the ν that fits."""
    low, high = 0.0, budget + float((own.square() * columns).max())
    for _ in range(200):
        level = (low + high) / 2
        used = (level - own.square() * columns).clamp_min(0).sum().item()
        low, high = (level, high) if used < budget else (low, level)
    return torch.maximum(own.square(), level / columns)


def uncertainty_at_constraint(h, g, x: Tensor, picture: Tensor, log_sigma: Tensor, target: float) -> float:
    """Mean RU after σ is scaled so that E‖f'−f‖² = target on fresh noise: higher is better."""
    shift = 0.0
    for _ in range(6):
        reached = energy(h, x, (log_sigma + shift).exp(), 4096, 11).mean().item()
        shift += 0.5 * math.log(target / reached)
    generator = torch.Generator().manual_seed(12)
    with torch.no_grad():
        noise = torch.randn(2048, *x.shape[1:], generator=generator, dtype=x.dtype)
        sigma = (log_sigma + shift).exp()
        errors = torch.cat(
            [(g(h(x + sigma * part)) - picture).square() for part in torch.cat([noise, -noise]).split(256)]
        )
    return 0.5 * errors.mean(0).log().mean().item() + ENTROPY_CONSTANT
