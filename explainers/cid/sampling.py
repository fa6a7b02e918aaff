"""Forward and backward passes of one feature function around given pictures, in chunks, counted."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from explainers.cid.jacobian import Function, squared_products
from explainers.devices import works_ahead
from explainers.grid import cell_spread, cell_sum
from explainers.networks.trial import check_finite
from explainers.randomness import normal


class Sampler:
    """Everything that is measured of h around the pictures `x` (B, C, H, W), on cells of `shape`.

    Samples are drawn once for all pictures, so a picture's result does not depend on which others are
    computed with it. Rows go through h in chunks; where the device's memory does not suffice the chunk is
    halved and the work goes on. On a device that works ahead of the processor a chunk that went well is doubled, until
    memory says no for the first time. `forward` and `backward` count passes per picture.

    Raises ValueError where h(x) is not finite.
    """

    def __init__(self, h: Function, x: Tensor, shape: tuple[int, int], rows: int | None = None) -> None:
        self.h, self.x, self.shape = h, x, shape
        self.rows = rows or _default_rows(x)
        # Where the device works ahead, more at once until it says that it has no memory for so many.
        self.grows = rows is None and works_ahead(x.device)
        self.forward = self.backward = 0
        with torch.no_grad():
            self.f = torch.cat(list(self._chunks(h, x)))
        check_finite(self.f)

    @property
    def group(self) -> int:
        """How many samples of all pictures make one chunk: the grain of progress and of cancelling."""
        return max(1, self.rows // len(self.x))

    def uniform(self, beta: float) -> Tensor:
        """log σ = ½ log β in every cell, (B, 1, rows, columns): what meets the constraint where h is linear."""
        return self.x.new_full((len(self.x), 1, *self.shape), 0.5 * math.log(beta))

    def noise(self, samples: int, generator: torch.Generator) -> Tensor:
        """δ ~ N(0, I), (count, C, H, W)."""
        return normal(samples, *self.x.shape[1:], like=self.x, generator=generator)

    def changes(self, count: int, generator: torch.Generator) -> Tensor:
        """(h(x+ξδ) − f)/ξ for `count` small random steps: (B, count, D)."""
        step = 1e-3
        with torch.no_grad():
            x = self.x + step * self.noise(count, generator).unsqueeze(1)
            changes = (self.by_rows(self.h, x) - self.f) / step
        self.count(count)
        return changes.transpose(0, 1)

    def square_columns(self, v: Tensor, shift: Tensor | None = None) -> Iterator[Tensor]:
        """Per row of `v` (B, m, D) and cell Σ_{i in c} (Jᵀv)_i² at x, in groups (k, B, 1, rows, columns).

        With `shift` (m, B, C, H, W) the Jacobian is that at x + shift, another point for every row.
        """
        start = 0
        for part in torch.split(v.transpose(0, 1), self.group):
            x = self.x.expand(len(part), *self.x.shape)
            if shift is not None:
                x = x + shift[start : start + len(part)]
            start += len(part)
            products = self.by_rows(self._square_columns, x, part)
            self.count(len(part), len(part))
            yield products

    def _square_columns(self, x: Tensor, v: Tensor) -> Tensor:
        return cell_sum(squared_products(self.h, x, v), self.shape)

    def noisy_columns(self, v: Tensor, log_sigma: Tensor, noise: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """‖f'−f‖² and Σ_{i in c} (J(x+σ∘δ)ᵀv)_i² of one pass: row of `v` (k, D) beside row of `noise` (k, C, H, W).

        In groups (k, B) and (k, B, 1, rows, columns).
        """
        for part, signs in zip(torch.split(noise, self.group), torch.split(v, self.group), strict=True):
            f = self.f.expand(len(part), *self.f.shape)
            signs = signs.unsqueeze(1).expand_as(f)
            both = self.by_rows(self._noisy_columns, self.x + self.scaled(log_sigma, part), f, signs)
            self.count(len(part), len(part))
            yield both[..., 0, 0, 0], both[..., 1:, :, :]

    def energies(self, log_sigma: Tensor, noise: Tensor, step: float = 1.0) -> Iterator[Tensor]:
        """‖h(x+ξσ∘δ) − f‖²/ξ² per sample with ξ = `step`, in groups (k, B)."""
        for part in torch.split(noise, self.group):
            # A generator must not be left waiting inside the context: it would hold for its caller too.
            with torch.no_grad():
                x = self.x + step * self.scaled(log_sigma, part)
                f = self.f.expand(len(part), *self.f.shape)
                energies = self.by_rows(self._energy, x, f) / step**2
            self.count(len(part))
            yield energies

    def departures(self, log_sigma: Tensor, noise: Tensor, step: float) -> Iterator[Tensor]:
        """‖d‖², ‖d_ξ‖² and ‖d − d_ξ‖² in groups (k, B, 3): d_ξ = (h(x+ξσ∘δ) − f)/ξ with ξ = `step`, d that of ξ = 1."""

        def compared(whole: Tensor, small: Tensor, f: Tensor) -> Tensor:
            d, d_small = self.h(whole) - f, (self.h(small) - f) / step
            return torch.stack([moved.square().sum(1) for moved in (d, d_small, d - d_small)], 1)

        for part in torch.split(noise, self.group):
            with torch.no_grad():
                shift, f = self.scaled(log_sigma, part), self.f.expand(len(part), *self.f.shape)
                departures = self.by_rows(compared, self.x + shift, self.x + step * shift, f)
            self.count(2 * len(part))
            yield departures

    def energy_gradients(self, log_sigma: Tensor, noise: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Energies as above and their derivatives by log σ_c, in groups (k, B) and (k, B, 1, rows, columns)."""
        for part in torch.split(noise, self.group):
            shift = self.scaled(log_sigma, part)
            f = self.f.expand(len(part), *self.f.shape)
            both = self.by_rows(self._energy_gradient, self.x + shift, f, shift)
            self.count(len(part), len(part))
            yield both[..., 0, 0, 0], both[..., 1:, :, :]

    def _energy(self, x: Tensor, f: Tensor) -> Tensor:
        return (self.h(x) - f).square().sum(1)

    def _noisy_columns(self, x: Tensor, f: Tensor, v: Tensor) -> Tensor:
        """Energy in channel 0 (repeated) and squared products in channel 1, so that one tensor carries both."""
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            output = self.h(x)
            (product,) = torch.autograd.grad(output, x, v, allow_unused=True, materialize_grads=True)
        cells = cell_sum(product.square(), self.shape)
        energy = (output.detach() - f).square().sum(1)
        return torch.cat([energy.view(-1, 1, 1, 1).expand_as(cells), cells], 1)

    def _energy_gradient(self, x: Tensor, f: Tensor, shift: Tensor) -> Tensor:
        """Energy in channel 0 (repeated) and gradient in channel 1, so that one tensor carries both."""
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            energy = self._energy(x, f)
            (gradient,) = torch.autograd.grad(energy.sum(), x, allow_unused=True, materialize_grads=True)
        cells = cell_sum(gradient * shift, self.shape)
        return torch.cat([energy.detach().view(-1, 1, 1, 1).expand_as(cells), cells], 1)

    def scaled(self, log_sigma: Tensor, noise: Tensor) -> Tensor:
        """σ∘δ: (B, 1, rows, columns) and (k, C, H, W) -> (k, B, C, H, W)."""
        return cell_spread(log_sigma.exp(), *self.x.shape[-2:]) * noise.unsqueeze(1)

    def count(self, forward: int, backward: int = 0) -> None:
        """So many samples of every picture went forward, and so many backward."""
        self.forward += forward
        self.backward += backward

    def by_rows(self, work: Callable[..., Tensor], *parts: Tensor) -> Tensor:
        """`work` on tensors (k, B, ...) as rows (k·B, ...), chunk by chunk, back to (k, B, ...)."""
        lead = parts[0].shape[:2]
        flat = [part.reshape(-1, *part.shape[2:]) for part in parts]
        return torch.unflatten(torch.cat(list(self._chunks(work, *flat))), 0, lead)

    def _chunks(self, work: Callable[..., Tensor], *parts: Tensor) -> Iterator[Tensor]:
        start = 0
        while start < len(parts[0]):
            try:
                yield work(*(part[start : start + self.rows] for part in parts))
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                if self.rows == 1:
                    raise MemoryError(
                        "expected the device to have memory for one picture through this network, it has not; "
                        "choose a smaller network or the CPU"
                    ) from None
                self.rows //= 2
                self.grows = False
                if self.x.device.type != "cpu":
                    torch.get_device_module(self.x.device).empty_cache()
            else:
                start += self.rows
                if self.grows and start <= len(parts[0]):
                    self.rows *= 2


def _out_of_memory(error: RuntimeError) -> bool:
    # MPS has no error class of its own.
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)


def _default_rows(x: Tensor) -> int:
    budget = 1 << (16 if x.device.type == "cpu" else 20 if works_ahead(x.device) else 22)
    return max(1, budget // (x.shape[-2] * x.shape[-1]))
