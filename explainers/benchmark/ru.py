"""Quality and cost of RU's solvers, side by side in one run: `python -m explainers.benchmark_ru`.

For every layer that has a decoder: the mean RU in nats after σ is scaled so that the constraint holds on fresh noise
common to all, the constraint before that, the forward and backward passes, and the time as a ratio to the closed
form's. The closed form (CID's σ) and the refinement are ours, "paper" is the published descent of 100 steps and of as
many as `--steps` says. Higher is better: RU is a maximum.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from explainers.benchmark.request import ComparisonRequest, Row
from explainers.cid.descent import STEPS
from explainers.cid.results import ENTROPY_CONSTANT, CIDSettings
from explainers.cid.sampling import Sampler
from explainers.datasets.birds.render import render_bird
from explainers.decoders.cards import find_decoder, load_decoder
from explainers.devices import best_device, parse_device
from explainers.methods.entropies import RU_NAME
from explainers.methods.request import Workbench
from explainers.networks.architectures.decoder import Decoder
from explainers.networks.catalogue import Network, load_network
from explainers.networks.features import Feature
from explainers.networks.layers import Layer
from explainers.randomness import Randomness
from explainers.ru.descent import descend_reconstruction
from explainers.ru.reconstruction import Reconstruction, entropy_logarithm, pairs
from explainers.ru.sampling import ReconstructionSampler
from explainers.ru.solver import solve
from explainers.streams import last
from explainers.surroundings import plain_arithmetic

# About what all ways of one layer take.
PASSES = 20_000
SCORE_SAMPLES, BLOCK, SCALINGS = 4096, 256, 6
Solver = Callable[[Sampler, ReconstructionSampler, CIDSettings, Randomness], Iterator[Reconstruction]]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="resnet20-cifar10")
    parser.add_argument("--layers", nargs="+", default=["layer2.2", "layer3.2"])
    parser.add_argument("--beta", type=float, default=CIDSettings.beta)
    parser.add_argument("--steps", type=int, default=0, help="of a longer run of the descent; 0 leaves it out")
    parser.add_argument("--picture", type=int, default=0, help="number of the rendered bird")
    parser.add_argument("--device", default=str(best_device()))
    args = parser.parse_args()

    with plain_arithmetic():
        run(args)


def run(args: argparse.Namespace) -> None:
    """The table, line by line."""
    network = load_network(args.network, args.device)
    x = network.preprocess(render_bird(args.picture, 224).image)[None].to(parse_device(args.device))
    print(f"{args.network} on {args.device}, rendered bird {args.picture}, β = {args.beta:g}")
    print(f"{'layer':<10}{'method':<14}{'mean RU':>9}{'constraint':>12}{'forward':>10}{'backward':>10}{'time ×':>8}")
    for name in args.layers:
        layer = network.layer(name)
        ways = partial(compare, network, layer, x, args.beta, args.steps)
        request = ComparisonRequest(
            network, layer, x, RU_NAME, ways, repr((args.beta, args.steps)), PASSES + args.steps
        )
        if reason := request.refusal():
            raise SystemExit(f"{name}: {reason}; train one for it first")
        for rows in request.stream(Workbench(x.device)):
            print(_line(name, rows[-1]), flush=True)


def _line(layer: str, row: Row) -> str:
    start = f"{layer:<10}{row['way']:<14}{row['mean']:>9.4f}{row['constraint']:>12.3f}"
    return f"{start}{row['forward']:>10}{row['backward']:>10}{row['time']:>8.1f}"


def compare(network: Network, layer: Layer, x: Tensor, beta: float, steps: int) -> Iterator[Row]:
    """The rows of one layer and picture."""
    card = find_decoder(network, layer)
    assert card is not None
    h, decoder = Feature(network.module, layer, x.device), load_decoder(card).to(x.device)
    refined = CIDSettings(beta=beta)
    ways: dict[str, tuple[CIDSettings, Solver]] = {
        "closed form": (CIDSettings(beta=beta, refine=False), solve),
        "refined": (refined, solve),
        f"paper, {STEPS}": (refined, descend_reconstruction),
    }
    if steps:
        ways[f"paper, {steps}"] = (refined, partial(descend_reconstruction, steps=steps))
    unit = None
    for name, (settings, solver) in ways.items():
        start = time.monotonic()
        sampler, decoded = _samplers(h, decoder, x)
        found = last(solver(sampler, decoded, settings, Randomness(0)))
        # Reading a value waits for the device.
        found.error.sum().item()
        seconds = time.monotonic() - start
        unit = unit or seconds
        target = beta * found.estimate.delta_f2
        yield {
            "way": name,
            "mean": _score(h, decoder, x, found.estimate.log_sigma, target),
            "constraint": found.estimate.constraint.item(),
            "forward": sampler.forward + decoded.forward,
            "backward": sampler.backward + decoded.backward,
            "time": seconds / unit,
        }


def _samplers(h: Feature, decoder: Decoder, x: Tensor) -> tuple[Sampler, ReconstructionSampler]:
    sampler = Sampler(h, x, (x.shape[-2], x.shape[-1]))
    return sampler, ReconstructionSampler(h, decoder, decoder.picture(x), sampler)


def _score(h: Feature, decoder: Decoder, x: Tensor, log_sigma: Tensor, target: Tensor) -> float:
    """Mean RU after σ is scaled until the constraint holds, all on noise that no method has seen."""
    _, decoded = _samplers(h, decoder, x)

    def measured(shift: float) -> tuple[float, Tensor]:
        """The mean energy, and the mean square errors (1, D')."""
        energies: list[Tensor] = []
        errors = torch.zeros_like(decoded.picture)
        for block in range(SCORE_SAMPLES // BLOCK):
            noise = pairs(decoded, BLOCK, Randomness(1)("score", block))
            for energy, part in decoded.errors(log_sigma + shift, noise):
                energies.append(energy)
                errors = errors + part
        return torch.cat(energies).mean().item(), errors / SCORE_SAMPLES

    shift = 0.0
    for _ in range(SCALINGS - 1):
        shift += 0.5 * math.log(target.item() / measured(shift)[0])
    return (0.5 * entropy_logarithm(measured(shift)[1]) + ENTROPY_CONSTANT).mean().item()


if __name__ == "__main__":
    main()
