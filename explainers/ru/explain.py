r"""Reconstruction uncertainty (RU): how much of each pixel cannot be recovered from a layer, in nats.

.. math:: \max_\sigma \sum_i \hat H_i,\quad \hat H_i = \tfrac12\log\mathbb{E}(x_i - \hat x'_i)^2 + \tfrac12\log(2\pi e)
          \quad\text{s.t.}\quad \mathbb{E}_{\delta\sim N(0,I)}\|f' - f\|^2 = \beta\,\delta_f^2

with f' = h(x + σ∘δ), x̂' = g(f') and g a decoder that was trained to give back the picture. The expectation stands
inside the logarithm and the mean is the picture itself, so the decoder's own error is part of Ĥ, and by
far its largest: it stands beside the map. Source: "Quantification and analysis of layer-wise and pixel-wise
information discarding", ICML 2022, Eqs. 6–7.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from explainers.cid.acceleration import PLAIN, Acceleration
from explainers.cid.attribution import EntropyAttribution
from explainers.cid.jacobian import Function
from explainers.cid.pace import paced
from explainers.cid.results import ENTROPY_CONSTANT, CIDSettings, RUResult
from explainers.cid.sampling import Sampler
from explainers.devices import parse_device
from explainers.grid import resolve_grid
from explainers.networks.copies import structural_copy
from explainers.networks.feature_range import in_range
from explainers.networks.features import Feature
from explainers.networks.inputs import check_inputs
from explainers.networks.layers import Layer
from explainers.networks.silence import stirred
from explainers.randomness import Randomness
from explainers.ru.descent import descend_reconstruction
from explainers.ru.reconstruction import Reconstruction, entropy_logarithm
from explainers.ru.sampling import ReconstructionSampler
from explainers.ru.solver import solve
from explainers.surroundings import with_plain_arithmetic


class RU(EntropyAttribution[RUResult]):
    """RU maps of one layer of one network as its decoder sees it, in Captum's calling convention.

    Ĥ_i = ½ log E(x_i − x̂'_i)² + ½ log 2πe of what the decoder makes of the noisy feature, with the noise that is
    largest in Σ_i Ĥ_i under CID's constraint (ICML 2022, Eqs. 6–7): maps (B, 1, H, W) in nats per pixel, high where
    little can be recovered.

    `decoder` maps feature rows (B, D) to pictures of the inputs' shape; where it has a method `picture`, that says what
    it should give for inputs x, else x itself is. Neither module is changed, and threads may share them.
    `layer`, `device` and `acceleration` as for `CID`.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten())
    >>> decoder = nn.Sequential(nn.Unflatten(1, (4, 8, 8)), nn.Conv2d(4, 3, 1))
    >>> RU(net, "1", decoder).attribute(torch.rand(2, 3, 8, 8)).shape
    torch.Size([2, 1, 8, 8])
    """

    def __init__(
        self,
        model: nn.Module,
        layer: nn.Module | str | Layer,
        decoder: nn.Module,
        device: str | torch.device | None = None,
        acceleration: Acceleration = PLAIN,
    ) -> None:
        super().__init__(model)
        self.acceleration = acceleration
        self.device = None if device is None else parse_device(device)
        self.feature = Feature(model, layer, self.device)
        self.decoder = structural_copy(decoder, self.device, widen=True)

    def stream(self, inputs: Tensor, settings: CIDSettings | None = None, every: bool = False) -> Iterator[RUResult]:
        """Results that sharpen; the last is the answer. Whoever stops iterating stops the work.

        Where the device works ahead of the processor there is one in about 50 ms, else, and with `every`, one for each
        chunk of passes.

        Raises ValueError for inputs that are not finite pictures (B, C, H, W), for a grid that does not divide
        them, and for a decoder that does not give pictures of their shape.
        """
        return with_plain_arithmetic(self._stream(inputs, settings or CIDSettings(), every))

    def _stream(self, inputs: Tensor, settings: CIDSettings, every: bool) -> Iterator[RUResult]:
        check_inputs(inputs)
        start = time.monotonic()
        x = self.feature.pictures(inputs, self.device)
        h, scale = in_range(self.acceleration.feature(self.feature, x), x)
        self.feature.check_gradient(h, x)
        faster = self.acceleration.of(h)
        sampler = Sampler(faster, x, resolve_grid(settings.grid, *x.shape[-2:]))
        picture = self._picture(x)
        g: Function = self.decoder if scale == 1 else lambda rows: self.decoder(rows / scale)
        _check_decoder(g, sampler.f, picture)
        decoded = ReconstructionSampler(faster, self.acceleration.of(g), picture, sampler)
        run = descend_reconstruction if settings.method == "paper" else solve

        def show(found: Reconstruction) -> RUResult:
            estimate = found.estimate
            if estimate.stage == "done":
                silent = ~stirred(h, x, estimate.bounded)
                estimate = replace(estimate, converged=estimate.converged & silent)
            if scale != 1:
                estimate = replace(estimate, delta_f2=estimate.delta_f2.double() / scale**2)
            return _result(replace(found, estimate=estimate), sampler, decoded, settings, time.monotonic() - start)

        solutions = run(sampler, decoded, settings, Randomness(settings.seed))
        yield from map(show, solutions) if every else paced(solutions, x.device, show)

    def _picture(self, x: Tensor) -> Tensor:
        picture: Function | None = getattr(self.decoder, "picture", None)
        if picture is None:
            return x
        with torch.no_grad():
            return picture(x)


def _check_decoder(decoder: Function, rows: Tensor, picture: Tensor) -> None:
    try:
        with torch.no_grad():
            shape = tuple(decoder(rows[:1]).shape[1:])
    except RuntimeError as error:
        raise ValueError(
            f"expected a decoder of this layer's feature, which has {rows.shape[1]} values, got one that does not "
            "take them; choose the decoder that was trained for this layer"
        ) from error
    if shape != tuple(picture.shape[1:]):
        raise ValueError(
            f"expected a decoder that gives pictures of shape {tuple(picture.shape[1:])}, got one that gives {shape}; "
            "choose the decoder that was trained for this network"
        )


def _result(
    found: Reconstruction, sampler: Sampler, decoded: ReconstructionSampler, settings: CIDSettings, seconds: float
) -> RUResult:
    estimate, shape = found.estimate, sampler.x.shape
    entropy = 0.5 * entropy_logarithm(found.square_errors) + ENTROPY_CONSTANT
    own = (decoded.f - decoded.picture).square().mean(1)

    # On the CPU, so that a result that is kept holds no device memory.
    def kept(value: Tensor) -> Tensor:
        return value.detach().cpu()

    return RUResult(
        entropy=kept(entropy.view(shape[0], -1, *shape[-2:]).mean(1, keepdim=True)),
        sigma=kept(estimate.log_sigma.exp()),
        mean=kept(entropy.mean(1)),
        mean_error=kept(found.error),
        delta_f2=kept(estimate.delta_f2),
        constraint=kept(estimate.constraint),
        constraint_error=kept(estimate.constraint_error),
        largest_share=kept(estimate.largest_share),
        loss=kept(estimate.loss),
        loss_error=kept(estimate.loss_error),
        unbounded=kept((~estimate.bounded).sum(dim=(1, 2, 3))),
        converged=kept(estimate.converged),
        forward_passes=sampler.forward + decoded.forward,
        backward_passes=sampler.backward + decoded.backward,
        seconds=seconds,
        stage=estimate.stage,
        progress=estimate.progress,
        settings=settings,
        reconstruction=kept(decoded.f.view(shape[0], -1, *shape[-2:])),
        error=kept(own.sqrt()),
        decoder_share=kept((own / found.square_errors.mean(1).clamp_min(1e-12)).clamp(max=1)),
    )
