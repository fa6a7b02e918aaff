r"""Whether a layer is linear on the scale of the noise, told from a few pairs of forward passes.

For a linear h the mean of ‖h(x+ξσ∘δ) − h(x)‖²/ξ² does not depend on ξ, and with the same δ not even a single one does.
So the same noise is tried at ξ = 1 and at a small ξ:

.. math:: \frac{\sum_k\|h(x+\sigma\circ\delta_k) - h(x)\|^2}{\sum_k\|h(x+\xi\sigma\circ\delta_k) - h(x)\|^2/\xi^2}

is 1 for a linear h whatever δ was drawn. Where units go on as others go off, it may be 1 of an h that is not linear at
all: how far the two changes are apart, ‖d − d_ξ‖² against ‖d_ξ‖² with d_ξ = (h(x+ξσ∘δ) − h(x))/ξ, is 0 of a linear one
alone. σ is that of the closed form: a cell that seems to count for nothing at x gets
much noise there, and it is that noise under which h has to be linear.

Where the closed form is the answer all the same, what it has lost is what errors of G cost a linear h, which is known
from the spread of the probes, and what another shape would gain because h is not quite linear. That grows with how far
the changes are apart, a, and is the less the more values of the feature, D, they are spread over:

.. math:: \mathrm{loss} = \mathrm{cost} + \frac{3a}{\sqrt D}\left(1 + (16a)^2\right)

No theorem says so: the constants are such that the loss with two of its errors is seldom less than the truth
(docs/solver.md).
"""

import torch
from torch import Tensor

from explainers.cid.constraint import LINEAR_STEP, share_apart
from explainers.cid.sampling import Sampler
from explainers.randomness import Randomness

PAIRS = 8
# Beyond this change of the mean the Jacobian at x says too little about the noise to begin with it.
LINEAR_TOLERANCE = 0.2
# Of the module's loss: its constants, and the share of its parts that is their error.
BENT, STEEPNESS = 3.0, 16.0
COST_ERROR, BENT_ERROR = 0.15, 0.5
# So little apart are the changes of a linear h, by rounding.
ROUNDING = 1e-6


def bend(sampler: Sampler, log_sigma: Tensor, randomness: Randomness) -> tuple[Tensor, Tensor]:
    """The ratio of the module's equation less 1, and how far the changes are apart, both (B,). 16 forward passes."""
    noise = sampler.noise(PAIRS, randomness("curvature"))
    compared = torch.cat(list(sampler.departures(log_sigma, noise, LINEAR_STEP)))
    whole, small, _ = compared.sum(0).unbind(-1)
    return torch.where(whole == small, 0, (whole - small) / small), share_apart(compared[..., 2], compared[..., 1])


def nearly_linear_loss(cost: Tensor, apart: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """The module's loss, in nats, and its error, both (B,), for a feature of `size` values."""
    bent = BENT * apart / size**0.5 * (1 + (STEEPNESS * apart).square())
    bent = torch.where(apart > ROUNDING, bent, 0)
    return cost + bent, torch.hypot(COST_ERROR * cost, BENT_ERROR * bent)
