"""However people write a rectifier or a constant, rules are right for it or the method refuses; edits are seen."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize, prune

from explainers.baselines.explain import applies, attribute
from explainers.canonical.network import canonise, kinds
from tests.support.draws import normal

HOOKED = ("lrp", "guided_backprop", "deep_lift")


class Fn(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.register_buffer("zero", torch.zeros(()))
        self.register_buffer("mean", torch.tensor([0.2, 0.3, 0.4, 0.1, 0.2, 0.3]).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor([0.5, 0.6, 0.7, 0.5, 0.6, 0.7]).view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


RECTIFIERS = {
    "module": lambda s, x: F.relu(x),
    "clamp_min": lambda s, x: x.clamp_min(0),
    "clamp_min function": lambda s, x: torch.clamp_min(x, 0.0),
    "clamp": lambda s, x: x.clamp(0),
    "clamp named": lambda s, x: torch.clamp(x, min=0),
    "clamp in place": lambda s, x: x.clamp_(min=0),
    "clip": lambda s, x: x.clip(0, None),
    "maximum": lambda s, x: torch.maximum(x, s.zero),
    "maximum of zeros": lambda s, x: torch.maximum(x, torch.zeros_like(x)),
    "max": lambda s, x: torch.max(x, s.zero),
    "max new zeros": lambda s, x: torch.max(x, x.new_zeros(1)),
    "where": lambda s, x: torch.where(x > 0, x, 0.0),
    "mask": lambda s, x: x * (x > 0),
    "mask as numbers": lambda s, x: (x > 0).to(x) * x,
    "threshold": lambda s, x: F.threshold(x, 0, 0),
}
CLIPPED = {
    "relu6": lambda s, x: F.relu6(x),
    "hardtanh": lambda s, x: F.hardtanh(x, 0, 6),
    "hardtanh named": lambda s, x: F.hardtanh(x, min_val=0.0, max_val=6.0),
    "clamp": lambda s, x: x.clamp(0, 6),
    "clamp named": lambda s, x: torch.clamp(x, max=6, min=0),
}
MODULES = {
    "threshold": (nn.Threshold(0, 0), nn.ReLU()),
    "hardtanh": (nn.Hardtanh(0, 6), nn.ReLU6()),
}
CONSTANTS = {
    "scaled": (lambda s, x: x * 3, lambda s, x: x * 3.0),
    "buffers": (lambda s, x: (x - s.mean) / s.std, lambda s, x: x.sub(s.mean).mul(1 / s.std)),
    "of its size": (lambda s, x: x / x.shape[1] ** 0.5, lambda s, x: x / 6**0.5),
    "negative": (lambda s, x: 1 - x, lambda s, x: -x + 1),
    "reflected": (lambda s, x: torch.rsub(x, 2), lambda s, x: 2 - x),
}
NEITHER = {
    "constant over feature": lambda s, x: 1 / (1 + x.relu()),
    "divided function": lambda s, x: torch.div(2.0, 1 + x.relu()),
    "rounded quotient": lambda s, x: torch.div(x, 0.1, rounding_mode="floor"),
    "hard swish": lambda s, x: x * F.relu6(x + 3) / 6,
    "mask elsewhere": lambda s, x: x * (x > 0.3),
    "mask of another": lambda s, x: x * (x.roll(1, 2) > 0),
    "where elsewhere": lambda s, x: torch.where(x > 0, x, 0.1),
    "softmax": lambda s, x: x.softmax(1),
    "gate": lambda s, x: torch.cat([F.glu(x, 1)] * 2, 1),
    "square": lambda s, x: x * x,
    "power": lambda s, x: x**2,
    "absolute": lambda s, x: x.abs(),
    "highest": lambda s, x: torch.maximum(x, x.roll(1, 3)),
    "chosen by value": lambda s, x: x[:, x.mean((0, 2, 3)).argsort()],
    "sorted": lambda s, x: x.sort(1)[0],
}


def network(part: nn.Module) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = [nn.Conv2d(3, 6, 3), part, nn.Conv2d(6, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1)]
        net = nn.Sequential(*parts, nn.Flatten(), nn.Linear(6, 4)).double().eval()
        net[0].weight.data *= 4
        return net


def picture() -> Tensor:
    return normal(2, 3, 10, 10, seed=1)


def same(a: nn.Module, b: nn.Module) -> None:
    x = picture()
    assert torch.allclose(a(x), b(x))
    for method in HOOKED:
        expected = attribute(method, b, None, x, target=1)
        assert torch.allclose(attribute(method, a, None, x, target=1), expected, rtol=1e-6, atol=1e-10), method


@pytest.mark.parametrize("name", RECTIFIERS)
def test_every_spelling_of_a_rectifier_is_one(name: str) -> None:
    same(network(Fn(RECTIFIERS[name])), network(nn.ReLU()))


@pytest.mark.parametrize("name", CLIPPED)
def test_every_spelling_of_a_clipped_rectifier_is_one(name: str) -> None:
    same(network(Fn(CLIPPED[name])), network(nn.ReLU6()))


@pytest.mark.parametrize("name", MODULES)
def test_modules_with_the_settings_of_a_rectifier_are_one(name: str) -> None:
    same(*(network(part) for part in MODULES[name]))


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_are_affine_whatever_they_come_from(name: str) -> None:
    a, b = (network(nn.Sequential(nn.ReLU(), Fn(function))) for function in CONSTANTS[name])
    same(a, b)
    assert "affine" in [kind for _, kind in kinds(canonise(a, picture()))]


@pytest.mark.parametrize("name", NEITHER)
def test_what_no_rule_is_known_for_is_refused_by_every_hooked_method(name: str) -> None:
    net, x = network(Fn(NEITHER[name])), picture()
    for method in HOOKED:
        assert "is not defined for" in applies(method, net, None, x)
        with pytest.raises(ValueError, match=r"does not apply|depends on the other pictures"):
            attribute(method, net, None, x, target=1)


def test_recurrent_layers_and_gates_are_refused() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.back = nn.LSTM(6, 6, batch_first=True), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.back(self.lstm(x.flatten(2).transpose(1, 2))[0].transpose(1, 2).unflatten(2, x.shape[2:]))

    for part in (Recurrent(), nn.Sequential(nn.Conv2d(6, 12, 1), nn.GLU(1)), nn.Softmax2d()):
        net = network(part)
        assert all("is not defined for" in applies(method, net, None, picture()) for method in HOOKED)


def test_differences_of_features_share_their_relevance() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(6, 6, 1, bias=False), nn.Conv2d(6, 6, 1, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.a(x).relu() - self.b(x).relu()

    net, x = network(Branches()), picture()
    for part in net.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            part.bias = None
    total = attribute("lrp", net, None, x, target=1).sum((1, 2, 3))
    assert torch.allclose(total, net(x)[:, 1], rtol=1e-3, atol=1e-5)


EDITS = {
    "another activation": lambda net: net.__setitem__(1, nn.LeakyReLU(0.3)),
    "another function": lambda net: net.__setitem__(1, Fn(lambda s, x: F.leaky_relu(x, 0.2))),
    "stride": lambda net: setattr(net[0], "stride", (2, 2)),
    "padding": lambda net: setattr(net[0], "padding", (1, 1)),
    "slope": lambda net: setattr(net[1], "negative_slope", 0.7),
    "constant": lambda net: setattr(net[3], "eps", 1.0),
    "an attribute of its own": lambda net: setattr(net[3], "scale", 2.0),
    "forward": lambda net: setattr(net[3], "forward", lambda x: 2 * x),
    "a hook": lambda net: net[3].register_forward_hook(lambda module, args, output: 2 * output),
    "a weight": lambda net: net[0].weight.data.mul_(2),
    "a buffer": lambda net: net[3].running_mean.add_(1),
    "a part more": lambda net: net.append(nn.Linear(4, 4).double()),
    "a part less": lambda net: net.__delitem__(1),
}


class Scaled(nn.BatchNorm2d):
    scale = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * self.scale


@pytest.mark.parametrize("name", EDITS)
def test_the_canonical_copy_follows_an_edit(name: str) -> None:
    net, x = network(nn.LeakyReLU(0.1)), picture()
    net[3] = Scaled(6).double().eval()
    canonise(net, x)
    before = net(x)
    EDITS[name](net)
    assert not torch.allclose(net(x), before)
    if name != "a hook":
        assert torch.allclose(canonise(net, x)(x), net(x))
    elif applies("lrp", net, None, x) is None:
        assert torch.allclose(attribute("lrp", net, None, x, 1), torch.zeros(1))


COMPUTED = {
    "weight norm": lambda conv: parametrizations.weight_norm(conv),
    "spectral norm": lambda conv: parametrizations.spectral_norm(conv),
    "orthogonal": lambda conv: parametrizations.orthogonal(conv),
    "weight norm of old": lambda conv: torch.nn.utils.weight_norm(conv),
    "spectral norm of old": lambda conv: torch.nn.utils.spectral_norm(conv),
    "pruned": lambda conv: prune.l1_unstructured(conv, "weight", 0.3),
    "pruned twice": lambda conv: prune.l1_unstructured(prune.random_unstructured(conv, "weight", 0.2), "bias", 0.3),
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", COMPUTED)
def test_computed_weights_are_those_that_they_give(name: str) -> None:
    from explainers import CID

    net, x = network(nn.ReLU()), picture()
    with torch.random.fork_rng():
        COMPUTED[name](net[2])
    net(x)
    net.eval()
    plain = network(nn.ReLU())
    plain[0].load_state_dict(net[0].state_dict())
    plain[2].weight.data, plain[2].bias.data = net[2].weight.detach().clone(), net[2].bias.detach().clone()
    plain[6].load_state_dict(net[6].state_dict())
    same(net, plain)
    maps = [CID(n, n[2]).attribute(x, probes=16, refine=False) for n in (net, plain)]
    assert torch.allclose(*maps, rtol=1e-6)
    assert not parametrize.is_parametrized(net[2]) or "parametrizations" in dict(net[2].named_children())
