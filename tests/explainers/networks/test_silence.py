"""What moves without a gradient is refused; what is called unused is silent, or the result has not converged."""

import math

import pytest
import torch
from torch import Tensor, nn

from explainers import CID, RU, CIDSettings
from explainers.baselines.explain import METHODS, attribute
from tests.support.modules import Fn
from tests.support.oracles import jacobian, linear_entropy

QUICK = CIDSettings(probes=64, refine=False)


class Straight(torch.autograd.Function):
    """Rounds; its backward pass says that it doubles."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return (64 * x).round() / 64

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return 20 * gradient


def no_grad(y: Tensor) -> Tensor:
    with torch.no_grad():
        return y * 1


WITHOUT = {
    "round": lambda y: y.round(),
    "fine rounding": lambda y: (y * 255).round() / 255,
    "sign": lambda y: y.sign(),
    "floor": lambda y: (3 * y).floor(),
    "compared": lambda y: (y > 0).to(y.dtype),
    "one hot": lambda y: torch.zeros_like(y).scatter(1, y.argmax(1, keepdim=True), 1.0),
    "integers": lambda y: (10 * y).int().to(y.dtype),
    "detached": lambda y: y.detach(),
    "no_grad": no_grad,
}
WRONG = {
    "detached in part": lambda y: y + 5 * y.detach(),
    "detached gate": lambda y: y * (10 * y.detach()),
    "a backward pass of its own": Straight.apply,
}


def network(part: nn.Module, dtype: torch.dtype) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 6, 3), nn.Tanh(), part, nn.Conv2d(6, 4, 3)).to(dtype).eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", WITHOUT)
def test_a_feature_that_moves_without_a_gradient_is_refused(name: str, dtype: torch.dtype) -> None:
    net, x = network(Fn(WITHOUT[name]), dtype), torch.randn(2, 3, 8, 8, dtype=dtype)
    with pytest.raises(ValueError, match="expected a layer with a gradient"):
        CID(net, net[3]).explain(x, QUICK)
    assert CID(net, net[1]).attribute(x, QUICK).isfinite().all()


@pytest.mark.parametrize("name", WRONG)
def test_a_feature_that_moves_otherwise_than_its_gradient_says_is_refused(name: str) -> None:
    net, x = network(Fn(WRONG[name]), torch.float64), torch.randn(1, 3, 8, 8, dtype=torch.float64)
    with pytest.raises(ValueError, match="expected a layer whose gradient tells"):
        CID(net, net[3]).explain(x, QUICK)


GRADIENTS = ("saliency", "input_x_gradient", "integrated_gradients", "grad_cam", "layer_gradient", "bottleneck")


@pytest.mark.parametrize("method", GRADIENTS)
@pytest.mark.parametrize("name", WITHOUT | WRONG)
def test_a_gradient_that_does_not_tell_how_the_scores_move_is_refused(name: str, method: str) -> None:
    def scores(place: int) -> nn.Sequential:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            parts = [nn.Conv2d(3, 6, 3), nn.Tanh(), nn.Conv2d(6, 4, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(1)]
            net = nn.Sequential(*parts, nn.Flatten(), nn.Linear(4, 3)).eval()
        net.insert(place, Fn((WITHOUT | WRONG)[name]))
        return net

    above, below = scores(2), scores(0)
    x = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="expected scores with a gradient that tells how they move"):
        attribute(method, above, above[1] if METHODS[method].needs_layer else None, x, target=1)
    # What comes before a layer is no part of the score's gradient by its feature.
    if METHODS[method].needs_layer:
        y = below[0](x)
        rest = nn.Sequential(*below[1:])
        assert torch.allclose(
            attribute(method, below, below[2], x, target=1), attribute(method, rest, rest[1], y, target=1), atol=1e-6
        )


@pytest.mark.parametrize("colours", [(0.0, 0.0), (0.7, 0.7), (0.0, 1.0)])
def test_pictures_of_one_or_two_colours_are_explained_though_maxima_tie(colours: tuple[float, float]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = [nn.Conv2d(3, 8, 5), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.MaxPool2d(2)]
        net = nn.Sequential(*parts, nn.Flatten(), nn.Linear(8, 3)).eval()
    x = torch.tensor(colours).repeat_interleave(8).expand(1, 3, 16, 16).clone()
    assert CID(net, net[3]).attribute(x, QUICK).isfinite().any()
    for method in GRADIENTS:
        maps = attribute(method, net, net[3] if METHODS[method].needs_layer else None, x, target=1)
        assert maps.isfinite().all()


def test_guided_grad_cam_of_a_part_under_no_grad_is_refused() -> None:
    net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), Fn(no_grad), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    with pytest.raises(ValueError, match="scores that move without"):
        attribute("guided_grad_cam", net, net[1], torch.randn(1, 3, 8, 8), target=1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_dynamic_quantisation_is_refused() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 16), nn.ReLU(), nn.Linear(16, 4)).eval()
    quantised = torch.ao.quantization.quantize_dynamic(net, {nn.Linear})
    # Its scale is that of the batch.
    with pytest.raises(ValueError, match=r"expected a (layer with a gradient|network that looks at each picture)"):
        CID(quantised, quantised[3]).explain(torch.randn(1, 3, 4, 4), QUICK)


def test_a_pixel_that_is_unused_is_infinite_and_one_that_only_sleeps_has_not_converged() -> None:
    def asleep(x: Tensor) -> Tensor:
        y = x.flatten(1)
        return torch.cat([y[:, 2:], torch.relu(y[:, :1] - 0.5)], 1)

    net, x = nn.Sequential(Fn(asleep)).eval(), torch.zeros(2, 1, 4, 4)
    x[:, 0, 2:] = torch.tensor([1.0, -1.0, 1.0, -1.0])
    unused = nn.Sequential(Fn(lambda x: x.flatten(1)[:, 2:])).eval()
    sleeping, silent = (CID(n, n[0]).explain(x, QUICK) for n in (net, unused))
    assert sleeping.unbounded.tolist() == silent.unbounded.tolist() == [2, 2]
    assert silent.converged.all()
    assert not sleeping.converged.any()


def test_a_constant_layer_is_unused_as_a_whole() -> None:
    net = nn.Sequential(Fn(lambda x: x.flatten(1) * 0)).eval()
    result = CID(net, net[0]).explain(torch.randn(1, 3, 4, 4), QUICK)
    assert result.entropy.isinf().all()
    assert result.converged.all()


@pytest.mark.parametrize("power", [-30, -20, -8, 0, 8, 16])
def test_the_magnitude_of_a_feature_does_not_matter(power: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = nn.Sequential(nn.Flatten(), nn.Linear(48, 20)).eval()
        x = torch.randn(2, 3, 4, 4)
    scaled = nn.Sequential(*net, Fn(lambda y: y * 10.0**power)).eval()
    result = CID(scaled, scaled[2]).explain(x, QUICK)
    columns = jacobian(nn.Sequential(*net).double(), x[:1]).square().sum(0)
    expected = linear_entropy(columns.sum(0), QUICK.beta)
    assert torch.allclose(result.entropy[0, 0].double(), expected, atol=1e-4)
    assert result.delta_f2[0].item() == pytest.approx(columns.sum().item() * 100.0**power, rel=1e-4)
    assert result.converged.all()


@pytest.mark.parametrize(
    ("threshold", "refine", "unbounded", "converged"),
    [(0.5, False, 2, False), (0.5, True, 2, False), (1e-4, True, 1, True), (torch.inf, True, 2, True)],
)
def test_ru_calls_unused_what_is_silent(threshold: float, refine: bool, unbounded: int, converged: bool) -> None:
    def h(x: Tensor) -> Tensor:
        y = x.flatten(1)
        return torch.cat([y[:, :14], torch.relu(y[:, 15:] - threshold)], 1)

    x = torch.zeros(1, 1, 4, 4)
    x[:, 0, :3] = torch.tensor([1.0, -1.0, 1.0, -1.0])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        decoder = nn.Sequential(nn.Linear(15, 16), nn.Unflatten(1, (1, 4, 4)))
    result = RU(Fn(h), "", decoder).explain(x, CIDSettings(refine=refine))
    assert result.unbounded.item() == unbounded
    assert result.converged.item() == converged


@pytest.mark.parametrize("method", ["two-stage", "paper"])
@pytest.mark.parametrize("power", [-30, -20, 16])
def test_the_magnitude_of_a_feature_does_not_matter_to_ru(power: int, method: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(48, 20)).eval()
        decoder = nn.Sequential(nn.Linear(20, 48, bias=False), nn.Unflatten(1, (3, 4, 4))).eval()
        x = torch.randn(2, 3, 4, 4)
    # A power of two rounds nothing.
    factor = 2.0 ** round(power * math.log2(10))
    scaled = nn.Sequential(*encoder, Fn(lambda y: y * factor)).eval()
    restored = nn.Sequential(Fn(lambda y: y / factor), *decoder).eval()
    settings = CIDSettings(probes=64, method=method)
    result, usual = RU(scaled, "", restored).explain(x, settings), RU(encoder, "", decoder).explain(x, settings)
    assert usual.entropy.std() > 0.01
    assert torch.allclose(result.entropy, usual.entropy, atol=1e-3)
    assert torch.allclose(result.delta_f2 / factor**2, usual.delta_f2.double(), rtol=1e-4)
    assert torch.equal(result.converged, usual.converged)
