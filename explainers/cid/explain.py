r"""Computational information discarding (CID): how much of each pixel a layer does not use, in nats.

.. math:: \max_\sigma \sum_i H_i(\sigma_i),\quad H_i = \log\sigma_i + \tfrac12\log(2\pi e)
          \quad\text{s.t.}\quad \mathbb{E}_{\delta\sim N(0,I)}\|h(x+\sigma\circ\delta) - h(x)\|^2 = \beta\,\delta_f^2

Source: "Quantification and analysis of layer-wise and pixel-wise information discarding", ICML 2022,
Eqs. 2–4. The seed, settings and everything that was reached stand in the result.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from explainers.cid.acceleration import PLAIN, Acceleration
from explainers.cid.attribution import EntropyAttribution
from explainers.cid.constraint import Estimate
from explainers.cid.descent import descend
from explainers.cid.pace import paced
from explainers.cid.results import ENTROPY_CONSTANT, CIDResult, CIDSettings
from explainers.cid.sampling import Sampler
from explainers.cid.solver import solve
from explainers.devices import parse_device
from explainers.grid import cell_spread, resolve_grid
from explainers.networks.feature_range import in_range
from explainers.networks.features import Feature
from explainers.networks.inputs import check_inputs
from explainers.networks.layers import Layer
from explainers.networks.silence import stirred
from explainers.randomness import Randomness
from explainers.surroundings import with_plain_arithmetic


class CID(EntropyAttribution[CIDResult]):
    """CID maps of one layer of one network, in Captum's calling convention.

    H_i = log σ_i + ½ log 2πe of the noise that is largest in Σ_i H_i with E‖h(x + σ∘δ) − h(x)‖² = β δ_f² (ICML 2022,
    Eqs. 2–4): maps (B, 1, H, W) in nats per pixel, high where the layer uses little, +inf where it uses nothing.

    `model` maps pictures (B, C, H, W) to anything; it is never changed, and may be shared by threads.
    `layer` is a module of it, a path ("layer2.1"), a readable name or a `Layer`. `device` is "cpu", "cuda",
    "mps" or None, which leaves the work where the inputs are. `acceleration` says how to make the
    device faster, by default nothing.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    >>> CID(net, "1").attribute(torch.rand(2, 3, 8, 8)).shape
    torch.Size([2, 1, 8, 8])
    """

    def __init__(
        self,
        model: nn.Module,
        layer: nn.Module | str | Layer,
        device: str | torch.device | None = None,
        acceleration: Acceleration = PLAIN,
    ) -> None:
        super().__init__(model)
        self.acceleration = acceleration
        self.device = None if device is None else parse_device(device)
        self.feature = Feature(model, layer, self.device)

    def stream(self, inputs: Tensor, settings: CIDSettings | None = None, every: bool = False) -> Iterator[CIDResult]:
        """Results that sharpen; the last is the answer. Whoever stops iterating stops the work.

        Where the device works ahead of the processor there is one in about 50 ms, else, and with `every`, one for each
        chunk of passes.

        Raises ValueError for inputs that are not finite pictures (B, C, H, W), and for a grid that does not
        divide them.
        """
        return with_plain_arithmetic(self._stream(inputs, settings or CIDSettings(), every))

    def _stream(self, inputs: Tensor, settings: CIDSettings, every: bool) -> Iterator[CIDResult]:
        check_inputs(inputs)
        start = time.monotonic()
        x = self.feature.pictures(inputs, self.device)
        h, scale = in_range(self.acceleration.feature(self.feature, x), x)
        self.feature.check_gradient(h, x)
        sampler = Sampler(self.acceleration.of(h), x, resolve_grid(settings.grid, *x.shape[-2:]))
        run = descend if settings.method == "paper" else solve

        def show(estimate: Estimate) -> CIDResult:
            if estimate.stage == "done":
                silent = ~stirred(h, x, estimate.bounded)
                estimate = replace(estimate, converged=estimate.converged & silent)
            if scale != 1:
                estimate = replace(estimate, delta_f2=estimate.delta_f2.double() / scale**2)
            return _result(estimate, sampler, settings, time.monotonic() - start)

        estimates = run(sampler, settings, Randomness(settings.seed))
        yield from map(show, estimates) if every else paced(estimates, x.device, show)


def _result(estimate: Estimate, sampler: Sampler, settings: CIDSettings, seconds: float) -> CIDResult:
    log_sigma = torch.where(estimate.bounded, estimate.log_sigma, torch.inf)
    used = estimate.bounded.any(dim=(1, 2, 3))

    # On the CPU, so that a result that is kept holds no device memory.
    def kept(value: Tensor) -> Tensor:
        return value.detach().cpu()

    return CIDResult(
        entropy=kept(cell_spread(log_sigma + ENTROPY_CONSTANT, *sampler.x.shape[-2:])),
        sigma=kept(log_sigma.exp()),
        mean=kept(torch.where(used, estimate.mean_log_sigma + ENTROPY_CONSTANT, torch.inf)),
        mean_error=kept(estimate.mean_error),
        delta_f2=kept(estimate.delta_f2),
        constraint=kept(estimate.constraint),
        constraint_error=kept(estimate.constraint_error),
        largest_share=kept(estimate.largest_share),
        loss=kept(estimate.loss),
        loss_error=kept(estimate.loss_error),
        unbounded=kept((~estimate.bounded).sum(dim=(1, 2, 3))),
        converged=kept(estimate.converged),
        forward_passes=sampler.forward,
        backward_passes=sampler.backward,
        seconds=seconds,
        stage=estimate.stage,
        progress=estimate.progress,
        settings=settings,
    )
