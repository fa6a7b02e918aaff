"""RU: known optima, the paper's two examples, the constraint, and the laws it shares with CID."""

import copy
import math
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from explainers import CID, RU, CIDSettings, load_network
from explainers.cid.results import ENTROPY_CONSTANT, RUResult
from explainers.cid.sampling import Sampler
from explainers.datasets.birds.render import render_bird
from explainers.decoders.cards import find_decoder, load_decoder
from explainers.grid import cell_spread
from explainers.networks.features import Feature
from explainers.randomness import Randomness
from explainers.ru.descent import descend_reconstruction
from explainers.ru.sampling import ReconstructionSampler
from explainers.streams import last
from tests.support.brief import brief
from tests.support.oracles import energy, linear_reconstruction, uncertainty_at_constraint, water_filling

BETA = 1.5e-4


class Rows(nn.Module):
    """x ↦ W x + c on flattened pictures, given back in `shape`."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None = None, shape: tuple[int, ...] = (-1,)) -> None:
        super().__init__()
        self.weight, self.bias, self.shape = nn.Parameter(weight), None if bias is None else nn.Parameter(bias), shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(x.flatten(1), self.weight, self.bias).unflatten(1, self.shape)


def _explain(h: nn.Module, g: nn.Module, x: torch.Tensor, **settings):
    return RU(h, "", g).explain(x, CIDSettings(**settings))


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_pixel_decoded_from_itself_alone_is_filled_like_water():
    scale, own = _random(16).abs() + 0.3, 0.02 * _random(16, seed=1)
    h, g = Rows(scale.diag()), Rows((1 / scale).diag(), own, (1, 4, 4))
    result = _explain(h, g, _random(1, 1, 4, 4, seed=2))
    budget = BETA * scale.square().sum().item()
    best = 0.5 * water_filling(own, scale.square(), budget).log().mean().item()
    found = 0.5 * (own.square() + result.sigma.flatten().square()).log().mean().item()
    assert best - 0.005 < found < best + 0.005
    assert best - found < result.loss + 3 * result.loss_error
    assert result.converged.item()
    assert result.mean.item() == pytest.approx(best + ENTROPY_CONSTANT, abs=0.02)


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_linear_layer_and_decoder_reach_the_optimum_of_plain_gradient_ascent(seed):
    a, b = _random(12, 16, seed=seed), 0.3 * _random(16, 12, seed=seed + 10)
    x = _random(1, 1, 4, 4, seed=seed + 20)
    # Without its own error spread over orders of magnitude, every σ would do.
    own = 0.03 * _random(16, seed=seed + 30) ** 3
    bias = x.flatten() - b @ a @ x.flatten() - own
    result = _explain(Rows(a), Rows(b, bias, (1, 4, 4)), x)
    columns, budget = a.square().sum(0), BETA * a.square().sum().item()
    _, best = linear_reconstruction(b @ a, own, columns, budget)
    sigma2 = result.sigma.flatten().square()
    sigma2 = sigma2 * (budget / (sigma2 @ columns))
    found = 0.5 * (own.square() + (b @ a).square() @ sigma2).log().mean().item()
    assert best - 0.01 < found <= best + 1e-4
    assert best - found < result.loss + 3 * result.loss_error
    assert result.converged.item()
    assert result.mean.item() == pytest.approx(best + ENTROPY_CONSTANT, abs=0.03)
    assert result.constraint.item() == pytest.approx(1, abs=0.03)


def _fitted(h: nn.Module, pictures: torch.Tensor) -> Rows:
    """The linear decoder of least squares over pictures (N, C, H, W)."""
    rows = h(pictures).detach()
    inputs = torch.cat([rows, torch.ones(len(rows), 1, dtype=rows.dtype)], 1)
    solution = torch.linalg.lstsq(inputs, pictures.flatten(1)).solution
    return Rows(solution[:-1].T, solution[-1], pictures.shape[1:])


def test_the_sum_uses_every_pixel_and_gives_none_back():
    pictures = torch.rand(400, 1, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    h = Rows(torch.ones(1, 36, dtype=torch.float64))
    x = pictures[:1]
    ru, cid = _explain(h, _fitted(h, pictures), x), CID(h, "").explain(x)
    assert cid.entropy.isfinite().all()
    assert cid.entropy.max() < -1
    # The error of guessing each pixel's average: pixels are uniform in [0, 1].
    guess = 0.5 * (x - 0.5).square().log() + ENTROPY_CONSTANT
    assert ru.entropy.mean() > cid.entropy.mean() + 1
    assert ru.mean.item() == pytest.approx(guess.mean().item(), abs=0.2)


def test_an_ignored_pixel_of_a_white_wall_is_recovered_all_the_same():
    walls = torch.rand(200, 1, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64).expand(
        -1, 1, 5, 5
    )
    weight = torch.eye(25, dtype=torch.float64)
    weight[12, 12] = 0
    h = Rows(weight)
    x = torch.ones(1, 1, 5, 5, dtype=torch.float64)
    ru, cid = _explain(h, _fitted(h, walls), x), CID(h, "").explain(x)
    assert math.isinf(cid.entropy[0, 0, 2, 2].item())
    assert ru.unbounded.item() == 1
    assert ru.entropy.isfinite().all()
    assert ru.entropy[0, 0, 2, 2] < -2
    assert ru.entropy[0, 0, 2, 2] == pytest.approx(ru.mean.item(), abs=0.2)


@pytest.fixture(scope="module")
def curved() -> tuple[nn.Module, nn.Module, torch.Tensor]:
    """A small curved network, a decoder trained for it, and pictures."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        h = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 12, 3, padding=1), nn.Tanh(), nn.Flatten())
        g = nn.Sequential(
            nn.Unflatten(1, (12, 4, 4)), nn.ConvTranspose2d(12, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 3, 3, padding=1)
        )
        pictures = nn.functional.interpolate(torch.rand(64, 3, 3, 3), (8, 8), mode="bicubic").clamp(0, 1)
        optimizer = torch.optim.Adam(g.parameters(), 5e-3)
        for _ in range(200):
            loss = (g(h(pictures).detach()) - pictures).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return h.eval(), g.eval().requires_grad_(False), pictures


