r"""Whether a layer's gradient tells how its feature moves, and whether what it calls unused is silent.

CID asks the gradient how much each pixel matters. Rounding, sign and quantisation have none, and what passes through
`detach` or `no_grad` has none there, though the feature moves: with random directions d and v,

.. math:: \tfrac{1}{2t}\, v\cdot\big(h(x+td) - h(x-td)\big) \to (J^\top v)\cdot d \qquad (t \to 0)
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

from explainers.grid import cell_spread
from explainers.norms import norm
from explainers.randomness import Randomness

Function = Callable[[Tensor], Tensor]
DIRECTIONS = 4
# In units of the spread of the picture's values; a gradient that is right is so at one of them.
STEPS = (0.003, 0.001, 0.03, 0.3, 0.0003)
BESIDE = 0.3
STIRS = (0.1, -0.1, 1.0, -1.0, 2.0, -2.0)
STIRRED = 3
# The largest share of a difference that its gradient may miss at every step, differences that are rounding, and the
# share by which two steps that tell of one derivative differ.
MISSED, ROUNDINGS, SETTLED = 0.3, 100, 0.1
WITHOUT = "without (rounding, sign, quantisation or a part under no_grad)"
OTHERWISE = "otherwise (a detached part, or a backward pass of its own)"


def check_gradient(h: Function, x: Tensor) -> None:
    """Raises ValueError where h, (B, C, H, W) -> (B, D), moves around the first of the pictures without a gradient."""
    fault = gradient_fault(h, x)
    if fault == WITHOUT:
        raise ValueError(
            f"expected a layer with a gradient, got one whose feature moves {fault}; choose a layer before that part, "
            "or take it out"
        )
    if fault:
        raise ValueError(
            f"expected a layer whose gradient tells how its feature moves, got one that moves {fault}; choose a layer "
            "before that part, or take it out"
        )


def gradient_fault(h: Function, x: Tensor) -> str | None:
    """How h, (B, ...) -> (B, D), moves around the first of `x`, if that is not as its gradient says."""
    x = x[:1]
    draw = Randomness(0)("directions")
    size, spread = (DIRECTIONS, *x.shape[1:]), x.std(correction=0).clamp_min(0.1)
    d = torch.randn(size, generator=draw, dtype=torch.float64).to(x) * spread
    # Beside the picture itself: where it has one colour, maxima tie, and a gradient tells of one side only.
    x = x + BESIDE * spread * torch.randn(x.shape, generator=draw, dtype=torch.float64).to(x)
    feature, pull = gradient_of(h, x.expand(size))
    v = torch.randn(feature.shape, generator=draw, dtype=torch.float64).to(feature)
    gradient = pull(v)
    expected = (gradient * d).flatten(1).sum(1)
    rounding = ROUNDINGS * torch.finfo(x.dtype).eps * norm(feature)
    moved: list[float] = []
    before = None
    for step in STEPS:
        with torch.no_grad():
            change = h(x + step * d) - h(x - step * d)
        if norm(change) <= rounding:
            continue
        moved.append(step)
        difference = (v * change).sum(1) / (2 * step)
        if norm(difference - expected) <= MISSED * norm(difference):
            return None
        # Where two small steps agree with each other, a large one that agrees with the gradient does so by chance.
        agree = before is not None and norm(difference - before) <= SETTLED * norm(difference)
        if agree and tuple(moved) == STEPS[:2] and gradient.any():
            return OTHERWISE
        before = difference
    if not moved:
        return None
    if not gradient.any():
        # A rectifier that sleeps at x has a gradient where it is awake.
        _, pull = gradient_of(h, torch.cat([x + max(moved) * d, x - max(moved) * d]))
        return None if pull(v.repeat(2, 1)).any() else WITHOUT
    return OTHERWISE if min(moved) <= STEPS[0] else None


def gradient_of(h: Function, x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """h(x), and v ↦ Jᵀv at x, zero where there is no gradient at all."""
    with torch.enable_grad():
        leaf = x.clone().requires_grad_()
        feature = h(leaf)

    def pull(v: Tensor) -> Tensor:
        if not feature.requires_grad:
            return torch.zeros_like(x)
        (gradient,) = torch.autograd.grad(feature, leaf, v, allow_unused=True, materialize_grads=True)
        return gradient

    return feature.detach(), pull


def stirred(h: Function, x: Tensor, bounded: Tensor) -> Tensor:
    """(B,) whether noise of the picture's spread on the cells not `bounded` (B, 1, rows, columns) moves the feature."""
    unused = cell_spread(~bounded, *x.shape[-2:])
    moved = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    if not unused.any():
        return moved
    noises = torch.randn((STIRRED, *x.shape[1:]), generator=Randomness(0)("stirring"), dtype=torch.float64).to(x)
    spread = x.flatten(1).std(1, correction=0).clamp_min(0.1).view(-1, 1, 1, 1)
    with torch.no_grad():
        feature = h(x)
        limit = ROUNDINGS * torch.finfo(x.dtype).eps * norm(feature, dim=1)
        for step, noise in itertools.product(STIRS, noises):
            moved |= norm(h(x + step * spread * noise * unused) - feature, dim=1) > limit
    return moved
