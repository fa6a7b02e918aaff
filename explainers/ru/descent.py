"""The published way to a map of RU: `cid/descent.py` with H_i = Ĥ_i, of which each step sees a batch of samples."""

from collections.abc import Generator, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from explainers.cid.constraint import Estimate
from explainers.cid.descent import STEPS, steps_down
from explainers.cid.results import CIDSettings
from explainers.cid.sampling import Sampler
from explainers.randomness import Randomness
from explainers.ru.answer import FINAL_SAMPLES
from explainers.ru.reconstruction import Reconstruction, enough, measured, own_errors
from explainers.ru.sampling import ReconstructionSampler
from explainers.streams import meanwhile, relay


def descend_reconstruction(
    sampler: Sampler,
    decoded: ReconstructionSampler,
    settings: CIDSettings,
    randomness: Randomness,
    steps: int = STEPS,
) -> Iterator[Reconstruction]:
    """RU's solutions along the descent; the last one is its end, whatever constraint it reached."""
    own = own_errors(decoded)

    def rise(log_sigma: Tensor, noise: Tensor) -> Generator[None, None, Tensor]:
        both, errors, total = torch.cat([noise, -noise]), torch.zeros_like(own), torch.zeros_like(log_sigma)
        for _, part in decoded.errors(log_sigma, both):
            errors = errors + part
            yield
        for part in decoded.descent(log_sigma, both, (errors / len(both)).clamp_min(1e-12)):
            total = total + part.sum(0)
            yield
        return total / len(both)

    def unmeasured(estimate: Estimate) -> Reconstruction:
        return Reconstruction(estimate, own, torch.full_like(own[:, 0], torch.nan))

    estimate = yield from relay(steps_down(sampler, settings, randomness, rise, steps), unmeasured)
    work = measured(decoded, estimate.log_sigma, enough(decoded, *FINAL_SAMPLES), randomness("final"))
    found = yield from meanwhile(work, unmeasured(estimate))
    estimate = replace(estimate, converged=estimate.holds, stage="done", progress=1.0)
    yield Reconstruction(estimate, found.errors.mean(0), found.error(own))
