"""Quality and cost, side by side in one run: `python -m explainers.benchmark`, `--quick` for a minute.

Three parts, all of them unless `--parts` says which: `ways` (`explainers/benchmark/cid.py`), what the solver and others
lose for their passes; `others`, what other methods' maps cost beside ours; `scaling`, seconds and memory against the
size of the problem. `--json FILE` keeps the rows with the machine and the versions, `--chart FILE` draws the loss
against the passes (SVG or PNG, with Matplotlib).
"""

import argparse
import json
import os
import platform
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch

from explainers.benchmark.cid import compare
from explainers.benchmark.others import cost_of_others
from explainers.benchmark.request import LAYERS, ComparisonRequest, Row
from explainers.benchmark.scaling import scale
from explainers.cid.acceleration import Acceleration
from explainers.cid.results import CIDSettings
from explainers.datasets.birds.render import render_bird
from explainers.devices import best_device, parse_device
from explainers.methods.entropies import CID_NAME
from explainers.methods.request import Workbench
from explainers.networks.catalogue import load_network
from explainers.networks.features import Feature
from explainers.storage.versions import method_version
from explainers.surroundings import plain_arithmetic

QUICK = {"resnet20-cifar10": ("layer3.2",)}
PARTS = ("ways", "others", "scaling")
# About what all ways of one picture take, and all methods.
PASSES, OTHERS_PASSES = 40_000, 4_000


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=sorted(LAYERS), help="one network; without it all of them")
    parser.add_argument("--layers", nargs="+", help="of that network")
    parser.add_argument("--beta", type=float, default=CIDSettings.beta)
    parser.add_argument("--pictures", nargs="+", type=int, default=[5], help="numbers of rendered birds")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--quick", action="store_true", help="one layer of one network, and less of the rest")
    parser.add_argument("--json", type=Path, help="a file for the rows")
    parser.add_argument("--chart", type=Path, help="a file for the chart, .svg or .png")
    parser.add_argument("--device", default=str(best_device()))
    parser.add_argument("--channels-last", action="store_true", help="pictures with their channels side by side")
    parser.add_argument("--fold", action="store_true", help="batch normalisation within convolutions")
    parser.add_argument("--compile", nargs="?", const="inductor", help="with torch.compile, by its backend")
    args = parser.parse_args()
    with plain_arithmetic():
        run(args)


def run(args: argparse.Namespace) -> None:
    """The tables, line by line, and the files."""
    device, ways, others = parse_device(args.device), list[Row](), list[Row]()
    chosen = {args.network: tuple(args.layers or LAYERS[args.network])} if args.network else LAYERS
    if args.quick and not args.network:
        chosen = QUICK
    if "ways" in args.parts:
        print(f"{'network':<18}{'layer':<10}{'bird':>5}  {'way':<13}{'lost, nats':>11}{'said':>16}", end="")
        print(f"{'constraint':>12}{'backward':>10}{'in all':>8}{'time ×':>8}")
        acceleration = Acceleration(args.channels_last, args.compile, args.fold)
        ways = _each(args, chosen, device, acceleration)
    if "others" in args.parts:
        print(f"\n{'network':<18}{'layer':<10}{'bird':>5}  {'method':<28}{'passes':>8}{'× ours':>8}{'time ×':>8}")
        others = _each(args, {name: layers[-1:] for name, layers in chosen.items()}, device, None)
    scaling: list[Row] = []
    if "scaling" in args.parts:
        print(f"\n{'what grows':<10}{'to':>6}{'seconds':>10}{'peak memory, MB':>18}")
        for row in scale(args.device, args.quick):
            scaling.append(row)
            print(f"{row['what']:<10}{row['size']:>6}{row['seconds']:>10.2f}{row['megabytes']:>18.0f}", flush=True)
    if args.json:
        content = {"machine": _machine(device), "ways": ways, "others": others, "scaling": scaling}
        args.json.write_text(json.dumps(content, indent=1) + "\n")
    if args.chart:
        from explainers.benchmark.chart import draw

        draw(ways, args.chart)


def _each(
    args: argparse.Namespace,
    chosen: dict[str, tuple[str, ...]],
    device: torch.device,
    acceleration: Acceleration | None,
) -> list[Row]:
    """The rows of every layer and picture: of the ways with an `acceleration`, else of the other methods."""
    rows: list[Row] = []
    for name, layers in chosen.items():
        network = load_network(name, device)
        for layer in map(network.layer, layers):
            h = Feature(network.module, layer, device)
            for picture in args.pictures:
                x = network.preprocess(render_bird(picture, 224).image)[None].to(device)
                if acceleration is None:
                    work, passes = partial(cost_of_others, network, layer, x, args.beta), OTHERS_PASSES
                else:
                    faster = acceleration.of(acceleration.feature(h, x))
                    work, passes = partial(compare, faster, x, network.input_size, args.beta), PASSES
                said = repr((args.beta, acceleration))
                request = ComparisonRequest(network, layer, x, CID_NAME, work, said, passes)
                for found in request.stream(Workbench(device)):
                    about = {"network": name, "layer": layer.name, "picture": picture, "beta": args.beta}
                    rows.append(about | found[-1])
                    print(_line(rows[-1]), flush=True)
    return rows


def _line(row: Row) -> str:
    start = f"{row['network']:<18}{row['layer']:<10}{row['picture']:>5}  "
    if "method" in row:
        return f"{start}{row['method']:<28}{row['passes']:>8.0f}{row['times_passes']:>8.3f}{row['times_seconds']:>8.3f}"
    said = "–" if row["said"] is None else f"{row['said']:.4f} ± {row['said_error']:.4f}"
    reached = "–" if row["constraint"] is None else f"{row['constraint']:.3f}"
    took = "–" if row["time"] is None else f"{row['time']:.1f}"
    start += f"{row['way']:<13}{row['lost']:>11.4f}{said:>16}"
    return start + f"{reached:>12}{row['backward']:>10}{row['passes']:>8.0f}{took:>8}"


def _machine(device: torch.device) -> dict[str, str | int]:
    """What the numbers depend on beyond the settings; a card of NVIDIA as its maker calls it."""
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 0,
        "threads": torch.get_num_threads(),
        "device": card,
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "captum": version("captum"),
        "method": method_version(CID_NAME),
    }
