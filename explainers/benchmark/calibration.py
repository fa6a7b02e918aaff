"""Whether the errors that results state are true: `python -m explainers.benchmark.calibration --json FILE`.

For every network, layer and picture several seeds are refined. What each has lost, against the best of two long runs by
different algorithms and of all seeds, on noise common to all, should lie below the limit that the result states, `loss`
+ 2 `loss_error`, in at least 95 of 100 cases; and the means of the seeds should spread as their `mean_error` says. What
`FILE` has already is not computed again: a run that was stopped goes on.
"""

import argparse
import json
import math
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from explainers.benchmark.cid import LONG_ASCENT, LONG_EFFORT, score
from explainers.benchmark.request import LAYERS, PLACE, ComparisonRequest, Row
from explainers.benchmark.stochastic_ascent import ascend
from explainers.benchmark.tables import markdown, number
from explainers.cid.jacobian import Function
from explainers.cid.results import CIDSettings
from explainers.cid.sampling import Sampler
from explainers.cid.solver import solve
from explainers.datasets.birds.render import render_bird
from explainers.devices import best_device, parse_device
from explainers.methods.entropies import CID_NAME
from explainers.methods.request import Workbench
from explainers.networks.catalogue import load_network
from explainers.networks.features import Feature
from explainers.randomness import Randomness
from explainers.storage.versions import method_version
from explainers.streams import last
from explainers.surroundings import plain_arithmetic

CASE = ("version", *PLACE)
# Of the long runs: no seed that is asked for.
LONG_SEED = 2**40
# Passes of the long runs, and of one seed, about.
LONG_PASSES, SEED_PASSES = 12_000, 1_200


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", help=f"one network; without it {', '.join(LAYERS)}")
    parser.add_argument("--layers", nargs="+", help="of that network; without them some of all depths")
    parser.add_argument("--beta", type=float, default=CIDSettings.beta)
    parser.add_argument("--pictures", nargs="+", type=int, default=[5, 6], help="numbers of rendered birds")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", type=Path, required=True, help="the file of the rows, there or not")
    parser.add_argument("--device", default=str(best_device()))
    args = parser.parse_args()
    if args.network and not (args.layers or args.network in LAYERS):
        parser.error(f"expected --layers of {args.network}, got none")
    with plain_arithmetic():
        run(args)


def run(args: argparse.Namespace) -> None:
    """The rows that are missing, each written as soon as it is there, and what they say together."""
    chosen = {args.network: tuple(args.layers or LAYERS[args.network])} if args.network else LAYERS
    rows: list[Row] = json.loads(args.json.read_text())["rows"] if args.json.exists() else []
    device = parse_device(args.device)
    for name, layers in chosen.items():
        network = load_network(name)
        for layer in layers:
            h = Feature(network.module, network.layer(layer), device)
            for picture in args.pictures:
                about = dict(zip(CASE, (method_version(CID_NAME), name, layer, picture, args.beta), strict=True))
                there = [row for row in rows if about.items() <= row.items()]
                best = next((row for row in there if row["seed"] is None), None)
                seeds = sorted(set(range(args.seeds)) - {row["seed"] for row in there})
                if not seeds:
                    continue
                x = network.preprocess(render_bird(picture, 224).image)[None].to(device)
                request = ComparisonRequest(
                    network,
                    network.layer(layer),
                    x,
                    CID_NAME,
                    partial(calibrate, h, x, network.input_size, args.beta, seeds, best),
                    repr((args.beta, seeds, best)),
                    LONG_PASSES + SEED_PASSES * len(seeds),
                )
                for found in request.stream(Workbench(device)):
                    rows.append(about | found[-1])
                    print(*rows[-1].values(), flush=True)
                    _write(args.json, rows)
    print(told(rows))


