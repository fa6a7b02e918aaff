"""The work of the fairness check: one picture, one network and its rescaled copies, measured piece by piece."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from explainers import CID, CIDSettings
from explainers.call_trace import Call, trace
from explainers.layers import Layer
from explainers.networks import Network
from explainers.rescaling import Pair, factor, logit_change, rescalable_pairs, rescale, scale_output

# The order of the page; the curves are drawn for those that look at a layer.
METHODS = ("cid", "activation", "layer_gradient", "grad_cam", "lrp", "saliency", "input_x_gradient")
LAYERWISE = METHODS[:4]
VARIANTS = ("before", "after", "scaled")
PROBES = 32
# What a CID map costs, in maps of the others: for the estimate of the time that remains.
CID_COST = 6

Recall = Callable[[tuple[str, ...], np.ndarray | None], np.ndarray | None]
Step = Generator[None, None, np.ndarray]


@dataclass(frozen=True, eq=False)
class Plan:
    """Where a network can be rescaled and looked at.

    `stations` are the layers a reader knows and the features of the pairs, in order of execution; `shrunk`
    has for each pair the names of the stations whose feature is divided by c.
    """

    pairs: tuple[Pair, ...]
    stations: tuple[Layer, ...]
    shrunk: tuple[frozenset[str], ...]

    @property
    def allowed(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.rescalable)

    def chosen(self, pair: str) -> tuple[Pair, ...]:
        """The pair that begins at the layer called `pair`; every rescalable one for ""."""
        return tuple(known for known in self.allowed if pair in ("", known.layer_name))

    def shrunk_by(self, pair: str) -> frozenset[str]:
        """Names of the stations that the choice divides by c."""
        chosen = set(self.chosen(pair))
        return frozenset().union(*(s for p, s in zip(self.pairs, self.shrunk, strict=True) if p in chosen))


@dataclass(frozen=True)
class Question:
    """What is asked: station looked at, c, the pair by its first layer ("": all), the erratum, CID's settings."""

    layer: str
    c: float = 4.0
    pair: str = ""
    next_bias: bool = False
    beta: float = 1.5e-4
    grid: int | None = None
    seed: int = 0

    @property
    def settings(self) -> CIDSettings:
        """The closed form alone: rescaling moves it as it would move the refined map, at a tenth of the time."""
        return CIDSettings(beta=self.beta, grid=self.grid, refine=False, probes=PROBES, seed=self.seed)


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

    `cid` (3, H, W) nats and `maps` (methods − 1, 3, H, W): before, after the rescaling, with scaled output.
    `factors` (methods, 2): measured for both transformations. `means` (layer-wise methods, 2, stations): mean
    magnitude before and after. `reasons`: per method, empty where it applies.
    """

    proof: Proof
    cid: np.ndarray
    maps: np.ndarray
    factors: np.ndarray
    means: np.ndarray
    reasons: tuple[str, ...]
    progress: float
    note: str

    def maps_of(self, method: str) -> np.ndarray:
        """(3, H, W)."""
        return self.cid if method == "cid" else self.maps[METHODS.index(method) - 1]


def plan(network: Network) -> Plan:
    """The pairs and stations of a network, from one forward pass."""
    weight = next(network.module.parameters())
    example = torch.zeros(1, 3, *network.input_size, device=weight.device, dtype=weight.dtype)
    pairs = rescalable_pairs(network.module, example)
    order = {place: n for n, place in enumerate(_finished(trace(network.module, example)))}
    known = {(layer.path, layer.call): layer for layer in network.layers}
    for pair in pairs:
        if pair.feature is not None:
            known.setdefault((pair.feature.path, pair.feature.call), pair.feature)
    places = sorted((p for p in known if p in order), key=order.__getitem__)
    stations = tuple(replace(known[place], depth=depth) for depth, place in enumerate(places))

    def shrunk(pair: Pair) -> frozenset[str]:
        if pair.feature is None:
            return frozenset()
        first = order[pair.feature.path, pair.feature.call]
        end = order.get((pair.following, 0), first + 1)
        between = [s for s in stations if first <= order[s.path, s.call] < max(end, first + 1)]
        return frozenset(station.name for station in between)

    return Plan(pairs, stations, tuple(shrunk(pair) for pair in pairs))


def check(network: Network, plan: Plan, x: Tensor, question: Question, recall: Recall) -> Iterator[Check]:
    """Ever more of the check for a picture x (3, H, W) in network units: proof, maps, curves.

    `recall(key)` gives an array that was kept, `recall(key, array)` keeps one: what was measured on the network
    as it is serves every c.
    """
    x = x[None]
    networks, proof, target = _prove(network, plan, x, question)
    bench = _Bench(networks, x, target, question, recall)
    layer = next(station for station in plan.stations if station.name == question.layer)
    board = _Board(proof, x.shape[-2:], len(plan.stations), tuple(_reason(m, network, layer, x) for m in METHODS))
    yield board.frame("maps")
    for method in (*METHODS[1:], "cid"):
        place = METHODS.index(method)
        for column, variant in enumerate(VARIANTS):
            board.spent += _cost(method)
            if board.reasons[place] or networks[variant] is None:
                continue
            steps = bench.map(method, layer, variant)
            board.put(method, column, (yield from _pausing(steps, board, "maps")))
        yield board.frame("maps")
    for station in coarse_to_fine(len(plan.stations)):
        yield from _station(bench, board, plan.stations[station], station, network)


def _station(bench: "_Bench", board: "_Board", layer: Layer, station: int, network: Network) -> Iterator[Check]:
    for row, method in enumerate(LAYERWISE):
        applies = not _reason(method, network, layer, bench.x)
        for column in range(2):
            board.spent += _cost(method)
            if applies:
                steps = bench.mean(method, layer, VARIANTS[column])
                board.means[row, column, station] = yield from _pausing(steps, board, "curves")
    yield board.frame("curves")


def _pausing(steps: Step, board: "_Board", note: str) -> Generator[Check, None, np.ndarray]:
    """The steps' answer, with a frame after each, so that the work can be cancelled in between."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        yield board.frame(note)


