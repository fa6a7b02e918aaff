"""Two notions of discarding on one network: CID of single pictures, and I(X;T) of the whole data set."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.stats import rankdata
from torch import Tensor

from explainers.cid import CID
from explainers.cid.results import CIDSettings
from explainers.evaluation.intervals import Interval, bootstrap_interval
from explainers.information_flow.checks import check_confidence
from explainers.information_flow.estimates import REPEATS, mutual_information_input
from explainers.information_flow.records import CONFIDENCE, Information
from explainers.networks.architectures.noisy import NoisyNetwork


@dataclass(frozen=True)
class BridgePoint:
    """One hidden layer seen both ways: `cid` in nats per input variable (higher: more discarded), I(X;T) in nats.

    `unused` is how many of the pictures the layer does not look at at all; they are not in the mean.
    """

    layer: str
    cid: Interval
    unused: int
    information: Information


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's ρ of `count` pairs, with the ends of its bootstrap interval; NaN where one side never changes."""

    value: float
    low: float
    high: float
    count: int


def mean_cid(
    network: NoisyNetwork, layer: str, pictures: Tensor, settings: CIDSettings | None = None
) -> tuple[Interval, int]:
    """The mean CID of a hidden `layer` over `pictures` (B, C, H, W), one at a time, and how many it does not look at.

    CID asks how much noise at the input the feature h bears. The feature of a noisy network is itself random, so h is
    the layer's signal with all noise inside the network left out: f_ℓ(… f_1(x)), that of the deterministic twin. The
    network's σ therefore enters I(X;T) and not CID. The mean is over bounded cells, as everywhere, in nats per input
    variable, with a bootstrap interval over the pictures; NaN where the layer looks at none of them.
    """
    explained = CID(network.with_noise(0), f"layers.{layer}")
    means = [explained.explain(picture[None], settings).mean.item() for picture in pictures]
    used = [mean for mean in means if math.isfinite(mean)]
    found = bootstrap_interval(used) if used else Interval(math.nan, math.nan, math.nan, 0)
    return found, len(means) - len(used)


def bridge(
    network: NoisyNetwork,
    x: Tensor,
    pictures: Tensor,
    *,
    layers: Sequence[str] | None = None,
    settings: CIDSettings | None = None,
    draws: int = 10,
    repeats: int = REPEATS,
    seed: int = 0,
    force: bool = False,
) -> Iterator[BridgePoint]:
    """Mean CID over `pictures` (B, C, H, W) beside I(X;T) over the inputs `x` (n, C, H, W), for hidden `layers`.

    None: all of them, in order. `settings` are CID's; the rest as for `mutual_information_input`, which also says what
    is refused. The two are of different things: CID is of one picture and the neighbourhood that the layer maps to
    about the same feature, I(X;T) of which of the n inputs it was.
    """
    for layer in network.hidden if layers is None else layers:
        information = mutual_information_input(network, layer, x, draws=draws, repeats=repeats, seed=seed, force=force)
        cid, unused = mean_cid(network, layer, pictures, settings)
        yield BridgePoint(layer, cid, unused, information)


def rank_correlation(
    cid: Sequence[float],
    information: Sequence[float],
    groups: Sequence[object] | None = None,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = 1000,
    seed: int = 0,
) -> RankCorrelation:
    """Spearman's rank correlation of two columns, with a percentile bootstrap interval.

    Pairs are drawn anew; with `groups`, one name for each pair, whole groups are, as the epochs of one training are no
    independent evidence. Where both columns mean discarding, ρ is negative: CID rises and I(X;T) falls. Resamples in
    which a side never changes are left out. Raises ValueError for columns of two lengths, fewer than three pairs, fewer
    than two groups, and numbers that are not finite.

    >>> rank_correlation([1, 2, 3, 4], [9, 7, 5, 1]).value
    -1.0
    """
    columns = np.array([cid, information], dtype=float) if len(cid) == len(information) else None
    if columns is None or columns.shape[1] < 3 or not np.isfinite(columns).all():
        got = f"{len(cid)} and {len(information)}" if columns is None or columns.shape[1] < 3 else "NaN or infinity"
        raise ValueError(f"expected two columns of the same three or more finite numbers, got {got}; leave gaps out")
    check_confidence(confidence)
    names = [str(one) for one in (range(len(cid)) if groups is None else groups)]
    members = [[place for place, name in enumerate(names) if name == one] for one in dict.fromkeys(names)]
    if len(names) != len(cid) or len(members) < 2:
        raise ValueError(f"expected a group for each of {len(cid)} pairs and at least two groups, got {groups}")
    rng = np.random.default_rng(seed)

    # Of few groups there are few draws that differ: of five, 126.
    @cache
    def of(drawn: tuple[int, ...]) -> float:
        return _spearman(columns[:, [pair for group in drawn for pair in members[group]]])

    draws: list[list[int]] = rng.integers(0, len(members), (resamples, len(members))).tolist()
    kept = [one for one in (of(tuple(sorted(drawn))) for drawn in draws) if math.isfinite(one)]
    low, high = np.quantile(kept or [math.nan], [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    return RankCorrelation(_spearman(columns), low, high, len(cid))


def _spearman(columns: np.ndarray) -> float:
    constant = (columns == columns[:, :1]).all(1).any()
    return math.nan if constant else float(np.corrcoef(rankdata(columns, axis=1))[0, 1])
