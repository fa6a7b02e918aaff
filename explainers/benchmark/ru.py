"""All ways to the RU map of one layer and picture, side by side.

The mean RU in nats after σ is scaled so that the constraint holds on fresh noise common to all, the constraint before
that, what the result says of its loss, the passes, forward ones as a third, and the seconds. The closed form (CID's σ)
and the refinement are ours, "paper" is the published descent. Higher is better: RU is a maximum.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from explainers.benchmark.cid import (
    CLOSED_FORM,
    PAPER,
    REFINED,
    SCORE_BLOCK,
    SCORE_SAMPLES,
    clock,
    number,
    over,
    shift_to_meet,
)
from explainers.benchmark.request import Row
from explainers.cid.results import ENTROPY_CONSTANT, CIDSettings
from explainers.cid.sampling import Sampler
from explainers.decoders.cards import find_decoder, load_decoder
from explainers.networks.architectures.decoder import Decoder
from explainers.networks.catalogue import Network
from explainers.networks.features import Feature
from explainers.networks.layers import Layer
from explainers.randomness import Randomness
from explainers.ru.descent import descend_reconstruction
from explainers.ru.reconstruction import Reconstruction, entropy_logarithm, pairs
from explainers.ru.sampling import ReconstructionSampler
from explainers.ru.solver import solve
from explainers.streams import last

Solver = Callable[[Sampler, ReconstructionSampler, CIDSettings, Randomness], Iterator[Reconstruction]]


def compare(network: Network, layer: Layer, x: Tensor, beta: float, published: bool = True) -> Iterator[Row]:
    """The rows of one layer and picture, those of the `published` descent as well."""
    card = find_decoder(network, layer)
    assert card is not None
    h, decoder = Feature(network.module, layer, x.device), load_decoder(card).to(x.device)
    refined = CIDSettings(beta=beta)
    ways: dict[str, tuple[CIDSettings, Solver]] = {
        CLOSED_FORM: (CIDSettings(beta=beta, refine=False), solve),
        REFINED: (refined, solve),
    }
    if published:
        ways[PAPER] = refined, descend_reconstruction
    for name, (settings, solver) in ways.items():
        began = clock(x.device)
        sampler, decoded = _samplers(h, decoder, x)
        found = last(solver(sampler, decoded, settings, Randomness(0)))
        # Reading a value waits for the device.
        found.error.sum().item()
        seconds = clock(x.device) - began
        forward, backward = sampler.forward + decoded.forward, sampler.backward + decoded.backward
        said = name == REFINED
        yield {
            "way": name,
            "mean": _score(h, decoder, x, found.estimate.log_sigma, beta * found.estimate.delta_f2),
            "said": number(found.estimate.loss) if said else None,
            "said_error": number(found.estimate.loss_error) if said else None,
            "constraint": found.estimate.constraint.item(),
            "forward": forward,
            "backward": backward,
            "passes": backward + forward / 3,
            "seconds": seconds,
        }


def _samplers(h: Feature, decoder: Decoder, x: Tensor) -> tuple[Sampler, ReconstructionSampler]:
    sampler = Sampler(h, x, (x.shape[-2], x.shape[-1]))
    return sampler, ReconstructionSampler(h, decoder, decoder.picture(x), sampler)


def _score(h: Feature, decoder: Decoder, x: Tensor, log_sigma: Tensor, target: Tensor) -> float:
    """Mean RU after σ is scaled until the constraint holds, all on noise that no method has seen."""
    _, decoded = _samplers(h, decoder, x)

    def measured(shift: float) -> tuple[Tensor, Tensor]:
        """The energies (N,), and the mean square errors (1, D')."""
        energies: list[Tensor] = []
        errors = torch.zeros_like(decoded.picture)
        for block in range(SCORE_SAMPLES // SCORE_BLOCK):
            noise = pairs(decoded, SCORE_BLOCK, Randomness(1)("score", block))
            for energy, part in decoded.errors(log_sigma + shift, noise):
                energies.append(energy)
                errors = errors + part
        return torch.cat(energies), errors / SCORE_SAMPLES

    shift = shift_to_meet(lambda shift: over(measured(shift)[0], target))
    return (0.5 * entropy_logarithm(measured(shift)[1]) + ENTROPY_CONSTANT).mean().item()