@pytest.mark.slow
@pytest.mark.long
def test_no_worse_than_a_long_run_of_the_paper_s_descent(curved):
    h, g, pictures = curved
    x = pictures[:1]
    sampler = Sampler(h, x, (8, 8))
    decoded = ReconstructionSampler(h, g, x, sampler)
    reference = last(descend_reconstruction(sampler, decoded, CIDSettings(), Randomness(0), steps=800))
    target = BETA * reference.estimate.delta_f2.item()
    ours = uncertainty_at_constraint(h, g, x, x, _explain(h, g, x).sigma.log(), target)
    assert ours > uncertainty_at_constraint(h, g, x, x, reference.estimate.log_sigma, target) - 0.003


@pytest.mark.long
def test_refinement_beats_the_first_answer_and_the_paper_s_hundred_steps_where_all_is_curved(curved):
    h, g, pictures = curved
    x, beta = pictures[:1], 1e-3
    refined = _explain(h, g, x, beta=beta)

    def value(sigma: torch.Tensor) -> float:
        return uncertainty_at_constraint(h, g, x, x, sigma.log(), beta * refined.delta_f2.item())

    assert value(refined.sigma) > value(_explain(h, g, x, beta=beta, refine=False).sigma)
    assert value(refined.sigma) > value(_explain(h, g, x, beta=beta, method="paper").sigma)


@pytest.mark.long
def test_the_constraint_holds_and_the_record_is_whole(curved):
    h, g, pictures = curved
    result = _explain(h, g, pictures[:2])
    assert result.entropy.shape == (2, 1, 8, 8)
    assert result.reconstruction.shape == (2, 3, 8, 8)
    assert torch.allclose(result.reconstruction, g(h(pictures[:2])), atol=1e-6)
    assert torch.allclose(result.error, (g(h(pictures[:2])) - pictures[:2]).square().mean(dim=(1, 2, 3)).sqrt())
    allowed = (2 * result.constraint_error).clamp_min(0.01)
    assert ((result.constraint - 1).abs() <= allowed).all()
    assert (result.constraint_error < 0.03).all()
    # What sleeps within the noise and wakes beyond it, and a decoder that bends, are not hidden.
    assert torch.equal(result.converged, result.loss.isfinite() & (result.unbounded == 0))
    assert (result.decoder_share > 0.5).all()
    assert result.stage == "done"
    assert result.progress == 1
    assert torch.allclose(result.mean, result.entropy.mean(dim=(1, 2, 3)), atol=1e-5)


def _reached(h: nn.Module, x: torch.Tensor, result: RUResult, samples: int) -> tuple[float, float]:
    """E‖f'−f‖²/(βδ_f²) on noise of our own, and its standard error."""
    ratios = energy(h, x, cell_spread(result.sigma, *x.shape[-2:]), samples, seed=99) / (BETA * result.delta_f2)
    return ratios.mean().item(), ratios.std().item() / samples**0.5


