"""Quality and cost of the solvers, side by side in one run: `python -m explainers.benchmark`, `--quick` for a minute.

For every network, layer and picture: the mean entropy in nats, scaled so that the constraint holds on fresh noise
common to all, that each way loses against the best of three long runs by different algorithms from different starts
(ours, that of version 0.1, and plain averaged stochastic ascent); what the result itself says of its loss; the
constraint that it reports; its passes, forward ones as a third; and its time as a ratio to the closed form's.
`--json FILE` keeps the rows with the machine and the versions.
"""

import argparse
import json
import math
import platform
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from explainers.benchmark.refinement_at_x import Effort as EffortAtX
from explainers.benchmark.refinement_at_x import solve_at_x
from explainers.benchmark.request import ComparisonRequest, Row
from explainers.benchmark.stochastic_ascent import ascend
from explainers.cid.acceleration import Acceleration
from explainers.cid.constraint import Estimate
from explainers.cid.descent import descend
from explainers.cid.jacobian import Function
from explainers.cid.results import CIDSettings
from explainers.cid.sampling import Sampler
from explainers.cid.solver import Effort, solve
from explainers.datasets.birds.render import render_bird
from explainers.devices import best_device, parse_device
from explainers.methods.entropies import CID_NAME
from explainers.methods.request import Workbench
from explainers.networks.catalogue import load_network
from explainers.networks.features import Feature
from explainers.randomness import Randomness
from explainers.streams import last
from explainers.surroundings import plain_arithmetic

LAYERS = {
    "resnet20-cifar10": ("layer1.0", "layer2.2", "layer3.2", "avgpool", "fc"),
    "alexnet-birds": ("conv5", "fc6", "fc7", "fc8"),
    "vgg16-birds": ("conv4-3", "conv5-3", "fc6", "fc8"),
}
QUICK = {"resnet20-cifar10": ("layer3.2", "fc")}
LONG_EFFORT = Effort(stages=((16, 64), (480, 192)), enough=-math.inf)
LONG_EFFORT_AT_X = EffortAtX(rounds=3, samples=64, judge_samples=1024, rise=-math.inf)
LONG_ASCENT = 250
SCORE_SAMPLES, SCORE_BLOCK, SCORE_TRIES = 1024, 256, 8
Way = Callable[[Sampler, Randomness], Iterator[Estimate]]
# About what all ways of one picture take.
PASSES = 40_000


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=sorted(LAYERS), help="one network; without it all of them")
    parser.add_argument("--layers", nargs="+", help="of that network")
    parser.add_argument("--beta", type=float, default=CIDSettings.beta)
    parser.add_argument("--pictures", nargs="+", type=int, default=[5], help="numbers of rendered birds")
    parser.add_argument("--quick", action="store_true", help="two layers of one network")
    parser.add_argument("--json", type=Path, help="a file for the rows")
    parser.add_argument("--device", default=str(best_device()))
    parser.add_argument("--channels-last", action="store_true", help="pictures with their channels side by side")
    parser.add_argument("--compile", nargs="?", const="inductor", help="with torch.compile, by its backend")
    args = parser.parse_args()
    with plain_arithmetic():
        run(args)


def run(args: argparse.Namespace) -> None:
    """The table, line by line, and the file."""
    chosen, device = QUICK if args.quick else LAYERS, parse_device(args.device)
    if args.network:
        chosen = {args.network: tuple(args.layers or LAYERS[args.network])}
    acceleration = Acceleration(args.channels_last, args.compile)
    rows: list[Row] = []
    print(f"{'network':<18}{'layer':<10}{'bird':>5}  {'way':<13}{'lost, nats':>11}{'said':>16}", end="")
    print(f"{'constraint':>12}{'backward':>10}{'in all':>8}{'time ×':>8}")
    for name, layers in chosen.items():
        network = load_network(name)
        for layer in layers:
            faster = acceleration.of(Feature(network.module, network.layer(layer), device))
            for picture in args.pictures:
                x = network.preprocess(render_bird(picture, 224).image)[None].to(device)
                request = ComparisonRequest(
                    network,
                    network.layer(layer),
                    x,
                    CID_NAME,
                    partial(compare, faster, x, network.input_size, args.beta),
                    repr((args.beta, acceleration)),
                    PASSES,
                )
                for found in request.stream(Workbench(device)):
                    about = {"network": name, "layer": layer, "picture": picture, "beta": args.beta}
                    rows.append(about | found[-1])
                    print(_line(rows[-1]), flush=True)
    if args.json:
        machine = {"processor": platform.processor() or platform.machine(), "device": _name(device)}
        content = {"machine": machine, "torch": torch.__version__, "rows": rows}
        args.json.write_text(json.dumps(content, indent=1) + "\n")


