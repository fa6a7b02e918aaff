"""Descriptive accuracy and localisation of any methods (Figure 6, Table 2): `python -m explainers.studies.evaluate`."""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from explainers.cid import CID
from explainers.datasets.boxes import Box
from explainers.evaluation import (
    FRACTIONS,
    REPLACEMENTS,
    Interval,
    bootstrap_interval,
    box_share,
    descriptive_accuracy,
    localisation,
)
from explainers.layers import Layer
from explainers.networks import Network, load_network
from explainers.results import CIDSettings
from explainers.studies.evaluation_data import Birds, Pictures, prepare

if TYPE_CHECKING:
    from explainers.baselines import Method

CID_NAME, RANDOM = "cid", "random"
OWN = {CID_NAME: "CID", RANDOM: "Random order"}
# Pictures whose box covers more say little: almost any map hits it.
LARGEST_BOX = 1 / 3
# Beyond so many passes a picture is a step of its own, so that Cancel is soon heard.
MANY_PASSES = 16
PAPER_METHODS = (CID_NAME, "grad_cam", "lrp", "saliency", "input_x_gradient", "guided_backprop", "cam", RANDOM)


@dataclass(frozen=True)
class EvaluationSettings:
    """How maps are judged.

    - `replacement`: "mean", "blur" or "noise", what removed pixels show; `fractions`: how much is removed.
    - `magnitude`: rank pixels of signed maps by |value|, not by the value.
    - `batch`: pictures whose maps are computed together; `seed`: of noise and of ties.
    """

    replacement: str = "mean"
    fractions: tuple[float, ...] = FRACTIONS
    magnitude: bool = False
    batch: int = 8
    seed: int = 0
    cid: CIDSettings = field(default_factory=lambda: CIDSettings(refine=False))


@dataclass(frozen=True, eq=False)
class Scores:
    """What is known of one method so far, after `count` of the pictures.

    `areas` (count,) under the curve of each picture alone; `correct` (count, fractions), bool; `shares` the
    localisation of each picture whose box covers at most a third. `passes` are forward and backward passes per
    picture; `seconds` were spent on the maps alone, `elapsed` with judging them.
    """

    method: str
    fractions: tuple[float, ...]
    areas: Tensor = field(repr=False)
    correct: Tensor = field(repr=False)
    shares: tuple[float, ...] = field(repr=False)
    count: int
    progress: float
    passes: tuple[float, float]
    seconds: float
    elapsed: float
    true_labels: bool

    @property
    def accuracy(self) -> tuple[float, ...]:
        """Share of pictures still answered as labelled, for each fraction."""
        return tuple(self.correct.double().mean(0).tolist())

    @property
    def area(self) -> Interval:
        """Descriptive accuracy: the mean accuracy over all fractions, 0 to 1."""
        return bootstrap_interval(self.areas.tolist())

    @property
    def localisation(self) -> Interval | None:
        """0 to 1; None without a picture whose box is small enough."""
        return bootstrap_interval(self.shares) if self.shares else None

    @property
    def nbytes(self) -> int:
        return self.areas.nbytes + self.correct.nbytes + 8 * len(self.shares)


def evaluate(
    network: Network, layer: Layer, method: str, pictures: Pictures, settings: EvaluationSettings
) -> Iterator[Scores]:
    """Scores over ever more of the pictures; the last are those of all.

    The importance of CID is −CID. The class that a method explains is the picture's label. Raises ValueError,
    with the reason, where the method does not apply.
    """
    device = next(network.module.parameters()).device
    judged, shares, seconds, elapsed = [], [], 0.0, 0.0
    step = 1 if _passes(method, network) > MANY_PASSES else settings.batch
    for start in range(0, len(pictures), step):
        part = slice(start, start + step)
        images, labels = pictures.images[part].to(device), pictures.labels[part]
        began = time.perf_counter()
        maps, passes = _importance(
            network, layer, method, images, labels, replace(settings, seed=settings.seed + start)
        )
        seconds += time.perf_counter() - began
        judged.append(
            descriptive_accuracy(
                network.module, images, labels, maps, settings.fractions, settings.replacement, seed=settings.seed
            )
        )
        boxes = zip(maps, pictures.boxes[part], strict=True)
        shares += [localisation(map, box) for map, box in boxes if small(box, *map.shape[-2:])]
        elapsed += time.perf_counter() - began
        count = start + len(images)
        yield Scores(
            method=method,
            fractions=settings.fractions,
            areas=torch.cat([one.areas for one in judged]),
            correct=torch.cat([one.correct for one in judged]),
            shares=tuple(shares),
            count=count,
            progress=count / len(pictures),
            passes=passes,
            seconds=seconds,
            elapsed=elapsed,
            true_labels=pictures.true_labels,
        )


def refusal(method: str, network: Network, layer: Layer) -> str | None:
    """Why a method has no map for this network and layer; None where it has one."""
    if method in OWN:
        return None
    from explainers.baselines import applies

    return applies(method, network, layer)