def calibrate(
    h: Function, x: Tensor, shape: tuple[int, int], beta: float, seeds: Sequence[int], best: Row | None
) -> Iterator[Row]:
    """The row of the long runs, where `best` is not that, and one for each of the seeds."""
    settings, sampler = CIDSettings(beta=beta), Sampler(h, x, shape)
    if best is None:
        long = last(solve(Sampler(h, x, shape), settings, Randomness(LONG_SEED), LONG_EFFORT))
        target = beta * long.delta_f2
        start = sampler.uniform(beta)
        start = start + (score(sampler, start, target) - start.mean())
        ascended = ascend(Sampler(h, x, shape), start, target, LONG_ASCENT, Randomness(LONG_SEED))
        reached = max(score(sampler, log_sigma, target) for log_sigma in (long.log_sigma, ascended))
        best = {"seed": None, "target": target.item(), "best": reached}
        yield best
    target = torch.full_like(sampler.f[:, 0], best["target"])
    for seed in seeds:
        found = last(solve(Sampler(h, x, shape), settings, Randomness(seed)))
        yield {
            "seed": seed,
            "lost": best["best"] - score(sampler, found.log_sigma, target),
            "loss": found.loss.item(),
            "loss_error": found.loss_error.item(),
            "mean": found.mean_log_sigma.item(),
            "mean_error": found.mean_error.item(),
            "constraint": found.constraint.item(),
            "constraint_error": found.constraint_error.item(),
            "converged": found.converged.item(),
        }


def below(row: Row) -> bool:
    """What was lost lies below the limit that the result states."""
    return row["lost"] <= row["loss"] + 2 * row["loss_error"]


def against_the_best(rows: Sequence[Row]) -> list[Row]:
    """The seeds of one picture, their losses against the best of the long runs and of the seeds themselves."""
    ahead = min(0.0, *(row["lost"] for row in rows))
    return [{**row, "lost": row["lost"] - ahead} for row in rows]


def spread(rows: Sequence[Row]) -> float:
    """Standard deviation of the means of one picture's seeds, over the root mean square of the errors they state."""
    means = torch.tensor([row["mean"] for row in rows], dtype=torch.float64)
    errors = torch.tensor([row["mean_error"] for row in rows], dtype=torch.float64)
    return (means.std() / errors.square().mean().sqrt()).item()


def told(rows: Sequence[Row]) -> str:
    """A table with a line for every picture, and what all say together."""
    places: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row["seed"] is not None:
            places[tuple(row[name] for name in CASE)].append(row)
    cases = [against_the_best(place) for place in places.values()]
    seeds = [row for case in cases for row in case]
    spreads = [spread(case) for case in cases if len(case) > 1]
    together = math.sqrt(sum(value**2 for value in spreads) / len(spreads)) if spreads else math.nan
    head = "network, layer", "bird", "lost, mean (most)", "said, mean", "limit, mean", "below the limit"
    return (
        markdown((*head, "means spread, of what is stated", "converged"), map(_line, cases))
        + f"\n\n{sum(map(below, seeds))} of {len(seeds)} lie below their limit, {_converged(seeds)} of them say that "
        f"they have converged; the means of seeds spread {together:.2f} times as far as they state, over "
        f"{len(spreads)} pictures."
    )


def _line(seeds: Sequence[Row]) -> Sequence[str]:
    first, count = seeds[0], len(seeds)
    limits = [row["loss"] + 2 * row["loss_error"] for row in seeds]
    lost = [row["lost"] for row in seeds]
    return (
        f"{first['network']} `{first['layer']}`",
        f"{first['picture']}",
        f"{number(fmean(lost), '.4f')} ({number(max(lost), '.4f')})",
        f"{fmean(row['loss'] for row in seeds):.4f}",
        f"{fmean(limits):.4f}",
        f"{sum(map(below, seeds))} of {count}",
        f"{spread(seeds):.2f}" if count > 1 else "–",
        f"{_converged(seeds)} of {count}",
    )


def _converged(seeds: Sequence[Row]) -> int:
    return sum(row["converged"] for row in seeds)


def _write(path: Path, rows: Sequence[Row]) -> None:
    """Whole or not at all."""
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps({"torch": torch.__version__, "rows": rows}, indent=1) + "\n")
    os.replace(beside, path)


if __name__ == "__main__":
    main()
