"""Mutual information of what the centres of Gaussian mixtures come from: an input each, or a class."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from explainers.information_flow.checks import (
    check_confidence,
    check_count,
    check_labels,
    check_points,
    check_seed,
    check_sigma,
    check_tensor,
    check_units,
)
from explainers.information_flow.density import SPREAD, exponents, log_density, log_normaliser, log_sum
from explainers.information_flow.mixture import BLOCK, excess, mixture_noise
from explainers.information_flow.monte_carlo import averaged, bootstrap_over_inputs, by_center
from explainers.information_flow.records import CONFIDENCE, GAP, MANY_UNITS, NEAR, Estimate, Flag, Information

# Pairs of a point and a centre that are looked at together.
PAIRS = 1 << 20


@dataclass(frozen=True)
class Draws:
    """How an estimate is drawn.

    - `draws`: points of T for each input, on which both entropies are averaged.
    - `marginal_repeats`: how many of each input's centres h(T) is made of; None for all, which is as many as h(T|X) is
      made of. Other numbers are for showing what they do.
    - `seed`, `chunk`, `confidence`, `force`: as for `gaussian_mixture_entropy`.
    """

    draws: int = 10
    seed: int = 0
    marginal_repeats: int | None = None
    chunk: int | None = None
    confidence: float = CONFIDENCE
    force: bool = False


def mixture_information(
    centers: Tensor, sigma: float, labels: Tensor | None = None, how: Draws = Draws()
) -> Information:
    r"""I(X;T), or I(Y;T) with `labels` (n,): T of input i is the mean of N(s_ik, σ²I) over its `centers` (n, K, d).

    .. math:: \hat I = \hat h(T) - \frac1n\sum_i \hat h(T \mid X = x_i)
                     = \operatorname{mean}_{i,q} \log\frac{g_i(t_{iq})}{g(t_{iq})},\qquad
              g_i(t) = \frac1K\sum_k N(t; s_{ik}, \sigma^2 I),\quad g = \frac1n\sum_i g_i

    with t_iq = s_ik + σz, k = q mod K. Every input stands with the same K centres on both sides, and both entropies are
    averaged over the same points: up to its error Î is the information of the channel g_i, from 0 to log n. With n
    centres for h(T) against K for h(T|X), separated inputs would show log n − log K instead of log n: nothing at all
    for K = n. Where K = 1, h(T|X) = (d/2) log(2πeσ²) exactly. For Y, g_i is the mixture of all inputs of the class.

    Raises ValueError as `gaussian_mixture_entropy` does, for a single input, and for labels that do not fit.

    >>> far_apart = mixture_information(torch.arange(4.0)[:, None, None] * 100, 1.0)
    >>> round(far_apart.value, 6) == round(far_apart.ceiling, 6) == round(math.log(4), 6)
    True
    """
    found, groups, sizes = _densities(centers, sigma, labels, how)
    return _record(found, groups, sizes, how)


def mixture_informations(
    centers: Tensor, sigma: float, labels: Tensor, how: Draws = Draws()
) -> tuple[Information, Information]:
    """I(X;T) and I(Y;T) of `mixture_information` from the very same points, for little more than either takes.

    >>> of_x, of_y = mixture_informations(torch.arange(4.0)[:, None, None] * 100, 1.0, torch.tensor([0, 0, 1, 1]))
    >>> round(of_x.value, 4), round(of_y.value, 4)
    (1.3863, 0.6931)
    """
    found, groups, sizes = _densities(centers, sigma, labels, how)
    return _record(found, None, sizes, how), _record(found, groups, sizes, how)


class _Densities(NamedTuple):
    """log g, log g_i, that without the centre that the point comes from, that of the class; the control: (n, draws)."""

    marginal: Tensor
    own: Tensor
    without: Tensor
    of_class: Tensor
    control: Tensor


def _densities(
    centers: Tensor, sigma: float, labels: Tensor | None, how: Draws
) -> tuple[_Densities, Tensor | None, tuple[int, int, int]]:
    """What an estimate is made of; the classes of the inputs; K, how many of them h(T) is made of, and d."""
    sigma = check_sigma(sigma)
    check_seed(how.seed)
    check_tensor("centres", centers)
    if centers.ndim != 3:
        raise ValueError(f"expected centres of shape (n, K, d), got {tuple(centers.shape)}; K propagations of n inputs")
    n, repeats, d = centers.shape
    check_units(d, how.force)
    check_confidence(how.confidence)
    check_count("draws", how.draws)
    left = repeats if how.marginal_repeats is None else check_count("marginal repeats", how.marginal_repeats)
    if left > repeats:
        raise ValueError(f"expected at most {repeats} marginal repeats, got {left}; propagate the inputs more often")
    centers = check_points(centers.flatten(0, 1)).view(n, repeats, d)
    if n < 2:
        raise ValueError(f"expected at least 2 samples, got {n}; one input can tell nothing")
    groups = None if labels is None else check_labels(labels, n).to(centers.device)

    found = _Densities(*torch.empty(5, n, how.draws, dtype=torch.float64, device=centers.device))
    everything = centers[:, :left].flatten(0, 1)
    for start in range(0, n, BLOCK):
        block = slice(start, start + BLOCK)
        noise = mixture_noise(centers[block, 0], how.draws, how.seed, start)
        found.control[block] = excess(noise)
        points = _from_centers(centers[block, :left], sigma * noise)
        density = log_density(points.flatten(0, 1), everything, sigma, how.chunk)
        found.marginal[block] = density.view(-1, how.draws)
        points = _from_centers(centers[block], sigma * noise)
        # As many inputs at a time as keep draws × K of each within some 8 MiB.
        few = max(1, PAIRS // (how.draws * repeats))
        for some in torch.split(torch.arange(start, start + len(points), device=points.device), few):
            found.own[some], found.without[some] = _own_density(points[some - start], centers[some], sigma)
        if groups is not None:
            found.of_class[block] = _class_density(points, groups[block], centers, groups, sigma, how.chunk)
    return found, groups, (repeats, left, d)


def _record(found: _Densities, groups: Tensor | None, sizes: tuple[int, int, int], how: Draws) -> Information:
    (n, draws), (repeats, left, d) = found.own.shape, sizes
    conditional = found.own if groups is None else found.of_class

    def mean(values: Tensor, centers: int = repeats) -> tuple[Estimate, Tensor]:
        return averaged(by_center(values, centers), by_center(found.control, centers), how.confidence)

    estimate, kept = mean(conditional - found.marginal)
    of_inputs = mean(found.own - found.marginal)[0].value
    gap = (found.own - found.without).mean().item()
    flags: dict[Flag, bool] = {
        "near ceiling": of_inputs >= NEAR * math.log(n),
        "unequal draws": left != repeats,
        "many dimensions": d >= MANY_UNITS,
        "few repeats": groups is None and gap > GAP,
    }
    ceiling = math.log(n) if groups is None else _label_entropy(groups)
    return Information(
        value=estimate.value,
        error=estimate.error,
        low=estimate.low,
        high=estimate.high,
        confidence=how.confidence,
        flags=tuple(flag for flag, holds in flags.items() if holds),
        over_inputs=bootstrap_over_inputs(kept.mean(1), how.confidence, how.seed),
        ceiling=ceiling,
        upper=ceiling if groups is not None else estimate.value + _left_out(found),
        entropy=mean(-found.marginal, left)[0],
        conditional=mean(-conditional)[0],
        gap=gap if groups is None else 0.0,
        n=n,
        d=d,
        draws=(left, repeats),
        points=n * draws,
    )


def _left_out(found: _Densities) -> float:
    """How much higher h(T) is where the density at a point lacks the input that the point comes from."""
    n = len(found.own)
    share = found.own - found.marginal - math.log(n)
    # Where nothing else is there, as far as double precision sees, it is beyond all bounds.
    missing = torch.where(share > -1e-9, -math.inf, torch.log1p(-share.exp()))
    return math.log((n - 1) / n) - missing.mean().item()


def _label_entropy(groups: Tensor) -> float:
    shares = groups.bincount().double() / len(groups)
    return -(shares * shares.log()).sum().item()


def _from_centers(centers: Tensor, noise: Tensor) -> Tensor:
    place = torch.arange(noise.shape[1], device=noise.device) % centers.shape[1]
    return centers[:, place] + noise


def _own_density(points: Tensor, centers: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """log g_i of each input's centres (b, K, d) at its points (b, draws, d), and without the one they come from."""
    repeats = centers.shape[1]
    middle = centers.mean(1, keepdim=True)
    points, centers = (points - middle) / sigma, (centers - middle) / sigma
    exponent = exponents(points, centers, centers.abs().max().item() > SPREAD)
    normaliser = log_normaliser(centers.shape[-1], sigma)
    whole = log_sum(exponent.clone()) - math.log(repeats) - normaliser
    if repeats == 1:
        return whole, whole
    place = torch.arange(points.shape[1], device=points.device)
    exponent[:, place, place % repeats] = -math.inf
    return whole, log_sum(exponent) - math.log(repeats - 1) - normaliser


def _class_density(
    points: Tensor, of: Tensor, centers: Tensor, groups: Tensor, sigma: float, chunk: int | None
) -> Tensor:
    found = torch.empty_like(points[..., 0])
    for label in np.unique(of.cpu().numpy()).tolist():
        here = of == label
        same = centers[groups == label].flatten(0, 1)
        found[here] = log_density(points[here].flatten(0, 1), same, sigma, chunk).view(-1, points.shape[1])
    return found