@pytest.mark.long
def test_the_constraint_holds_within_a_hundredth_on_noise_of_our_own(curved):
    h, g, pictures = curved
    result = _explain(h, g, pictures[:1], beta=BETA)
    ratio, error = _reached(h, pictures[:1], result, 1 << 17)
    assert error < 0.003
    assert ratio == pytest.approx(1, abs=max(0.01, 3 * result.constraint_error.item()))


@pytest.mark.slow
@pytest.mark.long
def test_the_constraint_holds_with_a_shipped_decoder():
    network = load_network("resnet20-cifar10")
    layer, x = network.layer("conv1"), network.preprocess(render_bird(1).image)[None]
    decoder = load_decoder(find_decoder(network, layer))
    result = RU(network.module, layer, decoder).explain(x, CIDSettings(beta=BETA, grid=8))
    ratio, error = _reached(Feature(network.module, layer), x, result, 8192)
    # Of our own noise, which few cells bear.
    assert error < 0.002
    assert result.converged
    assert ratio == pytest.approx(1, abs=max(0.01, 3 * result.constraint_error.item()))


@pytest.mark.long
@pytest.mark.parametrize("refine", [True, False])
def test_progress_never_falls(curved, refine):
    h, g, pictures = curved
    shown = [one.progress for one in RU(h, "", g).stream(pictures[:1], CIDSettings(refine=refine, probes=32))]
    assert shown == sorted(shown)
    assert shown[-1] == 1


def test_the_first_answer_comes_from_equal_noise_and_no_frame_is_farther_off_than_it_says(curved):
    h, g, pictures = curved
    frames = list(RU(h, "", g).stream(pictures[:1]))
    last = frames[-1]
    assert frames[0].stage == "probes"
    assert frames[0].sigma.std() < 1e-6
    assert frames[0].backward_passes == 0
    off = [abs(frame.mean - last.mean).item() for frame in frames]
    for frame, here in zip(frames, off, strict=True):
        assert here <= 2 * frame.mean_error.item() + 2 * last.mean_error.item()
    for before, frame, there, here in zip(frames, frames[1:], off, off[1:], strict=False):
        assert here <= there + frame.mean_error.item() + before.mean_error.item()


@pytest.mark.long
def test_where_the_error_is_the_decoder_s_own_that_is_said_and_the_work_is_short():
    weight = _random(48, 48).mul(0.1)
    h, x = Rows(weight), _random(1, 3, 4, 4, seed=1)
    # Off by one and deaf but for a trace of the feature.
    g = Rows(1e-3 * _random(48, 48, seed=2), x.flatten() + 1, (3, 4, 4))
    result = _explain(h, g, x)
    back = _random(48, 48, seed=2)
    longer = _explain(h, Rows(back, x.flatten() + 1e-3 - back @ h(x).flatten().detach(), (3, 4, 4)), x)
    assert result.decoder_share > 0.99
    assert result.converged
    assert result.loss + 2 * result.loss_error < 0.01
    assert result.backward_passes < longer.backward_passes / 2


@pytest.mark.long
def test_where_the_ascent_is_led_astray_nothing_is_said_of_the_loss(curved):
    h, g, pictures = curved
    results = [_explain(h, g, pictures[:2], beta=beta) for beta in (1e-3, 1e-2)]
    # Strong noise bends this decoder.
    told = torch.stack([~result.loss.isnan() for result in results])
    assert not told.all()
    for result in results:
        assert not result.converged[result.loss.isnan()].any()
        better = [
            uncertainty_at_constraint(h, g, x[None], x[None], sigma[None].log(), result.settings.beta * norm.item())
            for x, sigma, norm in zip(pictures[:2], result.sigma, result.delta_f2, strict=True)
        ]
        assert torch.allclose(result.mean.double(), torch.tensor(better).double(), atol=0.005)


