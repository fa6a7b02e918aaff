"""The work of the fairness check: one picture, one network and its rescaled copies, measured piece by piece."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from explainers.fairness.maps import LAYERWISE, METHODS, VARIANTS, Bench, Question, Recall, Step, cost
from explainers.fairness.plan import Plan
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer
from explainers.rescaling.rescale import factor, logit_change, rescale, scale_output


@dataclass(frozen=True)
class Proof:
    """Largest absolute changes of a logit, and the answers.

    `change`: with the chosen rescaling; `as_printed`: with the next bias times c too, None where no pair has
    one; `size`: the largest logit itself; `scaled_gap`: between logits of the scaled network and c times the
    logits, None where its output cannot be scaled, for the reason `scaled_reason`.
    """

    change: float
    as_printed: float | None
    size: float
    answer: str
    answer_after: str
    scaled_gap: float | None
    scaled_reason: str = ""


@dataclass(frozen=True, eq=False)
class Check:
    """All that is known so far; NaN where nothing is yet, or never will be for one of the `reasons`.

    `maps` (methods, 3, H, W): before, after the rescaling, with scaled output.
    `factors` (methods, 2): measured for both transformations. `means` (layer-wise methods, 2, stations): mean
    magnitude before and after. `reasons`: per method, empty where it applies.

    `reached` (methods, 3) and `constraints` (layer-wise methods, 2, stations): the constraint E‖f'−f‖² / (β δ_f²) that
    the noise of each closed form reaches, in `maps` and behind `means`; 1 where it holds, NaN for methods without one.
    """

    proof: Proof
    maps: np.ndarray
    factors: np.ndarray
    means: np.ndarray
    reasons: tuple[str, ...]
    progress: float
    note: str
    reached: np.ndarray
    constraints: np.ndarray

    def maps_of(self, method: str) -> np.ndarray:
        """(3, H, W)."""
        return self.maps[METHODS.index(method)]


def check(network: Network, plan: Plan, x: Tensor, question: Question, recall: Recall) -> Iterator[Check]:
    """Ever more of the check for a picture x (3, H, W) in network units: proof, maps, curves.

    `recall(key)` gives an array that was kept, `recall(key, array)` keeps one: what was measured on the network
    as it is serves every c.
    """
    x = x[None]
    networks, proof, target = _prove(network, plan, x, question)
    bench = Bench(networks, plan, x, target, question, recall)
    layer = next(station for station in plan.stations if station.name == question.layer)
    size = (x.shape[-2], x.shape[-1])
    costs = {method: cost(method, size, question) for method in (*METHODS, *LAYERWISE)}
    board = _Board(proof, size, len(plan.stations), tuple(bench.reason(m, layer) for m in METHODS), costs)
    yield board.frame("maps")
    for method in sorted(METHODS, key=costs.__getitem__):
        place = METHODS.index(method)
        for column, variant in enumerate(VARIANTS):
            board.spent += board.costs[method]
            if board.reasons[place] or networks[variant] is None:
                continue
            steps = bench.map(method, layer, variant)
            board.put(method, column, *(yield from _pausing(steps, board, "maps")))
        yield board.frame("maps")
    for station in coarse_to_fine(len(plan.stations)):
        yield from _station(bench, board, plan.stations[station], station)


def _station(bench: Bench, board: "_Board", layer: Layer, station: int) -> Iterator[Check]:
    for row, method in enumerate(LAYERWISE):
        applies = not bench.reason(method, layer)
        for column in range(2):
            board.spent += board.costs[method]
            if applies:
                steps = bench.mean(method, layer, VARIANTS[column])
                mean, reached = yield from _pausing(steps, board, "curves")
                board.means[row, column, station], board.constraints[row, column, station] = mean, reached
    yield board.frame("curves")


def _pausing(steps: Step, board: "_Board", note: str) -> Generator[Check, None, tuple[np.ndarray, np.ndarray]]:
    """The steps' answer, with a frame after each, so that the work can be cancelled in between."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        yield board.frame(note)


class _Board:
    """What has been found so far; `frame` gives it out as a frozen copy."""

    def __init__(
        self, proof: Proof, size: tuple[int, int], stations: int, reasons: tuple[str, ...], costs: dict[str, int]
    ) -> None:
        self.proof, self.reasons, self.costs, self.spent = proof, reasons, costs, 0
        self.maps = np.full((len(METHODS), 3, *size), np.nan, np.float32)
        self.factors = np.full((len(METHODS), 2), np.nan)
        self.means = np.full((len(LAYERWISE), 2, stations), np.nan)
        self.reached = np.full((len(METHODS), 3), np.nan)
        self.constraints = np.full_like(self.means, np.nan)
        per_station = 2 * sum(costs[method] for method in LAYERWISE)
        self.whole = 3 * sum(costs[method] for method in METHODS) + stations * per_station

    def put(self, method: str, column: int, values: np.ndarray, reached: np.ndarray) -> None:
        place = METHODS.index(method)
        self.reached[place, column] = reached
        maps = self.maps[place]
        maps[column] = values
        if column:
            self.factors[place, column - 1] = factor(torch.as_tensor(maps[0]), torch.as_tensor(maps[column]))

    def frame(self, note: str) -> Check:
        arrays = (self.maps.copy(), self.factors.copy(), self.means.copy())
        told = (self.reached.copy(), self.constraints.copy())
        return Check(self.proof, *arrays, self.reasons, self.spent / self.whole, note, *told)


def _prove(network: Network, plan: Plan, x: Tensor, question: Question) -> tuple[dict[str, Network | None], Proof, int]:
    """The rescaled networks, what became of the logits, and the class that all methods explain."""
    pairs, module = plan.chosen(question.pair), network.module
    biased = any(pair.following_bias for pair in pairs)
    plain, printed = (rescale(module, pairs, question.c, next_bias=bias) for bias in (False, True))
    after = printed if question.next_bias else plain
    try:
        scaled, reason = scale_output(module, x, question.c), ""
    except ValueError as error:
        scaled, reason = None, str(error).partition(": ")[2]
    with torch.inference_mode():
        logits = module(x)
        moved = after(x)
        gap = None if scaled is None else float((scaled(x) - question.c * logits).abs().max())
    target = int(_scores(logits).argmax())
    proof = Proof(
        change=logit_change(module, after, x),
        as_printed=logit_change(module, printed, x) if biased else None,
        size=float(logits.abs().max()),
        answer=network.classes[target],
        answer_after=network.classes[int(_scores(moved).argmax())],
        scaled_gap=gap,
        scaled_reason=reason,
    )
    modules = zip(VARIANTS, (module, after, scaled), strict=True)
    return {name: None if net is None else replace(network, module=net) for name, net in modules}, proof, target


def _scores(logits: Tensor) -> Tensor:
    """(classes,): a class's logits at many positions count by their mean."""
    return logits[0].flatten(1).mean(1) if logits.dim() > 2 else logits[0]


def coarse_to_fine(count: int) -> list[int]:
    """The numbers below `count`, first and last first, then ever finer in between.

    >>> coarse_to_fine(6)
    [0, 5, 4, 2, 1, 3]
    """
    order, step = dict.fromkeys((0, count - 1)), 1
    while step * 2 < count:
        step *= 2
    while step:
        order |= dict.fromkeys(range(0, count, step))
        step //= 2
    return list(order)