def method_notes() -> dict[str, str]:
    """Every method that can be judged with a sentence on what it shows, in the order in which to offer them."""
    own = {
        CID_NAME: "How much of each pixel the layer keeps: a pixel matters where little noise fits in (the map in "
        "nats with its sign turned).",
        RANDOM: "No method: pixels in an order drawn at random, which every other one must beat.",
    }
    return {CID_NAME: own[CID_NAME]} | {n: m.sentence for n, m in _baselines().items()} | {RANDOM: own[RANDOM]}


def _baselines() -> dict[str, "Method"]:
    # They bring Captum and scikit-learn: whoever does not judge maps need not wait for these.
    from explainers.baselines import METHODS

    return METHODS


def title(method: str) -> str:
    """
    >>> title("cid"), title("grad_cam")
    ('CID', 'Grad-CAM')
    """
    return OWN[method] if method in OWN else _baselines()[method].title


def uses_layer(method: str) -> bool:
    """Whether the scores depend on the layer."""
    return method == CID_NAME or (method != RANDOM and _baselines()[method].needs_layer)


def small(box: Box | None, height: int, width: int) -> bool:
    """Whether there is a box, and it covers at most a third of the picture."""
    return box is not None and box_share(box, width, height) <= LARGEST_BOX


def _importance(
    network: Network, layer: Layer, method: str, images: Tensor, labels: Tensor, settings: EvaluationSettings
) -> tuple[Tensor, tuple[float, float]]:
    """(B, 1, H, W), the higher the more important, and the passes that each picture took."""
    if method == RANDOM:
        noise = torch.Generator().manual_seed(settings.seed)
        return torch.rand(len(images), 1, *images.shape[-2:], generator=noise), (0, 0)
    if method == CID_NAME:
        result = CID(network.module, layer).explain(images, settings.cid)
        return -result.entropy, (result.forward_passes, result.backward_passes)
    from explainers.baselines import explain

    made = explain(method, network, layer, images, labels.to(images.device))
    values = made.map.cpu()
    return values.abs() if settings.magnitude else values, (made.forward_passes, made.backward_passes)


def expected_passes(method: str, network: Network, settings: EvaluationSettings) -> int:
    """Forward and backward passes for one picture's map and its judgement, to estimate how long it takes."""
    maps = {CID_NAME: 2000 if settings.cid.refine else 600, RANDOM: 0}.get(method)
    return (_passes(method, network) if maps is None else maps) + len(settings.fractions)


def _passes(method: str, network: Network) -> int:
    return 0 if method in OWN else sum(_baselines()[method].passes(*network.input_size))


def report(scores: Scores) -> str:
    """One row of the printed table: Markdown, means with 95 % bootstrap intervals."""
    cells = [title(scores.method), _cell(scores.area), _cell(scores.localisation)]
    cells += [f"{scores.passes[0]:.0f} + {scores.passes[1]:.0f}", f"{scores.seconds / scores.count:.2f}"]
    return f"| {' | '.join(cells)} |"


def _cell(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval.mean:.3f} ({interval.low:.3f}–{interval.high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("--layer", help="the layer of CID and Grad-CAM; the last but the classifier when not given")
    parser.add_argument("--methods", nargs="+", default=PAPER_METHODS, choices=list(method_notes()), metavar="METHOD")
    parser.add_argument("--pictures", type=int, default=200, help="how many rendered birds")
    parser.add_argument("--replacement", choices=REPLACEMENTS, default="mean", help="what removed pixels show")
    parser.add_argument("--magnitude", action="store_true", help="rank signed maps by their magnitude")
    parser.add_argument("--closed-form", action="store_true", help="CID without refinement")
    args = parser.parse_args()
    network = load_network(args.network)
    layer = network.layer(args.layer) if args.layer else late_layer(network)
    settings = EvaluationSettings(
        replacement=args.replacement, magnitude=args.magnitude, cid=CIDSettings(refine=not args.closed_form)
    )
    for pictures in prepare(network, Birds(args.pictures)):
        pass
    _table(network, layer, args.methods, pictures, settings)


def late_layer(network: Network) -> Layer:
    """The last layer whose feature is a map of at least four by four positions; the first if there is none."""
    maps = [layer for layer in network.layers if len(layer.shape) == 3 and min(layer.shape[1:]) >= 4]
    return [layer for layer in maps if layer.kind != "pooling"][-1] if maps else network.layers[0]


def _table(
    network: Network, layer: Layer, methods: Sequence[str], pictures: Pictures, settings: EvaluationSettings
) -> None:
    size = pictures.images.shape[-2:]
    boxes = sum(small(box, *size) for box in pictures.boxes)
    print(f"{network.title}, layer {layer.name}, {len(pictures)} rendered birds, {boxes} with a box of at most a third")
    meant = "species" if pictures.true_labels else "the network's answer to the whole picture"
    print(f"Removed pixels: {settings.replacement}; label: {meant}; CID refined: {settings.cid.refine}\n")
    print("| method | descriptive accuracy | localisation | passes | seconds per picture |\n|---|---|---|---|---|")
    for method in methods:
        if reason := refusal(method, network, layer):
            print(f"| {title(method)} | {reason} | | | |", flush=True)
            continue
        for scores in evaluate(network, layer, method, pictures, settings):
            pass
        print(report(scores), flush=True)


if __name__ == "__main__":
    main()
