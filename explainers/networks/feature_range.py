"""Features of any magnitude: squares of very small or large numbers do not fit into single precision."""

import math
from collections.abc import Callable

from torch import Tensor

from explainers.networks.silence import gradient_of

Function = Callable[[Tensor], Tensor]
# Fourth powers of what lies between them are finite and not zero.
COMFORTABLE = (1e-6, 1e6)


def in_range(h: Function, x: Tensor) -> tuple[Function, float]:
    """h times a power of two, and that number: 1 unless the gradient of h is beyond what may be squared twice.

    CID does not depend on it; multiplying by a power of two rounds nothing.
    """
    feature, pull = gradient_of(h, x[:1])
    typical = float(pull(feature.new_ones(feature.shape)).double().square().mean().sqrt())
    if typical == 0 or not math.isfinite(typical) or COMFORTABLE[0] <= typical <= COMFORTABLE[1]:
        return h, 1.0
    scale = 2.0 ** -round(math.log2(typical))
    return (lambda pictures: h(pictures) * scale), scale
