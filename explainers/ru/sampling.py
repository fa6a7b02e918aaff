"""What is measured of a layer h and its decoder g together, around given pictures."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from explainers.cid.jacobian import Function
from explainers.cid.sampling import Sampler
from explainers.grid import cell_sum

# A decoder costs about so many passes of its layer; chunks are smaller by as much, so that steps stay short.
DECODER_COST = 4


class ReconstructionSampler(Sampler):
    """A sampler of g∘h, for which `f` is the reconstruction (B, D'), that sees the feature h(x') on the way.

    `picture` (B, D') is what g should give.
    """

    def __init__(self, h: Function, g: Callable[[Tensor], Tensor], picture: Tensor, sampler: Sampler) -> None:
        self.inner, self.g, self.picture = h, g, picture.flatten(1)
        super().__init__(lambda x: g(h(x)).flatten(1), sampler.x, sampler.shape, max(1, sampler.rows // DECODER_COST))
        self.grows, self.feature = sampler.grows, sampler.f

    def errors(self, log_sigma: Tensor, noise: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """With x' = x + σ∘δ: ‖f' − f‖² per sample (k, B), and Σ over the k samples of (picture − g(f'))² (B, D')."""
        for part in noise.split(self.group):
            with torch.no_grad():
                x = self.x + self.scaled(log_sigma, part)
                lead = len(part)
                both = self.by_rows(
                    self._errors, x, self.feature.expand(lead, -1, -1), self.picture.expand(lead, -1, -1)
                )
            self.count(lead, backward=False)
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
        for part in noise.split(self.group):
            shift, lead = self.scaled(log_sigma, part), len(part)
            rows = self.by_rows(
                work, self.x + shift, shift, self.picture.expand(lead, -1, -1), weight.expand(lead, -1, -1)
            )
            self.count(lead, backward=True)
            yield rows


def influence(sampler: Sampler, v: Tensor, log_sigma: Tensor, noise: Tensor) -> Iterator[Tensor]:
    """σ_c² Σ_{i in c} (J(x')ᵀv)_i² at x' = x + σ∘δ, v (B, m, D), δ (m, C, H, W): groups (k, B, 1, rows, columns)."""
    for products in sampler.square_columns(v, sampler.scaled(log_sigma, noise)):
        yield products * log_sigma.mul(2).exp()
