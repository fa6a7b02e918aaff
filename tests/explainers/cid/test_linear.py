"""h(x) = Ax, where the answer is known in closed form."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from explainers import CID, CIDSettings
from explainers.cid.closed_form import square_columns
from explainers.cid.sampling import Sampler
from explainers.grid import cell_sum
from explainers.randomness import Randomness
from tests.support.oracles import linear_entropy


class Linear(nn.Module):
    """x -> A x for x (B, C, H, W)."""

    def __init__(self, matrix: torch.Tensor) -> None:
        super().__init__()
        self.map = nn.Linear(matrix.shape[1], matrix.shape[0], bias=True, dtype=matrix.dtype)
        with torch.no_grad():
            self.map.weight.copy_(matrix)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.map(x.flatten(1))


def _case(rows: int, channels: int, side: int, seed: int) -> tuple[Linear, torch.Tensor, torch.Tensor]:
    """A network with a zero column and two equal ones where there is room, a picture, and its G per pixel."""
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(rows, channels, side, side, generator=generator)
    matrix *= torch.rand(side, side, generator=generator) * 3 + 0.1
    if side > 1:
        matrix[:, :, 0, 0] = 0
        matrix[:, :, 0, 1] = matrix[:, :, 1, 0]
    net = Linear(matrix.flatten(1))
    x = torch.randn(1, channels, side, side, generator=generator)
    return net, x, matrix.double().square().sum(0)


@given(
    rows=st.integers(1, 40),
    channels=st.sampled_from([1, 3]),
    side=st.sampled_from([2, 3, 5, 8]),
    seed=st.integers(0, 1000),
    beta=st.sampled_from([1e-6, 1.5e-4, 1e-1]),
)
@settings(max_examples=20, deadline=None)
def test_map_equals_the_closed_form(rows, channels, side, seed, beta):
    net, x, columns = _case(rows, channels, side, seed)
    result = CID(net, "map").explain(x, CIDSettings(beta=beta))
    expected = linear_entropy(columns.sum(0), beta)
    assert torch.allclose(result.entropy[0, 0].double(), expected, atol=1e-4)
    assert result.unbounded.item() == 1
    # Equal columns of A, which a matrix product may sum in another order.
    assert result.entropy[0, 0, 0, 1].item() == pytest.approx(result.entropy[0, 0, 1, 0].item(), abs=1e-5)
    assert math.isclose(result.delta_f2.item(), columns.sum().item(), rel_tol=1e-4)
    assert abs(result.constraint.item() - 1) < 1e-2
    assert result.converged.item()


@pytest.mark.parametrize("grid", [1, 2, 4, 8])
def test_cells_share_one_sigma(grid):
    net, x, columns = _case(6, 3, 8, seed=3)
    result = CID(net, "map").explain(x, CIDSettings(grid=grid))
    cells = cell_sum(columns, (grid, grid))[0]
    expected = linear_entropy(cells, 1.5e-4).repeat_interleave(8 // grid, 0).repeat_interleave(8 // grid, 1)
    assert torch.allclose(result.entropy[0, 0].double(), expected, atol=1e-4)
    assert result.sigma.shape == (1, 1, grid, grid)


def test_probes_are_within_their_error_bar():
    # 900 rows are more than the probes, so G is estimated.
    net, x, columns = _case(900, 3, 6, seed=5)
    result = CID(net, "map").explain(x, CIDSettings(probes=256))
    expected = linear_entropy(columns.sum(0), 1.5e-4)
    used = expected.isfinite()
    error = (result.entropy[0, 0].double() - expected)[used]
    assert result.delta_f2.item() == pytest.approx(columns.sum().item(), rel=4 * 2 * result.mean_error.item())
    # G per pixel is a mean of probes, each with a relative variance of at most 2.
    assert error.square().mean().sqrt() < 2 * 0.5 * math.sqrt(2 / (result.backward_passes - 16))
    assert result.unbounded.item() == 1


def test_constant_feature_discards_everything():
    net = Linear(torch.zeros(3, 12))
    result = CID(net, "map").explain(torch.randn(1, 3, 2, 2))
    assert torch.isinf(result.entropy).all()
    assert result.unbounded.item() == 4
    assert result.mean.item() == math.inf
    assert result.delta_f2.item() == 0


def test_sum_of_all_pixels_is_flat():
    net = Linear(torch.ones(1, 48))
    entropy = CID(net, "map").attribute(torch.randn(1, 3, 4, 4))
    # All cells matter equally: the mean is the least a linear h can have, ½ log β + C, for 3·16 equal columns.
    assert torch.allclose(entropy, torch.full_like(entropy, 0.5 * math.log(1.5e-4) + 1.4189385), atol=1e-4)


def test_batch_gives_each_picture_its_own_answer():
    net, x, _ = _case(12, 3, 4, seed=8)
    x = torch.cat([x, x.flip(-1), 2 * x])
    together = CID(net, "map").attribute(x)
    alone = torch.cat([CID(net, "map").attribute(picture[None]) for picture in x])
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 3, 64])
@pytest.mark.parametrize("probes", [8, 16, 17, 64, 300])
def test_however_few_probes_there_are_they_tell_of_all_directions_and_progress_never_falls(probes, rows):
    net, x, truth = _case(200, 1, 8, 5)
    sampler = Sampler(net, x, (8, 8), rows)
    columns = list(square_columns(sampler, probes, Randomness(0)))
    progress = [one.progress for one in columns]
    assert progress == sorted(progress)
    assert 0 < progress[0] <= progress[-1] <= 1
    assert sampler.backward <= probes
    assert float(columns[-1].delta_f2) == pytest.approx(float(truth.sum()), rel=0.5 if probes < 300 else 1e-4)
