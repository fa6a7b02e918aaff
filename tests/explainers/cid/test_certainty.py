"""How far the mean of a closed form may be off, against what refinement makes of it."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from explainers import CID, CIDSettings
from explainers.cid.certainty import count_uncertain, is_certain, is_least, loss_unknown, mean_uncertainty, misfit
from explainers.cid.results import LOSS_TOLERANCE

POSITIVE = st.floats(1e-3, 1e3)


class Cubic(nn.Module):
    """h(x) = (Ax)³ for each entry: E grows with up to the sixth power of the noise."""

    def __init__(self, reach: float) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.a = nn.Parameter(torch.randn(6, 48, generator=generator) / 48**0.5, requires_grad=False)
        self.reach = reach

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.flatten(1) @ self.a.T
        return y + self.reach * y**3


def explained(reach: float, refine: bool, beta: float):
    net = Cubic(reach)
    x = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    return CID(net, net).explain(x, CIDSettings(beta=beta, refine=refine))


@given(POSITIVE, POSITIVE)
def test_the_misfit_is_that_of_scaling_and_forgets_its_direction(constraint, other):
    assert misfit(constraint) == pytest.approx(misfit(1 / constraint))
    if constraint >= other >= 1:
        assert misfit(constraint) >= misfit(other)
    assert misfit(math.exp(2 * 0.3)) == pytest.approx(0.3)


@given(st.floats(0, 1), POSITIVE, st.floats(0, 1), st.floats(0, 1))
def test_no_part_of_the_error_is_left_out(error, constraint, loss, loss_error):
    said = {"mean_error": error, "constraint": constraint, "loss": loss, "loss_error": loss_error}
    assert mean_uncertainty(said) >= max(error, misfit(constraint), loss, loss_error) - 1e-12
    assert mean_uncertainty(said | {"loss": math.nan}) <= mean_uncertainty(said) + 1e-12


@given(POSITIVE, st.floats(0, 1), st.booleans())
def test_a_mean_of_ru_is_the_least_where_the_loss_is_unknown(constraint, loss, known):
    said = {"mean_error": 0.0, "constraint": constraint, "loss": loss if known else math.nan}
    assert loss_unknown(said) != known
    assert not is_least(said)
    assert is_least(said | {"decoder_share": 0.9}) != known
    # Never of a map of which nothing of the kind is asked.
    assert not loss_unknown({"mean": 0.5})


def test_a_closed_form_that_does_not_meet_the_constraint_is_uncertain_and_refinement_moves_it_as_told():
    closed, refined = explained(40.0, False, 0.1), explained(40.0, True, 0.1)
    assert abs(float(refined.constraint[0]) - 1) < 0.1
    assert not is_certain(closed.numbers)
    assert count_uncertain(closed) == 1
    assert is_certain(refined.numbers)
    gap = abs(float(closed.mean[0] - refined.mean[0]))
    assert gap > LOSS_TOLERANCE
    assert mean_uncertainty(closed.numbers) > gap / 3


def test_where_the_layer_is_linear_the_closed_form_is_certain():
    found = explained(0.0, False, 1e-3)
    assert is_certain(found.numbers)
    assert count_uncertain(found) == 0
    assert mean_uncertainty(found.numbers) < 0.02
