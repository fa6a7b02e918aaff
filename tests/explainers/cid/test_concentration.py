"""Concentration (Eq. 5): the definition, and its refusals."""

import math

import numpy as np
import pytest
import torch

from explainers.cid.concentration import concentration


def test_it_is_the_difference_of_the_two_means():
    entropy = torch.randn(3, 1, 6, 8, dtype=torch.float64)
    mask = torch.rand(3, 1, 6, 8) < 0.4
    expected = [e[~m].mean() - e[m].mean() for e, m in zip(entropy, mask, strict=True)]
    assert torch.allclose(concentration(entropy, mask=mask), torch.stack(expected))


def test_a_box_is_the_mask_of_its_pixels():
    entropy, mask = torch.randn(6, 8), np.zeros((6, 8), dtype=bool)
    mask[1:4, 2:7] = True
    assert torch.equal(concentration(entropy, box=(2, 1, 7, 4)), concentration(entropy, mask=mask))


def test_one_mask_serves_a_batch_and_a_constant_changes_nothing():
    entropy, mask = torch.randn(4, 1, 5, 5, dtype=torch.float64), torch.eye(5, dtype=torch.bool)
    assert torch.allclose(concentration(entropy + 3, mask=mask), concentration(entropy, mask=mask))
    assert torch.allclose(concentration(entropy, mask=~mask), -concentration(entropy, mask=mask))


def test_an_unused_pixel_does_not_hide_the_others():
    entropy, mask = torch.zeros(4, 4), torch.eye(4, dtype=torch.bool)
    entropy[0, 1] = entropy[2, 2] = math.inf
    entropy[mask & entropy.isfinite()] = -1
    assert concentration(entropy, mask=mask).item() == 1


@pytest.mark.parametrize("inside", [False, True])
def test_an_empty_side_is_refused(inside):
    with pytest.raises(ValueError, match="background" if inside else "foreground"):
        concentration(torch.zeros(4, 4), mask=torch.full((4, 4), inside))


def test_a_side_of_unused_pixels_alone_is_refused():
    mask = torch.eye(4, dtype=torch.bool)
    with pytest.raises(ValueError, match="foreground"):
        concentration(torch.where(mask, math.inf, 0.0), mask=mask)


@pytest.mark.parametrize("box", [(0, 0, 0, 4), (5, 5, 9, 9), (0, 0, 4, 4)])
def test_a_box_without_two_sides_is_refused(box):
    with pytest.raises(ValueError, match="at least one pixel"):
        concentration(torch.zeros(4, 4), box=box)


@pytest.mark.parametrize("given", [{}, {"mask": torch.ones(4, 4), "box": (0, 0, 1, 1)}, {"mask": torch.ones(3, 3)}])
def test_what_is_no_foreground_is_refused(given):
    with pytest.raises(ValueError, match="expected"):
        concentration(torch.zeros(4, 4), **given)