@pytest.mark.parametrize("rows", [1, 5])
def test_no_draw_depends_on_the_size_of_the_chunks(curved, rows):
    h, g, pictures = curved
    sampler = Sampler(h, pictures[:1], (8, 8))
    decoded = ReconstructionSampler(h, g, pictures[:1], sampler)
    noise, weight = decoded.noise(12, Randomness(0)("noise")), torch.ones_like(decoded.f)
    sums = []
    for decoded.rows in (64, rows):
        parts = decoded.influences(sampler.uniform(BETA), noise, weight, Randomness(0)("signs"))
        sums.append([sum(group) for group in list(zip(*parts, strict=True))[1:]])
    for whole, parted in zip(*sums, strict=True):
        assert torch.allclose(whole, parted, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.long
def test_a_picture_s_map_is_the_same_in_company_and_in_threads(monkeypatch, curved):
    # However few samples it is made of.
    brief(monkeypatch)
    h, g, pictures = curved
    ru = RU(h, "", g)
    alone = [ru.attribute(x) for x in pictures[:3].split(1)]
    together = ru.attribute(pictures[:3])
    # Batches of another size are added up in another order; the draws are the same.
    assert torch.allclose(torch.cat(alone), together, atol=1e-3)
    with ThreadPoolExecutor(3) as pool:
        threaded = list(pool.map(ru.attribute, pictures[:3].split(1)))
    assert all(map(torch.equal, threaded, alone))
    assert not torch.equal(ru.attribute(pictures[:1], seed=1), alone[0])


class Threshold(nn.Module):
    """Linear far below 0.8, steep above it: the closed form is right for dark pictures and far off near the edge."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x + 400 * (x - 0.8).relu().square()).flatten(1)


@pytest.mark.long
def test_a_linear_picture_in_company_of_a_steep_one_keeps_its_map_and_its_constraint():
    h, g = Threshold(), nn.Unflatten(1, (1, 6, 6))
    dark, edge = torch.full((1, 1, 6, 6), 0.1), torch.full((1, 1, 6, 6), 0.79)
    settings = CIDSettings(beta=3e-3)
    alone = [RU(h, "", g).explain(x, settings) for x in (dark, edge)]
    together = RU(h, "", g).explain(torch.cat([dark, edge]), settings)
    # At the edge no gradient tells what may be lost.
    assert [one.converged.item() for one in alone] == [True, False]
    for place, one in enumerate(alone):
        assert one.converged == together.converged[place]
        assert one.constraint.item() == pytest.approx(1, abs=3 * one.constraint_error.item())
        assert torch.allclose(one.entropy[0], together.entropy[place], atol=1e-3)


def test_nothing_is_left_on_the_modules(curved):
    h, g, pictures = copy.deepcopy(curved)
    g.train().requires_grad_(True)
    before = copy.deepcopy((h.state_dict(), g.state_dict()))
    ru = RU(h, "3", g)
    stream = ru.stream(pictures[:1])
    for _ in range(5):
        next(stream)
    stream.close()
    for module, state in zip((h, g), before, strict=True):
        assert all(torch.equal(value, module.state_dict()[key]) for key, value in state.items())
        assert not any(m._forward_hooks or m._backward_hooks for m in module.modules())
        assert all(p.grad is None for p in module.parameters())
    assert g.training
    assert all(p.requires_grad for p in g.parameters())
    assert torch.is_grad_enabled()


@pytest.mark.long
def test_rescaling_the_feature_by_a_power_of_two_changes_nothing(curved):
    h, g, pictures = curved

    class Scaled(nn.Module):
        def __init__(self, inner: nn.Module, before: float = 1, after: float = 1) -> None:
            super().__init__()
            self.inner, self.before, self.after = inner, before, after

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x * self.before) * self.after

    plain = RU(h, "", g).attribute(pictures[:1])
    assert torch.equal(RU(Scaled(h, after=0.25), "", Scaled(g, before=4)).attribute(pictures[:1]), plain)


def test_cells_share_their_noise_and_the_map_keeps_its_pixels(curved):
    h, g, pictures = curved
    result = _explain(h, g, pictures[:1], grid=4)
    assert result.sigma.shape == (1, 1, 4, 4)
    assert result.entropy.shape == (1, 1, 8, 8)
    assert len(result.entropy.unique()) > 16


def test_captum_s_convention_and_the_paper_s_descent_by_name(curved):
    h, g, pictures = curved
    (answer,) = RU(h, "", g).attribute((pictures[:1],), method="paper")
    assert answer.shape == (1, 1, 8, 8)
    assert answer.isfinite().all()


def test_a_decoder_of_another_layer_is_refused_in_one_sentence(curved):
    h, g, pictures = curved
    with pytest.raises(ValueError, match="expected a decoder of this layer's feature, which has 128 values"):
        RU(h, "0", g).attribute(pictures[:1])
    with pytest.raises(ValueError, match=r"expected a decoder that gives pictures of shape \(3, 8, 8\)"):
        RU(h, "", nn.Sequential(g, nn.AvgPool2d(2))).attribute(pictures[:1])


def test_a_constant_feature_permits_any_noise(curved):
    _, g, pictures = curved
    h = Rows(torch.zeros(192, 192))
    result = _explain(h, g, pictures[:1])
    assert result.entropy.isfinite().all()
    assert result.unbounded.item() == 64
