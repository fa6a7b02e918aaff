r"""From the start under noise to the shares of the constraint with which a picture is hardest to recover.

Where h and g are linear on the scale of the noise, V_i = b_i² + Σ_c M_ic q_c with b the decoder's own error,
q_c ≥ 0 the share of the permitted change of f that cell c uses, Σ_c q_c = 1, and M ≥ 0. So exp of twice the
objective is a polynomial in q without negative coefficients, which

.. math:: q_c \leftarrow \frac{p_c}{\sum_k p_k},\qquad
          p_c = q_c\,\frac{\partial}{\partial q_c}\sum_i\log V_i
              = \sigma_c^2\,\mathbb{E}_v\Big[\sum_{i\in c}\big(A^\top V^{-1/2}v\big)_i^2\Big],\quad
          A = \frac{\partial (g\circ h)}{\partial x}

never lowers (Baum and Sell, "Growth transformations for functions on manifolds", 1968); its fixed points
satisfy the optimality conditions. The mean of log is at most the log of the mean, so against any other shares q*

.. math:: \mathrm{loss} \le \tfrac12\log\Big(\overline{b^2/V} + \sum_c q^*_c\,a_c\Big),\qquad
          a_c = \big(1 - \overline{b^2/V}\big)\,\frac{p_c/\sum_k p_k}{q_c}

which is what is said of the loss, for the q* to which `REACH` more updates of the same ratio lead. The ratio is taken
from one half of the last rounds and a from the other, in every way to halve them, so that their noise does not count
as loss. All products are taken at noisy pictures, so that A and the shares are those on the scale of the noise.

Where the decoder bends, b itself changes with the noise, which products do not see. Both sides of the first equation
are measured, and where they differ by much nothing is said of the loss.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import torch
from torch import Tensor

from explainers.cid.sampling import Sampler
from explainers.randomness import Randomness
from explainers.ru.reconstruction import (
    SMALLEST_SQUARE,
    Reconstruction,
    enough,
    own_errors,
    own_part,
    pairs,
)
from explainers.ru.sampling import ReconstructionSampler

SAMPLES = 16
# As so many samples the start's G counts, which was averaged while σ moved.
STARTED = 32
# The first steps are doubled: the update alone is slow and never goes too far. Their noise is doubled, too.
HASTY_ROUNDS, HASTE = 4, 2
# Of log σ in one round, root mean square over the cells: in a curved network the products are right for no more.
LARGEST_STEP = 0.5
# The loss is told from so many rounds, and the answer is the mean over as many at least, later the later half of all;
# errors are remembered from round to round, the newest with this weight at least.
LAST, MEMORY = 4, 0.4
REACH = 4
# Where the products miss more than this share of what the noise does to the reconstruction, they do not tell the loss.
LINEAR_TOLERANCE = 0.3
# No cell loses more than three quarters of its logarithm in one round: what is zero could never come back.
SMALLEST_SHARE = 1e-3


class Ascent:
    """Rounds of the update from `start`, whose errors have been measured; `target` is β δ_f² (B,)."""

    def __init__(
        self,
        sampler: Sampler,
        decoded: ReconstructionSampler,
        start: Reconstruction,
        target: Tensor,
        randomness: Randomness,
    ) -> None:
        self.sampler, self.decoded, self.target, self.randomness = sampler, decoded, target, randomness
        self.now, self.rounds = start, 0
        self._own = own_errors(decoded)
        self._columns, self._weight = start.estimate.square_columns, STARTED
        self._logs: list[Tensor] = []
        self._shares: list[tuple[Tensor, Tensor]] = []
        self._sums: list[Tensor] = []

    def round(self) -> Iterator[Reconstruction]:
        """`now` after every chunk of one round, moved with the last."""
        samples = enough(self.decoded, SAMPLES, 256)
        noise = pairs(self.decoded, samples, self.randomness("round", self.rounds))
        weight = self.now.square_errors.clamp_min(SMALLEST_SQUARE).rsqrt()
        log_sigma, signs = self.now.estimate.log_sigma, self.randomness("signs", self.rounds)
        energies: list[Tensor] = []
        errors = torch.zeros_like(self._own)
        gain = change = torch.zeros_like(log_sigma)
        for energy, error, gained, changed in self.decoded.influences(log_sigma, noise, weight, signs):
            energies.append(energy)
            errors, gain, change = errors + error, gain + gained, change + changed
            yield self.now
        self.rounds += 1
        self._weight += samples
        self._columns = self._columns + (change - samples * self._columns) / self._weight
        self._compare(gain, errors, weight)
        self._move(gain, torch.cat(energies).mean(0))
        memory = max(MEMORY, 1 / (self.rounds + 2))
        self.now = replace(self.now, square_errors=self.now.square_errors.lerp(errors / samples, memory))
        yield self.now

    def _compare(self, gain: Tensor, errors: Tensor, weight: Tensor) -> None:
        """What the noise adds to V, measured, beside what the products say that it adds: two sums (B,) a round."""
        samples = enough(self.decoded, SAMPLES, 256)
        added = ((errors / samples - self._own) * weight.square()).sum(1)
        said = _sum(self.now.estimate.log_sigma.mul(2).exp() * gain) / samples
        self._sums = [*self._sums, torch.stack([added, said])][-LAST:]

    def _move(self, gain: Tensor, energy: Tensor) -> None:
        """One update of the shares, and Robbins and Monro's step towards E = target."""
        estimate, bounded = self.now.estimate, self._columns > 0
        square = estimate.log_sigma.mul(2).exp()
        used = torch.where(bounded, square * self._columns, 0)
        gain = torch.where(bounded, square * gain, 0)
        # A decoder that ignores the feature leaves nothing to choose between.
        idle = gain.sum(dim=(1, 2, 3), keepdim=True) == 0
        before, wanted = _shares(used), _shares(torch.where(idle, used, gain))
        self._shares = [*self._shares, (before, wanted)][-LAST:]
        wanted = wanted + SMALLEST_SHARE * wanted.mean(dim=(2, 3), keepdim=True)
        step = 0.5 * (wanted / before).log() * (HASTE if self.rounds <= HASTY_ROUNDS else 1)
        step = torch.where(bounded, step, 0)
        length = step.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        step = step * (LARGEST_STEP / length.clamp_min(LARGEST_STEP))
        excess = (energy / self.target).clamp_min(torch.finfo(energy.dtype).tiny).log().clamp(-3, 3)
        scale = 0.5 * excess / min(self.rounds, LAST) ** 0.5
        log_sigma = estimate.log_sigma + step - scale.view(-1, 1, 1, 1)
        self._logs = [*self._logs, log_sigma][-max(LAST, self.rounds // 2) :]
        self.now = replace(self.now, estimate=replace(estimate, log_sigma=log_sigma, bounded=bounded))

    @property
    def answer(self) -> Reconstruction:
        """The mean of the later steps, less noisy than the last of them, with what it has lost."""
        loss, error = self._loss()
        added, said = torch.stack(self._sums).sum(0)
        linear = (added - said).abs() <= LINEAR_TOLERANCE * said
        loss, error = (torch.where(linear, value, torch.nan) for value in (loss, error))
        log_sigma = torch.stack(self._logs).mean(0)
        return replace(self.now, estimate=replace(self.now.estimate, log_sigma=log_sigma, loss=loss, loss_error=error))

    def _loss(self) -> tuple[Tensor, Tensor]:
        """The module's bound and its standard error, (B,)."""
        own = own_part(self._own, self.now.square_errors)
        shares = torch.stack([before for before, _ in self._shares]).mean(0)
        tiny = torch.finfo(shares.dtype).tiny
        ratios = [wanted / before.clamp_min(tiny) for before, wanted in self._shares]
        bounds: list[Tensor] = []
        for chosen in combinations(range(LAST), LAST // 2):
            others = [place for place in range(LAST) if place not in chosen]
            ratio, other = (torch.stack([ratios[place] for place in half]).mean(0) for half in (chosen, others))
            reached = _shares(shares * ratio.clamp_min(SMALLEST_SHARE) ** REACH)
            factor = _sum(reached * other) / _sum(shares * other).clamp_min(tiny)
            bounds.append(0.5 * (own + (1 - own) * factor).clamp_min(tiny).log())
        loss = torch.stack(bounds)
        return loss.mean(0).clamp_min(0), loss.std(0)


def _sum(values: Tensor) -> Tensor:
    return values.sum(dim=(1, 2, 3))


def _shares(values: Tensor) -> Tensor:
    return values / values.sum(dim=(1, 2, 3), keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
