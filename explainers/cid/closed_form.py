r"""The optimum where h is linear on the scale of the noise, from Jacobian products alone.

.. math:: \sigma_c^2 = \frac{\beta\,\delta_f^2}{n\,G_c}, \qquad G_c = \sum_{i\in c}\|J_i\|^2, \qquad
          \delta_f^2 = \sum_c G_c

with n the number of cells of G_c > 0: every cell gets the same share of the permitted change of f.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explainers.cid.constraint import Estimate
from explainers.cid.jacobian import orthonormal, outside
from explainers.cid.moments import Moments
from explainers.cid.pace import AllTrue
from explainers.cid.records import choose
from explainers.cid.sampling import Sampler
from explainers.randomness import Randomness, normal, random_signs
from explainers.streams import relay

# So many passes are drawn, and judged, at a time whatever the chunk: no answer may depend on the device's memory.
DEFLATED_DIRECTIONS = ROUND = 16
# Beyond this size of a feature a basis costs more memory than it saves probes.
LARGEST_DEFLATED_FEATURE = 1 << 16
# A feature of so few entries needs no order in which its directions are taken.
SMALL_FEATURE = 64
# Mean entropy that errors of G may cost, and the standard error of ½ log δ_f²: both in nats.
COST_TOLERANCE = 0.0015
ERROR_TOLERANCE = 0.0025


@dataclass(frozen=True)
class SquareColumns:
    """G per cell and the relative variance of that, both (B, 1, rows, columns); δ_f² and its standard error (B,).

    `passes`: backward passes it took.
    """

    values: Tensor
    relative_variance: Tensor
    delta_f2: Tensor
    delta_f2_error: Tensor
    progress: float
    passes: int

    @property
    def loss(self) -> Tensor:
        """Mean entropy (B,) that errors of G cost a linear h.

        To second order an error e of log σ costs Var(e), and e has half the relative error of G.
        """
        return self.relative_variance.mean(dim=(1, 2, 3)) / 4

    @property
    def mean_error(self) -> Tensor:
        """Standard error of ½ log δ_f², which is that of the mean entropy, in nats."""
        return 0.5 * self.delta_f2_error / self.delta_f2.clamp_min(torch.finfo(self.delta_f2.dtype).tiny)


def closed_form(columns: SquareColumns, beta: float) -> Estimate:
    """The module's equation. A cell with G = 0 is unbounded and carries the mean log σ of the others.

    The reciprocal of an estimate is too large on average, by its relative variance to second order.
    """
    bounded = columns.values > 0
    values = columns.values * (1 + columns.relative_variance)
    count = bounded.sum(dim=(1, 2, 3), keepdim=True).clamp_min(1)
    energy = beta * columns.delta_f2.view(-1, 1, 1, 1)
    free = torch.where(bounded, 0.5 * (energy / (count * values)).log(), 0)
    unknown = torch.full_like(columns.delta_f2, torch.nan)
    return Estimate(
        log_sigma=torch.where(bounded, free, free.sum(dim=(1, 2, 3), keepdim=True) / count),
        bounded=bounded,
        square_columns=values,
        delta_f2=columns.delta_f2,
        mean_error=columns.mean_error,
        constraint=unknown,
        constraint_error=unknown,
        growth=torch.full_like(unknown, 2.0),
        apart=torch.zeros_like(unknown),
        known=Moments.none(unknown),
        loss=unknown,
        loss_error=unknown,
        largest_share=unknown,
        converged=torch.zeros_like(bounded[:, 0, 0, 0]),
        stage="probes",
        progress=columns.progress,
    )


def square_columns(sampler: Sampler, probes: int, randomness: Randomness) -> Iterator[SquareColumns]:
    """G, sharper with every group of passes, until it is exact, good enough or `probes` are spent.

    A feature with at most `probes` entries is taken in as many orthonormal directions: exact. A larger one
    by ±1 probes, outside the directions in which noise moves it most where those are affordable. Progress never falls.
    """
    size = sampler.f.shape[1]
    if size <= probes:
        # Random directions instead of unit vectors: any part of them is already an unbiased preview.
        x = sampler.x
        rows = normal(size, size, like=x, generator=randomness("directions"))
        rows, first = rows.expand(len(x), -1, -1), 0
        if size > SMALL_FEATURE:
            # Those in which noise moves it most go first, so that a part of the rest tells the whole well.
            first = DEFLATED_DIRECTIONS
            rows = torch.cat([sampler.changes(first, randomness("basis")), rows[:, first:]], 1)
        yield from _by_directions(sampler, orthonormal(rows, complete=True), first)
    elif size <= LARGEST_DEFLATED_FEATURE and probes > DEFLATED_DIRECTIONS:
        basis = orthonormal(sampler.changes(DEFLATED_DIRECTIONS, randomness("basis")))
        columns = yield from relay(
            _by_directions(sampler, basis),
            lambda found: replace(found, progress=found.progress * DEFLATED_DIRECTIONS / probes),
        )
        yield from _by_probes(sampler, probes - DEFLATED_DIRECTIONS, randomness, basis, columns.values)
    else:
        yield from _by_probes(sampler, probes, randomness, None, _no_columns(sampler))


def _no_columns(sampler: Sampler) -> Tensor:
    return sampler.x.new_zeros(len(sampler.x), 1, *sampler.shape)


def _by_directions(sampler: Sampler, directions: Tensor, first: int = 0) -> Iterator[SquareColumns]:
    """Σ over the `directions` (B, q, D) of (Jᵀv)², complete with the last one.

    All but the `first` were drawn at random: those of them that are left are taken to be like those that are done.
    """
    fixed = total = _no_columns(sampler)
    done, count = 0, directions.shape[1]
    if first:
        for part in sampler.square_columns(directions[:, :first]):
            fixed, done = fixed + part.sum(0), done + len(part)
            values = fixed * (count / done)
            sums = values.sum(dim=(1, 2, 3))
            yield SquareColumns(values, torch.zeros_like(values), sums, sums, done / count, done)
    drawn, parts = 0, sampler.x.new_empty(0, len(sampler.x))
    for block in torch.split(directions[:, first:], ROUND, 1):
        for part in sampler.square_columns(block):
            total, drawn = total + part.sum(0), drawn + len(part)
            values = fixed + total * ((count - first) / drawn)
            sums = values.sum(dim=(1, 2, 3))
            parts = torch.cat([parts, part.sum(dim=(2, 3, 4))])
            left = 1 / drawn - 1 / (count - first)
            spread = parts.std(0) if drawn > 1 else sums
            error = (count - first) * max(left, 0.0) ** 0.5 * spread
            done = first + drawn
            yield SquareColumns(values, torch.zeros_like(values), sums, error, done / count, done)


def _by_probes(
    sampler: Sampler, probes: int, randomness: Randomness, basis: Tensor | None, fixed: Tensor
) -> Iterator[SquareColumns]:
    total = square = _no_columns(sampler)
    whole, done, best, finished = total[:, 0, 0, 0], 0, None, AllTrue()
    before = 0 if basis is None else DEFLATED_DIRECTIONS
    enough = torch.zeros(len(sampler.x), dtype=torch.bool, device=sampler.x.device)
    while done < probes and not finished(enough):
        end = min(done + ROUND, probes)
        v = random_signs(end - done, sampler.f.shape[1], like=sampler.x, generator=randomness("probes", done))
        v = v.expand(len(sampler.x), *v.shape)
        for part in sampler.square_columns(v if basis is None else outside(basis, v)):
            done += len(part)
            total, square = total + part.sum(0), square + part.square().sum(0)
            whole = whole + part.sum(dim=(2, 3, 4)).square().sum(0)
            columns = _summary(total, square, whole, done, fixed, (before + done) / (before + probes))
            columns = replace(columns, passes=before + done)
            best = columns if best is None else choose(enough, best, columns)
            yield best
            if done == end >= 32:
                enough = enough | ((columns.loss <= COST_TOLERANCE) & (columns.mean_error <= ERROR_TOLERANCE))


def _summary(total: Tensor, square: Tensor, whole: Tensor, done: int, fixed: Tensor, progress: float) -> SquareColumns:
    """The estimate after `done` probes."""
    values = total / done + fixed
    variance = (square / done - (total / done).square()).clamp_min(0) / max(done - 1, 1)
    relative = variance / values.square().clamp_min(torch.finfo(values.dtype).tiny)
    sums, means = values.sum(dim=(1, 2, 3)), (total / done).sum(dim=(1, 2, 3))
    error = ((whole / done - means.square()).clamp_min(0) / max(done - 1, 1)).sqrt()
    return SquareColumns(values, relative, sums, error, progress, done)
