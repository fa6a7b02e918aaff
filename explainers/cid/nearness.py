r"""How far the mean of a map that is not finished may be from that of the finished one, in nats.

Of a closed form it is what its probes leave open, and what a bending adds that passes for none since it leaves the
constraint alone. Of a refinement after k steps of eight samples

.. math:: \frac{a}{(1 + k/4)^{0.7}} + \frac{|\log(E/T)|}{p} + 3 s

with E the running mean of ‖f'−f‖², T = β δ_f² and p the power with which E grows with the scale of σ: the second part
is how far the scale is still to move, as measured, and s how far it swings meanwhile; the first is how far the shape
may move it, with a for where it began. Of a solution whose shape is settled, three standard errors of its scale are
left. No theorem says so: the constants are such that frames keep what they say, which
tests/app/parts/test_previews.py tries frame by frame, of a few layers or, where it is told to, of every layer of the
networks that ship.
"""

from dataclasses import replace

import torch
from torch import Tensor

from explainers.cid.constraint import Estimate
from explainers.cid.refinement import Refinement

# Of a refinement that begins at the scale of the noise, and of the closed form of what seems to be linear.
STARTED, BENT = 1.5, 0.15
# Of the square of how far changes are from those of a linear h, which tells how much another shape may gain.
APART = 0.6
SETTLED = 0.01
PACE, POWER = 4, 0.7


def near_closed_form(estimate: Estimate, cost: Tensor, bend: Tensor) -> Estimate:
    """`estimate` as a frame, of (B,): what errors of G `cost` a linear h, and how far h is from that (`curvature`)."""
    curved = 2 * bend.abs() + APART * estimate.apart.square() + BENT
    return replace(estimate, mean_error=3 * estimate.mean_error + 2 * cost + curved)


def near_refined(refinement: Refinement, start: Tensor) -> Estimate:
    """The answer so far as a frame, with the module's equation for `mean_error`; `start` (B,) is its a.

    Before the first step it is a itself; of a start at the scale of the noise nothing is known then.
    """
    answer = refinement.answer
    if not refinement.steps:
        return replace(answer, mean_error=torch.where(start < STARTED, start, torch.nan))
    shape = start / (1 + refinement.steps / PACE) ** POWER
    scale = refinement.misfit.log().abs() / answer.growth + 3 * refinement.scale_error
    return replace(answer, mean_error=shape + scale)


def near_answer(estimate: Estimate) -> Estimate:
    """A solution of which only the scale is still looked for, as a frame."""
    known = torch.hypot(estimate.known.error, estimate.known.mean - 1) / estimate.growth
    scale = torch.where(estimate.known.count > 0, known, estimate.scale_error)
    return replace(estimate, mean_error=near_end(scale))


def near_end(error: Tensor) -> Tensor:
    """How far a mean may be from the end's where nothing but its standard `error` (B,) is left."""
    return 3 * error + SETTLED
