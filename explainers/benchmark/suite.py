"""Quality and cost, side by side in one run: `python -m explainers.benchmark`, `--quick` for a minute.

Four parts, all of them unless `--parts` says which: `ways` (`explainers/benchmark/cid.py`), what the solver and others
lose for their passes, over `--pictures`; `others`, what other methods' maps cost beside ours; `scaling`, seconds and
memory against the size of the problem; `ru` (`explainers/benchmark/ru.py`), what RU reaches and takes. At the end the
tables of all rows (`explainers/benchmark/report.py`). `--json FILE` keeps the rows with the machine and the versions,
as they come: a run that was stopped goes on. `--chart FILE` draws the loss against the passes (SVG or PNG, with
Matplotlib). Pictures come one after the other, each with all layers, so that a run that is stopped is even.
"""

import argparse
import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from itertools import chain, product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explainers.benchmark.cid import compare
from explainers.benchmark.others import cost_of_others
from explainers.benchmark.report import printed, told
from explainers.benchmark.request import LAYERS, PLACE, ComparisonRequest, Row
from explainers.benchmark.ru import compare as compare_ru
from explainers.benchmark.scaling import scale
from explainers.cid.acceleration import Acceleration
from explainers.cid.results import CIDSettings
from explainers.datasets.birds.render import render_bird
from explainers.devices import best_device, parse_device
from explainers.methods.entropies import CID_NAME, RU_NAME
from explainers.methods.request import Workbench
from explainers.networks.catalogue import Network, load_network
from explainers.networks.features import Feature
from explainers.networks.layers import Layer
from explainers.storage.versions import method_version
from explainers.streams import last
from explainers.surroundings import plain_arithmetic

QUICK = {"resnet20-cifar10": ("layer1.2",)}
# Layers that ship with a decoder.
RU_LAYERS = {
    "resnet20-cifar10": ("layer2.2", "layer3.2", "fc"),
    "alexnet-birds": ("conv5", "fc6"),
    "vgg16-birds": ("conv5-3",),
}
PARTS = ("ways", "others", "scaling", "ru")
# About what all ways of one picture take, all methods, and all ways of RU.
PASSES, OTHERS_PASSES, RU_PASSES = 36_000, 4_000, 20_000
Chosen = dict[str, tuple[str, ...]]
Rows = dict[str, list[Row]]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", help=f"one network; without it {', '.join(LAYERS)}")
    parser.add_argument("--layers", nargs="+", help="of that network; without them some of all depths")
    parser.add_argument("--beta", type=float, default=CIDSettings.beta)
    parser.add_argument("--pictures", nargs="+", type=int, default=[5], help="numbers of rendered birds")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--quick", action="store_true", help="one layer of one network, and less of the rest")
    parser.add_argument("--json", type=Path, help="a file for the rows; those that it has are not computed again")
    parser.add_argument("--chart", type=Path, help="a file for the chart, .svg or .png")
    parser.add_argument("--device", default=str(best_device()))
    parser.add_argument("--channels-last", action="store_true", help="pictures with their channels side by side")
    parser.add_argument("--fold", action="store_true", help="batch normalisation within convolutions")
    parser.add_argument("--compile", nargs="?", const="inductor", help="with torch.compile, by its backend")
    args = parser.parse_args()
    if args.network and not (args.layers or args.network in LAYERS):
        parser.error(f"expected --layers of {args.network}, got none")
    device, acceleration = parse_device(args.device), Acceleration(args.channels_last, args.compile, args.fold)
    machine = {**_machine(device), "acceleration": repr(acceleration)}
    try:
        rows = _kept(args.json, machine)
    except ValueError as error:
        parser.error(str(error))
    with plain_arithmetic():
        run(args, device, acceleration, machine, rows)