def _name(device: torch.device) -> str:
    """As its maker calls a card of NVIDIA, else as PyTorch does."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def _line(row: Row) -> str:
    said = "–" if row["said"] is None else f"{row['said']:.4f} ± {row['said_error']:.4f}"
    reached = "–" if row["constraint"] is None else f"{row['constraint']:.3f}"
    start = f"{row['network']:<18}{row['layer']:<10}{row['picture']:>5}  {row['way']:<13}{row['lost']:>11.4f}{said:>16}"
    took = "–" if row["time"] is None else f"{row['time']:.1f}"
    return start + f"{reached:>12}{row['backward']:>10}{row['passes']:>8.0f}{took:>8}"


def compare(h: Function, x: Tensor, shape: tuple[int, int], beta: float) -> Iterator[Row]:
    """The rows of one layer and picture."""
    settings = CIDSettings(beta=beta)
    ways: dict[str, Way] = {
        "closed form": lambda s, r: solve(s, CIDSettings(beta=beta, refine=False), r),
        "refined": lambda s, r: solve(s, settings, r),
        "0.1": lambda s, r: solve_at_x(s, settings, r),
        "paper": lambda s, r: descend(s, settings, r),
        "long": lambda s, r: solve(s, settings, r, LONG_EFFORT),
        "long, 0.1": lambda s, r: solve_at_x(s, settings, r, LONG_EFFORT_AT_X),
    }
    found = {name: _timed(h, x, shape, run) for name, run in ways.items()}
    target = beta * found["long"][0].delta_f2
    scores = {name: score(Sampler(h, x, shape), one[0].log_sigma, target) for name, one in found.items()}
    sampler = Sampler(h, x, shape)
    scores["ascent"] = score(sampler, _ascended(sampler, beta, target), target)
    best, unit = max(scores.values()), found["closed form"][2]
    for name, (estimate, sampler, seconds) in found.items():
        yield {
            "way": name,
            "lost": best - scores[name],
            "said": _number(estimate.loss),
            "said_error": _number(estimate.loss_error),
            "constraint": _number(estimate.constraint),
            "backward": sampler.backward,
            "passes": sampler.backward + sampler.forward / 3,
            "time": seconds / unit,
        }
    passes = LONG_ASCENT * 16 * 4 / 3
    yield {"way": "long ascent", "lost": best - scores["ascent"], "said": None, "said_error": None} | {
        "constraint": None,
        "backward": LONG_ASCENT * 16,
        "passes": passes,
        "time": None,
    }


def _ascended(sampler: Sampler, beta: float, target: Tensor) -> Tensor:
    log_sigma = sampler.uniform(beta)
    log_sigma = log_sigma + (score(sampler, log_sigma, target) - log_sigma.mean())
    return ascend(sampler, log_sigma, target, LONG_ASCENT, Randomness(2))


def _number(value: Tensor) -> float | None:
    return None if value.isnan().any() else value.item()


def _timed(h: Function, x: Tensor, shape: tuple[int, int], run: Way) -> tuple[Estimate, Sampler, float]:
    start = time.monotonic()
    sampler = Sampler(h, x, shape)
    estimate = last(run(sampler, Randomness(0)))
    # Reading a value waits for the device.
    estimate.log_sigma.sum().item()
    return estimate, sampler, time.monotonic() - start


def score(sampler: Sampler, log_sigma: Tensor, target: Tensor, samples: int = SCORE_SAMPLES) -> float:
    """Mean log σ of one picture after σ is scaled until the constraint holds on noise that no way has seen.

    By the secant of log E, kept between the last scale that was too small and the last that was too large.
    """

    def excess(shift: float) -> float:
        energies = [
            part
            for block in range(samples // SCORE_BLOCK)
            for part in sampler.energies(log_sigma + shift, sampler.noise(SCORE_BLOCK, Randomness(1)("score", block)))
        ]
        return math.log(max(torch.cat(energies).mean().item(), 1e-30) / target.item())

    low, high, shift, power, before = -math.inf, math.inf, 0.0, 2.0, None
    for _ in range(SCORE_TRIES):
        value = excess(shift)
        if before is not None and shift != before[0]:
            power = min(20.0, max(0.5, (value - before[1]) / (shift - before[0])))
        if abs(value) < 0.01:
            return log_sigma.mean().item() + shift - value / power
        low, high = (low, shift) if value > 0 else (shift, high)
        before, shift = (shift, value), shift - value / power
        if not low < shift < high:
            shift = (low + high) / 2
    return log_sigma.mean().item() + shift


if __name__ == "__main__":
    main()
