"""Efficiency (Eq. 15), from the informations it stands for, and filters that are made quieter without loss."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import nn

from explainers.cid.efficiency import EfficiencyConstants, efficiency
from explainers.networks.features import Feature
from explainers.rescaling.filters import scale_filters
from explainers.rescaling.rescale import rescalable_pairs

share = some.floats(0.01, 0.99)


@given(share, share, some.floats(-3, 3), some.floats(-3, 3), some.floats(0.1, 4), some.floats(0.1, 2))
def test_equation_15_is_the_ratio_of_informations(front, back, network_input, background, gap, labels):
    """ρ = (I(X;Y) − γ_fg H_fg − γ_bg H_bg)/(H(X) − CID) with CID = H_fg + H_bg, the assumptions of Appendix C."""
    front, back = max(front, back) + 0.005, min(front, back)
    cid = network_input + background
    whole = cid + gap
    constants = EfficiencyConstants(
        c1=(front + back) / 2, c2=front - back, c3=(front + back - 2) * whole + 2 * (whole - labels), c4=whole
    )
    told = labels - front * network_input - back * background
    assert efficiency(background - network_input, cid, constants) == pytest.approx(told / gap, rel=1e-6, abs=1e-6)


@given(some.floats(-5, 0.9), some.floats(-2, 2), some.floats(0.01, 2))
def test_efficiency_rises_with_concentration_at_equal_cid(cid, low, more):
    assert efficiency(low + more, cid) > efficiency(low, cid)


def test_arrays_are_broadcast_and_impossible_constants_are_refused():
    assert efficiency(np.zeros((3, 1)), np.array([-1.0, -2.0])).shape == (3, 2)
    with pytest.raises(ValueError, match="expected a CID below C4 = 1 nats"):
        efficiency(0.0, 1.0)
    with pytest.raises(ValueError, match="expected C2 above 0"):
        EfficiencyConstants(c2=0.0)


def small() -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 2, 3)).eval()
    net[1].weight.data.uniform_(0.5, 2)
    net[1].bias.data.normal_()
    net[1].running_mean.normal_()
    return net.requires_grad_(False), torch.rand(2, 3, 8, 8)


def test_quiet_filters_can_be_turned_up_again_bit_for_bit():
    net, x = small()
    pair = rescalable_pairs(net, x)[0]
    chosen = torch.tensor([True, False, True, False, False, True])
    for scale in (0.5, 0.0625):
        before, after = (
            Feature(each, "2")(x).unflatten(1, (6, 36)) for each in (net, scale_filters(net, pair, chosen, scale))
        )
        assert torch.equal(after[:, ~chosen], before[:, ~chosen])
        assert torch.equal(after[:, chosen] / scale, before[:, chosen])
        assert not torch.equal(after, before)


def test_scaling_all_filters_is_the_first_half_of_a_rescaling_and_the_original_is_left_alone():
    net, x = small()
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    other = scale_filters(net, rescalable_pairs(net, x)[0], torch.ones(6, dtype=torch.bool), 0.25)
    bias = net[3].bias.view(1, -1, 1, 1)
    torch.testing.assert_close(other(x) - bias, (net(x) - bias) / 4)
    assert all(torch.equal(value, kept[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("chosen", "scale", "words"), [(5, 0.5, "one choice for each of 6"), (6, 0.0, "positive number")]
)
def test_what_cannot_be_scaled_is_refused(chosen, scale, words):
    net, x = small()
    with pytest.raises(ValueError, match=words):
        scale_filters(net, rescalable_pairs(net, x)[0], torch.ones(chosen, dtype=torch.bool), scale)