def run(args: argparse.Namespace, device: torch.device, acceleration: Acceleration, machine: Row, rows: Rows) -> None:
    """The parts, row by row, then the tables and the chart."""
    parts = {
        "ways": Part(_chosen(args, LAYERS), args.pictures, CID_NAME, PASSES, partial(_ways, acceleration, args.beta)),
        # Of the last layer of each network, and the first picture.
        "others": Part(
            {name: layers[-1:] for name, layers in _chosen(args, LAYERS).items()},
            args.pictures[:1],
            CID_NAME,
            OTHERS_PASSES,
            lambda network, layer, x: cost_of_others(network, layer, x, args.beta),
        ),
        "ru": Part(
            _chosen(args, RU_LAYERS),
            args.pictures[:1],
            RU_NAME,
            RU_PASSES,
            lambda network, layer, x: compare_ru(network, layer, x, args.beta, published=not args.quick),
        ),
    }
    for name in args.parts:
        if name in parts:
            places = parts[name].places(args.beta, device, rows[name])
        else:
            places = iter(() if rows[name] else [tuple(scale(args.device, args.quick))])
        for found in places:
            rows[name].extend(found)
            _write(args.json, machine, rows)
    print(printed(told(rows)))
    if args.chart:
        from explainers.benchmark.chart import draw

        draw(rows["ways"], args.chart)


def _chosen(args: argparse.Namespace, layers: Chosen) -> Chosen:
    if args.network:
        return {args.network: tuple(args.layers or layers.get(args.network, ()))}
    return QUICK if args.quick else layers


@dataclass(frozen=True)
class Part:
    """Layers and pictures for which `compare` makes rows, of a method without which there are none."""

    layers: Chosen
    pictures: Sequence[int]
    method: str
    passes: int
    compare: Callable[[Network, Layer, Tensor], Iterator[Row]]

    def places(self, beta: float, device: torch.device, there: Sequence[Row]) -> Iterator[tuple[Row, ...]]:
        """All rows of one layer and picture after the other, but for those of which some are `there`."""
        for picture, (name, layers) in product(self.pictures, self.layers.items()):
            network = _network(name, device)
            for layer in map(network.layer, layers):
                about = dict(zip(PLACE, (name, layer.name, picture, beta), strict=True))
                if any(about.items() <= row.items() for row in there):
                    continue
                x = network.preprocess(render_bird(picture, 224).image)[None].to(device)
                work = partial(self.compare, network, layer, x)
                request = ComparisonRequest(network, layer, x, self.method, work, repr(beta), self.passes)
                if request.refusal():
                    continue
                stream = map(partial(_said, name, layer.name, picture), request.stream(Workbench(device)))
                yield tuple({**about, **row} for row in last(chain([()], stream)))


def _said(name: str, layer: str, picture: int, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows, once the last of them has been printed."""
    print(name, layer, picture, *(_short(value) for value in rows[-1].values()), flush=True)
    return rows


def _ways(acceleration: Acceleration, beta: float, network: Network, layer: Layer, x: Tensor) -> Iterator[Row]:
    h = acceleration.of(acceleration.feature(Feature(network.module, layer, x.device), x))
    return compare(h, x, network.input_size, beta)


@cache
def _network(name: str, device: torch.device) -> Network:
    return load_network(name, device)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "–" if value is None else str(value)


def _kept(path: Path | None, machine: Row) -> Rows:
    """The rows of the file, if it is there. Raises ValueError where they are another machine's or version's."""
    if path is None or not path.exists():
        return {part: [] for part in PARTS}
    content: dict[str, Any] = json.loads(path.read_text())
    if (found := content.get("machine")) != machine:
        raise ValueError(f"expected rows of {machine}, got {path} of {found}; name another file")
    return {part: content.get(part, []) for part in PARTS}


def _write(path: Path | None, machine: Row, rows: Rows) -> None:
    """Whole or not at all."""
    if path is None:
        return
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps({"machine": machine, **rows}, indent=1) + "\n")
    os.replace(beside, path)


def _machine(device: torch.device) -> Row:
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
        "methods": [method_version(CID_NAME), method_version(RU_NAME)],
    }
