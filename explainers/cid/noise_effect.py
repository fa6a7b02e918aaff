r"""The noise of a map itself: the picture with k times as much of it, how far the feature moves, what is answered then.

.. math:: x_k = x + k\,\sigma\circ\delta, \quad \delta \sim N(0, I), \qquad
          \mathrm{change}(k) = \frac{\mathbb{E}\,\|h(x_k) - h(x)\|^2}{\beta\,\delta_f^2}

At k = 1 the change is the constraint of the map, 1 within its error; where h is linear it is k².
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from explainers.cid.sampling import Sampler
from explainers.grid import cell_spread
from explainers.networks.feature_range import in_range
from explainers.networks.features import Feature
from explainers.norms import norm
from explainers.randomness import Randomness
from explainers.surroundings import with_plain_arithmetic

Answer = Callable[[Tensor], Tensor]
# How many times the map's own noise.
FACTORS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 14.0, 20.0)
SAMPLES = 16


@dataclass(frozen=True)
class NoiseEffect:
    """What the noise does at the first F of `FACTORS`.

    - `noise` (C, H, W): σ∘δ of one draw, in network units; the picture to be shown is x + k · noise.
    - `changes` (F,): the mean of ‖f'−f‖² over the draws, of β δ_f²; `errors` (F,) its standard error.
    - `moved` (F,): the root of that mean, of the length of the feature ‖f‖.
    - `clean` (classes,): what the network answers without noise, probabilities or shares of the pixels; `answers`
      (F, classes): its answer to the picture that is shown.
    - `kept` (F,): in how many of the draws, 0 to 1, the likeliest class stays (of a segmentation: at how many pixels).

    Of a picture that is given back the channels count as classes there, which says little.
    """

    noise: Tensor = field(repr=False)
    clean: Tensor = field(repr=False)
    changes: Tensor
    errors: Tensor
    moved: Tensor
    answers: Tensor = field(repr=False)
    kept: Tensor

    @property
    def progress(self) -> float:
        """How many of the factors are known, 0 to 1."""
        return len(self.changes) / len(FACTORS)


def spread(sigma: Tensor, x: Tensor) -> Tensor:
    """σ of every pixel (1, H, W) from that of the cells (1, rows, columns), for a picture x (C, H, W).

    Cells that the layer does not use bear any noise (+inf); they get as much as the picture's values are spread.
    """
    bounded = torch.where(sigma.isfinite(), sigma, x.std(correction=0).clamp_min(0.1))
    return cell_spread(bounded, *x.shape[-2:])


def noise_effect(
    feature: Feature, answer: Answer, x: Tensor, sigma: Tensor, budget: float, seed: int
) -> Iterator[NoiseEffect]:
    """The effect at one factor after the other, the smallest first, on the same `SAMPLES` draws of `seed`.

    `x` (C, H, W) in network units, `sigma` (1, rows, columns) as in `CIDResult`, `budget` β δ_f². `answer` maps
    pictures (B, C, H, W) to logits (B, classes) or (B, classes, H, W).
    """
    return with_plain_arithmetic(_effects(feature, answer, x, sigma, budget, seed))


def _effects(
    feature: Feature, answer: Answer, x: Tensor, sigma: Tensor, budget: float, seed: int
) -> Iterator[NoiseEffect]:
    pictures = feature.pictures(x[None], x.device)
    h, scale = in_range(feature, pictures)
    log_sigma = spread(sigma.to(pictures), pictures[0])[None].log()
    sampler = Sampler(h, pictures, (x.shape[-2], x.shape[-1]))
    drawn = sampler.noise(SAMPLES, Randomness(seed)("noise itself"))
    with torch.no_grad():
        before = answer(pictures).softmax(1)

    def answered(noisy: Tensor) -> Tensor:
        now = answer(noisy).softmax(1)
        same = (now.argmax(1) == before.argmax(1)).to(now.dtype).reshape(len(now), -1)
        return torch.cat([shares(now), same.mean(1, keepdim=True)], 1)

    def cpu(value: Tensor) -> Tensor:
        return value.detach().cpu()

    none = torch.zeros(0)
    clean = cpu(shares(before)[0])
    noise = cpu(sampler.scaled(log_sigma, drawn[:1])[0, 0])
    found = NoiseEffect(noise, clean, none, none, none, torch.zeros(0, len(clean)), none)
    length = float(norm(sampler.f[0]))
    for factor in FACTORS:
        energy = torch.cat(list(sampler.energies(log_sigma, drawn, factor)))[:, 0].double() * factor**2
        with torch.no_grad():
            noisy = pictures + factor * sampler.scaled(log_sigma, drawn)
            said = sampler.by_rows(answered, noisy)[:, 0]
        change = energy / max(budget * scale**2, 1e-300)
        found = replace(
            found,
            changes=_longer(found.changes, cpu(change.mean())),
            errors=_longer(found.errors, cpu(change.std() / SAMPLES**0.5)),
            moved=_longer(found.moved, cpu(energy.mean().sqrt() / (length or math.inf))),
            answers=torch.cat([found.answers, cpu(said[:1, :-1])]),
            kept=_longer(found.kept, cpu(said[:, -1].mean())),
        )
        yield found


def shares(probabilities: Tensor) -> Tensor:
    """(B, classes) from (B, classes), or from (B, classes, H, W) the share of the pixels that each class takes.

    >>> shares(torch.tensor([[[[0.9, 0.2]], [[0.1, 0.8]]]]))
    tensor([[0.5000, 0.5000]])
    """
    if probabilities.dim() == 2:
        return probabilities
    likeliest = probabilities.argmax(1).flatten(1)
    taken = torch.nn.functional.one_hot(likeliest, probabilities.shape[1])
    return taken.to(probabilities.dtype).mean(1)


def _longer(values: Tensor, value: Tensor) -> Tensor:
    return torch.cat([values, value.float().reshape(1)])
