"""Quality and cost of the solvers, side by side in one run: `python -m explainers.benchmark`.

For every layer and constant β: the mean entropy, scaled so that the constraint holds on fresh noise common
to all, that each way loses against a long run of the refinement; the backward passes it took; and its
time as a ratio to the closed form's. The closed form and the refinement are ours, "paper" is the published descent.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from explainers.constraint import Estimate
from explainers.datasets.birds import render_bird
from explainers.devices import best_device
from explainers.features import Feature
from explainers.networks import load_network
from explainers.paper_descent import descend
from explainers.randomness import Randomness
from explainers.refinement import Effort
from explainers.results import CIDSettings
from explainers.sampling import Sampler
from explainers.solver import solve

LONG_RUN = Effort(rounds=12, samples=64, judge_samples=1024, rise=-math.inf)
SCORE_SAMPLES = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="resnet20-cifar10")
    parser.add_argument("--layers", nargs="+", default=["layer2.2", "layer3.2", "fc"])
    parser.add_argument("--betas", nargs="+", type=float, default=[1.5e-4, 1e-2])
    parser.add_argument("--picture", type=int, default=0, help="number of the rendered bird")
    parser.add_argument("--device", default=str(best_device()))
    args = parser.parse_args()

    network = load_network(args.network)
    x = network.preprocess(render_bird(args.picture, 224).image)[None].to(args.device)
    print(f"{args.network} on {args.device}, rendered bird {args.picture}")
    print(f"{'layer':<10}{'beta':>9}  {'method':<12}{'lost, nats':>11}{'constraint':>12}{'backward':>10}{'time ×':>8}")
    for layer in args.layers:
        h = Feature(network.module, network.layer(layer), torch.device(args.device))
        for beta in args.betas:
            _compare(h, x, network.input_size, layer, beta)


def _compare(h: Feature, x: Tensor, shape: tuple[int, int], layer: str, beta: float) -> None:
    settings = CIDSettings(beta=beta)
    long_run, *_ = _timed(h, x, shape, settings, lambda *arguments: solve(*arguments, LONG_RUN))
    target = beta * long_run.delta_f2
    best = _score(h, x, shape, long_run.log_sigma, target)
    ways = {
        "closed form": (CIDSettings(beta=beta, refine=False), solve),
        "refined": (settings, solve),
        "paper": (settings, descend),
    }
    unit = None
    for name, (options, run) in ways.items():
        estimate, sampler, seconds = _timed(h, x, shape, options, run)
        unit = unit or seconds
        lost = best - _score(h, x, shape, estimate.log_sigma, target)
        reached = estimate.constraint.item()
        row = f"{layer:<10}{beta:>9g}  {name:<12}{lost:>11.4f}{reached:>12.3f}"
        print(f"{row}{sampler.backward:>10}{seconds / unit:>8.1f}", flush=True)


def _timed(
    h: Feature, x: Tensor, shape: tuple[int, int], settings: CIDSettings, run: Callable[..., Iterator[Estimate]]
) -> tuple[Estimate, Sampler, float]:
    start = time.monotonic()
    sampler = Sampler(h, x, shape)
    for estimate in run(sampler, settings, Randomness(0, x.device)):
        pass
    return estimate, sampler, time.monotonic() - start


def _score(h: Feature, x: Tensor, shape: tuple[int, int], u: Tensor, target: Tensor) -> float:
    """Mean log σ after σ is scaled until the constraint holds on noise that no method has seen."""
    sampler, shift = Sampler(h, x, shape), 0.0
    for _ in range(8):
        energies = [
            part
            for block in range(SCORE_SAMPLES // 256)
            for part in sampler.energies(u + shift, sampler.noise(256, Randomness(1, x.device)("score", block)))
        ]
        shift += 0.5 * math.log(target.item() / torch.cat(energies).mean().item())
    return u.mean().item() + shift


if __name__ == "__main__":
    main()
