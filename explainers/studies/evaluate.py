"""Scores of any methods over many pictures (Figure 6, Table 2): `python -m explainers.studies.evaluate NETWORK`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from explainers.cid.results import CIDSettings
from explainers.datasets.boxes import read_box_files
from explainers.datasets.folder import ImageFolder
from explainers.evaluation.judge import judge, judgeable, judged_pictures
from explainers.evaluation.measures import REPLACEMENTS, Interval
from explainers.evaluation.methods import (
    PAPER_METHODS,
    MapSettings,
    late_layer,
    layer_titles,
    method_notes,
    title,
)
from explainers.evaluation.pictures import Birds, Folder, Pictures, prepare, read_folder
from explainers.evaluation.randomised import Randomisation, RandomisationSettings
from explainers.evaluation.scores import EvaluationSettings, Judged, Scores, small
from explainers.evaluation.stability import Stability, StabilitySettings
from explainers.networks.catalogue import Network, load_network
from explainers.networks.layers import Layer
from explainers.streams import last

CHECKS = ("scores", "randomisation", "stability")
COSTS = ("passes", "seconds per map")


def main() -> None:
    """The command."""
    parser = _parser()
    args = parser.parse_args()
    count = args.pictures or (200 if args.check == "scores" else 20)
    common: dict[str, Any] = {"magnitude": args.magnitude, "cid": CIDSettings(refine=not args.closed_form)}
    settings = {
        "scores": EvaluationSettings(replacement=args.replacement, **common),
        "randomisation": RandomisationSettings(pictures=count, **common),
        "stability": StabilitySettings(pictures=count, **common),
    }[args.check]
    try:
        network = load_network(args.network)
        if network.segments:
            raise ValueError(f"expected a network with one answer per picture, got {network.title}; choose another")
        layer = network.layer(args.layer) if args.layer else late_layer(network)
        data = open_folder(args.folder, args.boxes, count) if args.folder else Birds(count)
        pictures = last(prepare(network, data))
        assert isinstance(pictures, Pictures)
        if args.small_boxes:
            size = pictures.images.shape[-2:]
            pictures = pictures.chosen([place for place, box in enumerate(pictures.boxes) if small(box, *size)])
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print_table(network, layer, args.methods, pictures, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("--layer", help="the layer of CID and Grad-CAM; the last but the classifier when not given")
    parser.add_argument("--methods", nargs="+", default=PAPER_METHODS, choices=list(method_notes()), metavar="METHOD")
    parser.add_argument("--check", choices=CHECKS, default="scores", help="scores: accuracy and localisation")
    parser.add_argument("--pictures", type=int, help="how many at most; 200, for the other checks 20")
    parser.add_argument("--folder", type=Path, help="a folder of pictures instead of rendered birds")
    parser.add_argument(
        "--boxes",
        type=Path,
        help="their boxes: CSV (name, x0, y0, x1, y1), COCO's JSON, or a folder of YOLO's text files",
    )
    parser.add_argument("--small-boxes", action="store_true", help="of these only the ones that localisation counts")
    parser.add_argument("--replacement", choices=REPLACEMENTS, default="mean", help="what removed pixels show")
    parser.add_argument("--magnitude", action="store_true", help="rank signed maps by their magnitude")
    parser.add_argument("--closed-form", action="store_true", help="CID without refinement")
    return parser


def open_folder(folder: Path, boxes: Path | None, count: int) -> Folder:
    """The first `count` pictures of a folder, by name, with their boxes.

    Raises OSError for what cannot be read, and ValueError, one sentence, where no picture or no box is left.
    """
    named = []
    if boxes is not None:
        sources = sorted(boxes.glob("**/*.txt")) if boxes.is_dir() else [boxes]
        named = [(_below(path, boxes), path.read_bytes()) for path in sources]
    found = read_box_files(named)
    files = [(picture.name, picture.path.read_bytes()) for picture in ImageFolder(folder).pictures[:count]]
    data, problems = read_folder(files, found, str(folder))
    for problem in (*problems, *data.notes):
        print(problem)
    return data


def _below(path: Path, folder: Path) -> str:
    return path.name if path == folder else path.relative_to(folder).as_posix()


def print_table(
    network: Network, layer: Layer, methods: Sequence[str], pictures: Pictures, settings: MapSettings
) -> None:
    """Markdown: what is judged, and a row per method as soon as it is."""
    print("\n".join(_heading(network, layer, pictures, settings)), "\n")
    header: tuple[str, ...] = ()
    for method in methods:
        if reason := judgeable(method, network, layer, settings):
            print(f"{title(method)} is left out: {reason}.", flush=True)
            continue
        judged = last(judge(network, layer, method, pictures, settings))
        if not header:
            header = ("method", *columns(judged, network), *COSTS)
            print(f"| {' | '.join(header)} |\n|{'---|' * len(header)}")
        print(report(judged), flush=True)


def _heading(network: Network, layer: Layer, pictures: Pictures, settings: MapSettings) -> list[str]:
    count = judged_pictures(settings, len(pictures))
    lines = [f"{network.title}, layer {layer.name}, {count} pictures; CID refined: {settings.cid.refine}"]
    if isinstance(settings, EvaluationSettings):
        boxes = sum(small(box, *pictures.images.shape[-2:]) for box in pictures.boxes)
        meant = "species" if pictures.true_labels else "the network's answer to the whole picture"
        lines.append(f"Removed pixels: {settings.replacement}; label: {meant}; {boxes} boxes of at most a third")
    if isinstance(settings, RandomisationSettings):
        lines.append("Similarity (Spearman) to the trained network's map, weights random from the end down to a layer")
    if isinstance(settings, StabilitySettings):
        lines.append(
            f"Change of the order of pixels (0 none, 1.41 unrelated) under noise of ± {settings.radius:.0%} of full "
            f"brightness, {settings.samples} times per picture"
        )
    return lines


def columns(judged: Judged, network: Network) -> tuple[str, ...]:
    """The headings of what was measured."""
    if isinstance(judged, Randomisation):
        return layer_titles(judged.layers, network)
    return ("change",) if isinstance(judged, Stability) else ("descriptive accuracy", "localisation")


def report(judged: Judged) -> str:
    """One row of the printed table: Markdown, means with 95 % bootstrap intervals."""
    intervals: Sequence[Interval | None] = ()
    if isinstance(judged, Randomisation):
        intervals = judged.curve
    elif isinstance(judged, Stability):
        intervals = (judged.change,)
    elif isinstance(judged, Scores):
        intervals = (judged.area, judged.localisation)
    cells = [title(judged.method), *map(_cell, intervals)]
    cells += [f"{judged.passes[0]:.0f} + {judged.passes[1]:.0f}", f"{judged.seconds / judged.maps:.2f}"]
    return f"| {' | '.join(cells)} |"


def _cell(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval.mean:.3f} ({interval.low:.3f}–{interval.high:.3f})"


if __name__ == "__main__":
    main()
