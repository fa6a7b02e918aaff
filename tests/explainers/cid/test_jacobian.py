"""Column norms by probes against the Jacobian written out."""

import pytest
import torch
from torch import nn

from explainers.cid.closed_form import square_columns
from explainers.cid.jacobian import orthonormal, outside
from explainers.cid.sampling import Sampler
from explainers.grid import cell_sum, resolve_grid
from explainers.networks.features import Feature
from explainers.randomness import Randomness
from explainers.streams import last
from tests.support.oracles import exact_square_columns, jacobian, probe_square_columns


def _net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(8 * 4, 5),
    ).double()


@pytest.mark.parametrize("layer", ["0", "1", "2", "3", "4", "6"])
def test_exact_columns_equal_the_oracle(layer):
    net, x = _net(), torch.randn(2, 3, 8, 8, dtype=torch.float64)
    h = Feature(net, layer)
    expected = torch.stack([jacobian(h, picture[None]).square().sum(0) for picture in x])
    assert torch.allclose(exact_square_columns(h, x), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("layer", ["0", "2", "6"])
def test_probes_are_unbiased_with_an_honest_error(layer):
    net, x = _net(), torch.randn(1, 3, 8, 8, dtype=torch.float64)
    h = Feature(net, layer)
    exact = exact_square_columns(h, x)
    estimate, error = probe_square_columns(h, x, 400, torch.Generator().manual_seed(1))
    deviation = (estimate - exact) / error.clamp_min(1e-12)
    assert deviation.square().mean() < 1.6
    assert abs((estimate.sum() - exact.sum()) / exact.sum()) < 0.1


def test_deflated_probes_agree_with_exact_columns():
    torch.manual_seed(1)
    # 300 outputs of low effective rank: what deep features look like.
    matrix = torch.randn(300, 4, dtype=torch.float64) @ torch.randn(4, 48, dtype=torch.float64)
    matrix += 0.05 * torch.randn(300, 48, dtype=torch.float64)
    sampler = Sampler(lambda x: x.flatten(1) @ matrix.T, torch.zeros(1, 3, 4, 4, dtype=torch.float64), (4, 4))
    columns = last(square_columns(sampler, 64, Randomness(0)))
    exact = cell_sum(matrix.square().sum(0).view(1, 3, 4, 4), (4, 4))
    assert sampler.backward == 64 or columns.mean_error.item() <= 0.004
    # 64 plain probes would leave a relative error of √(2/64/4) ≈ 9 % in δ_f².
    assert columns.delta_f2.item() == pytest.approx(exact.sum().item(), rel=0.01)
    assert torch.allclose(columns.values, exact, rtol=0.05)


def test_basis_is_orthonormal_and_drops_dependent_rows():
    rows = torch.randn(2, 5, 9, dtype=torch.float64)
    rows[0, 4] = rows[0, 0] + rows[0, 1]
    basis = orthonormal(rows)
    identity = torch.eye(5, dtype=torch.float64)
    assert torch.allclose(basis[1] @ basis[1].T, identity)
    assert torch.equal(basis[0, 4], torch.zeros(9, dtype=torch.float64))
    assert torch.allclose(outside(basis, rows), torch.zeros_like(rows), atol=1e-10)


def test_cells_add_up():
    values = torch.rand(2, 3, 12, 24)
    for grid in (None, 1, 2, 3, 4, 6, 12):
        shape = resolve_grid(grid, 12, 24)
        assert torch.allclose(cell_sum(values, shape).sum(), values.sum(), rtol=1e-5)


def test_grid_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="expected a number of cells that divides"):
        resolve_grid(5, 32, 32)
