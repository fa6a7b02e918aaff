"""What theory says of each method under both transformations, and what the paper says."""

import math
from dataclasses import dataclass

from explainers.methods.entropies import CID_NAME, RU_NAME

GRADIENTS = ("layer_gradient", "grad_cam", "lrp", "saliency", "input_x_gradient")
MOVES, STAYS = "changes", "does not change"
SAID_OF_ALL = "changes (said of all baselines)"
CLAIMS = {
    CID_NAME: STAYS,
    RU_NAME: STAYS,
    "activation": "not discussed",
    "layer_gradient": MOVES,
    "grad_cam": MOVES,
    "lrp": SAID_OF_ALL,
    "saliency": SAID_OF_ALL,
    "input_x_gradient": SAID_OF_ALL,
}


@dataclass(frozen=True)
class Spot:
    """Where one looks: is the feature divided by c there, or part of it, and is it what the network gives out?"""

    shrunk: bool
    output: bool = False
    partly: bool = False


def pair_factor(method: str, c: float, spot: Spot) -> float:
    """By what a map's magnitude is multiplied when layer L is divided and layer L+1 multiplied by c.

    NaN where it depends on the map: some channels are divided, and the method adds them all up.

    >>> [pair_factor(method, 4, Spot(shrunk=True)) for method in ("cid", "activation", "layer_gradient", "grad_cam")]
    [1.0, 0.25, 4, 1.0]
    """
    if spot.partly and method in ("activation", "layer_gradient"):
        return math.nan
    if spot.shrunk and method == "activation":
        return 1 / c
    return c if spot.shrunk and method == "layer_gradient" else 1.0


def output_factor(method: str, c: float, spot: Spot) -> float:
    """By what it is multiplied when the last layer is.

    >>> [output_factor(method, 4, Spot(shrunk=False)) for method in ("cid", "activation", "lrp")]
    [1.0, 1.0, 4]
    """
    if spot.output and method in ("activation", "layer_gradient"):
        return c if method == "activation" else 1.0
    return c if method in GRADIENTS else 1.0


def verdict(method: str, measured: float) -> str:
    """What the measured factor under the rescaling of pairs says of the paper's claim.

    >>> verdict("grad_cam", 1.0), verdict("cid", 1.0), verdict("activation", 0.25)
    ('not so', 'right', '')
    """
    claim = CLAIMS[method]
    if claim not in (MOVES, STAYS, SAID_OF_ALL):
        return ""
    moved = abs(measured - 1) > 1e-3
    return "right" if moved == (claim != STAYS) else "not so"
