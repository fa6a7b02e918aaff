"""What is measured of a layer h and its decoder g together, around given pictures."""

from collections.abc import Iterator

import torch
from torch import Tensor

from explainers.cid.jacobian import Function
from explainers.cid.sampling import Sampler
from explainers.grid import cell_sum
from explainers.randomness import random_signs

# A decoder costs about so many passes of its layer; chunks are smaller by as much, so that steps stay short.
DECODER_COST = 4


class ReconstructionSampler(Sampler):
    """A sampler of g∘h, for which `f` is the reconstruction (B, D'), that sees the feature h(x') on the way.

    `picture` (B, D') is what g should give.
    """

    def __init__(self, h: Function, g: Function, picture: Tensor, sampler: Sampler) -> None:
        self.inner, self.g, self.picture = h, g, picture.flatten(1)
        super().__init__(lambda x: g(h(x)).flatten(1), sampler.x, sampler.shape, max(1, sampler.rows // DECODER_COST))
        self.grows, self.feature = sampler.grows, sampler.f
        self._sizes = self.picture.shape[1], self.feature.shape[1]

    def errors(self, log_sigma: Tensor, noise: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """With x' = x + σ∘δ: ‖f' − f‖² per sample (k, B), and Σ over the k samples of (picture − g(f'))² (B, D')."""
        for part in torch.split(noise, self.group):
            with torch.no_grad():
                x = self.x + self.scaled(log_sigma, part)
                lead = len(part)
                both = self.by_rows(
                    self._errors, x, self.feature.expand(lead, -1, -1), self.picture.expand(lead, -1, -1)
                )
            self.count(lead)
            yield both[..., 0], both[..., 1:].sum(0)

    def _errors(self, x: Tensor, feature: Tensor, picture: Tensor) -> Tensor:
        rows = self.inner(x)
        energy = (rows - feature).square().sum(1, keepdim=True)
        return torch.cat([energy, (self.g(rows).flatten(1) - picture).square()], 1)

    def descent(self, log_sigma: Tensor, noise: Tensor, square_errors: Tensor) -> Iterator[Tensor]:
        r"""∂/∂log σ_c of ½ Σ_i log E(x_i − x̂'_i)², one row per sample, in groups (k, B, 1, rows, columns).

        E(x_i − x̂'_i)² is given as `square_errors` (B, D').
        """

        def work(x: Tensor, shift: Tensor, picture: Tensor, weight: Tensor) -> Tensor:
            with torch.enable_grad():
                x = x.detach().requires_grad_(True)
                loss = 0.5 * ((self.h(x) - picture).square() * weight).sum()
                (gradient,) = torch.autograd.grad(loss, x, allow_unused=True, materialize_grads=True)
            return cell_sum(gradient * shift, self.shape)

        weight = 1 / square_errors
        for part in torch.split(noise, self.group):
            shift, lead = self.scaled(log_sigma, part), len(part)
            rows = self.by_rows(
                work, self.x + shift, shift, self.picture.expand(lead, -1, -1), weight.expand(lead, -1, -1)
            )
            self.count(lead, lead)
            yield rows

    def influences(
        self, log_sigma: Tensor, noise: Tensor, weight: Tensor, signs: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        r"""Of one forward and two backward passes: energies and errors as of `errors`, and sums over the samples.

        With random signs v, one row a sample: Σ over the k samples and, in a cell, over its variables of
        (∂(g∘h)/∂xᵀ (w∘v))_i² with `weight` w (B, D'), and of (∂h/∂xᵀ v)_i²: both (B, 1, rows, columns).
        """
        cells = self.shape[0] * self.shape[1]
        # Drawn as a whole: no draw may depend on the size of the chunks.
        v, u = (random_signs(len(noise), size, like=self.x, generator=signs).unsqueeze(1) for size in self._sizes)
        for part, outward, inward in zip(*(torch.split(rows, self.group) for rows in (noise, v, u)), strict=True):
            shift, lead = self.scaled(log_sigma, part), len(part)
            feature = self.feature.expand(lead, -1, -1)
            outward, inward = outward * weight, inward.expand_as(feature)
            rows = self.by_rows(
                self._influences, self.x + shift, feature, self.picture.expand(lead, -1, -1), outward, inward
            )
            self.count(lead, 2 * lead)
            energy, errors, gain, change = torch.split(rows, [1, self.picture.shape[1], cells, cells], -1)
            total = (gain.sum(0).view(-1, 1, *self.shape), change.sum(0).view(-1, 1, *self.shape))
            yield energy[..., 0], errors.sum(0), *total

    def _influences(self, x: Tensor, feature: Tensor, picture: Tensor, v: Tensor, u: Tensor) -> Tensor:
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            rows = self.inner(x)
            output = self.g(rows).flatten(1)
            options = {"allow_unused": True, "materialize_grads": True}
            (gain,) = torch.autograd.grad(output, x, v, retain_graph=True, **options)
            (change,) = torch.autograd.grad(rows, x, u, **options)
        energy = (rows.detach() - feature).square().sum(1, keepdim=True)
        cells = [cell_sum(part.square(), self.shape).flatten(1) for part in (gain, change)]
        return torch.cat([energy, (output.detach() - picture).square(), *cells], 1)