class _Bench:
    """Maps of the three networks; those of the network as it is are kept for the next question."""

    def __init__(
        self, networks: dict[str, Network | None], x: Tensor, target: int, question: Question, recall: Recall
    ) -> None:
        self.networks, self.x, self.target, self.question, self.recall = networks, x, target, question, recall

    def map(self, method: str, layer: Layer, variant: str) -> Step:
        """(H, W)."""
        return self._kept(
            ("map", method, *self._place(method, layer)), variant, lambda: self._map(method, layer, variant)
        )

    def mean(self, method: str, layer: Layer, variant: str) -> Step:
        """Mean of the map where it is finite, a 0-d array."""
        return self._kept(
            ("mean", method, *self._place(method, layer)), variant, lambda: self._mean(method, layer, variant)
        )

    def _place(self, method: str, layer: Layer) -> tuple[str, ...]:
        settings = repr(self.question.settings) if method == "cid" else str(self.target)
        return (layer.path, str(layer.call), settings)

    def _kept(self, key: tuple[str, ...], variant: str, make: Callable[[], Step]) -> Step:
        if variant != "before":
            return (yield from make())
        if (known := self.recall(key, None)) is None:
            known = yield from make()
            self.recall(key, known)
        return known

    def _mean(self, method: str, layer: Layer, variant: str) -> Step:
        values = yield from self._map(method, layer, variant)
        finite = values[np.isfinite(values)]
        return np.float64(finite.mean(dtype=np.float64)) if finite.size else np.float64(np.inf)

    def _map(self, method: str, layer: Layer, variant: str) -> Step:
        network = self.networks[variant]
        if method != "cid":
            from explainers.baselines import attribute

            yield
            return attribute(method, network, layer, self.x, target=self.target)[0, 0].cpu().numpy()
        for result in CID(network.module, layer).stream(self.x, self.question.settings):
            # All probes are in, or the closed form is being measured: the map stands.
            if result.backward_passes >= PROBES or not result.constraint.isnan().all():
                break
            yield
        return result.entropy[0, 0].numpy()


class _Board:
    """What has been found so far; `frame` gives it out as a frozen copy."""

    def __init__(self, proof: Proof, size: tuple[int, int], stations: int, reasons: tuple[str, ...]) -> None:
        self.proof, self.reasons, self.spent = proof, reasons, 0
        self.cid = np.full((3, *size), np.nan, np.float32)
        self.maps = np.full((len(METHODS) - 1, 3, *size), np.nan, np.float32)
        self.factors = np.full((len(METHODS), 2), np.nan)
        self.means = np.full((len(LAYERWISE), 2, stations), np.nan)
        per_station = 2 * sum(_cost(method) for method in LAYERWISE)
        self.whole = 3 * sum(_cost(method) for method in METHODS) + stations * per_station

    def put(self, method: str, column: int, values: np.ndarray) -> None:
        place = METHODS.index(method)
        maps = self.cid if method == "cid" else self.maps[place - 1]
        maps[column] = values
        if column:
            self.factors[place, column - 1] = factor(torch.from_numpy(maps[0]), torch.from_numpy(maps[column]))

    def frame(self, note: str) -> Check:
        arrays = (self.cid.copy(), self.maps.copy(), self.factors.copy(), self.means.copy())
        return Check(self.proof, *arrays, self.reasons, self.spent / self.whole, note)


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


def _reason(method: str, network: Network, layer: Layer, x: Tensor) -> str:
    """Why a method does not apply at a layer; empty where it does."""
    if method == "cid":
        return ""
    from explainers.baselines import applies

    return applies(method, network, layer, x) or ""


def _cost(method: str) -> int:
    return CID_COST if method == "cid" else 1


def _finished(call: Call) -> Iterator[tuple[str, int]]:
    """(path, call) of every execution in the order in which they end."""
    for child in call.children:
        yield from _finished(child)
    yield call.path, call.call


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
