"""Closed forms that are held against each other are scaled to the constraint first."""

import pytest
import torch
from torch import nn

from explainers import CID, CIDSettings
from explainers.studies.halved import scaled


class Curved(nn.Module):
    """h(x) = y + 40 y³ with y = Ax: noise moves it further than its slope says."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.a = nn.Parameter(torch.randn(6, 48, generator=generator) / 48**0.5, requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.flatten(1) @ self.a.T
        return y + 40 * y**3


def test_scaled_to_the_constraint_a_closed_form_is_nearer_to_the_refined_map():
    net, x = Curved(), torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    closed, refined = (CID(net, net).explain(x, CIDSettings(beta=0.1, refine=one)) for one in (False, True))
    before, after, answer = (one.mean().item() for one in (closed.entropy, scaled(closed), refined.entropy))
    assert after == pytest.approx(before - 0.5 * closed.constraint.log().item(), abs=1e-5)
    assert abs(after - answer) < abs(before - answer) / 2
