"""A folded layer is the same function to rounding, backwards too, and nothing is folded that others might see."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from explainers import CID, CIDSettings
from explainers.cid.acceleration import Acceleration
from explainers.networks import folding
from explainers.networks.features import Feature
from explainers.networks.silence import gradient_of
from tests.support.generated_networks import CHANNELS, Generated, Step
from tests.support.others_networks import lively


class Convolutions(Generated):
    """As generated ones, with convolutions of more kinds, and their modules found where copies have theirs."""

    def _conv(self, reads, channels, side):
        kernel, dilation = self.choose.choice([1, 3]), self.choose.choice([1, 2])
        groups = self.choose.choice([1, 1, 2, channels]) if channels % 2 == 0 else 1
        conv = nn.Conv2d(
            channels, CHANNELS * groups, kernel, dilation=dilation, padding="same", groups=groups, bias=self.biased
        )
        return Step("conv", reads, conv, conv), (CHANNELS * groups, side)

    def values(self, x):
        values, parts = [x], iter(self.parts)
        for step in self.steps:
            run = step.run if step.module is None else next(parts)
            values.append(run(*(values[number] for number in step.reads)))
        return values


def _expected(net: Generated, last: int) -> set[tuple[str, str]]:
    """Convolutions before step `last` whose value one normalisation alone reads until then."""
    paths = {part: f"parts.{number}" for number, part in enumerate(net.parts)}
    run = net.steps[: last + 1]
    readers = {number: [s for s in run for read in s.reads if read == number] for number in range(1, len(run) + 1)}
    return {
        (paths[step.module], paths[readers[number][0].module])
        for number, step in enumerate(run, 1)
        if step.kind == "conv" and len(readers[number]) == 1 and readers[number][0].kind == "norm"
        if readers[number][0] is not run[-1]
    }


def _pairs(net: nn.Module, layer: nn.Module | str, x: torch.Tensor) -> tuple[Feature, Feature, set[tuple[str, str]]]:
    feature = Feature(net, layer)
    found = feature.folded(x)
    plans = folding._all[net].plans if net in folding._all else {}
    plan = next((plan for (what, *_), plan in plans.items() if what == (feature.path, feature.call)), folding.Plan())
    return feature, found, set(plan.pairs)


def _apart(feature: Feature, found: Feature, x: torch.Tensor) -> float:
    (here, pull), (there, other) = gradient_of(feature, x), gradient_of(found, x)
    v = torch.randn(here.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(here)
    return max(float((a - b).norm() / a.norm().clamp_min(1e-30)) for a, b in ((here, there), (pull(v), other(v))))


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), biased=st.booleans(), place=st.integers(0, 20))
def test_random_networks_are_the_same_at_every_layer_and_folded_wherever_they_can_be(seed, biased, place):
    net = Convolutions(seed, biased)
    x = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    layers = [number for number, step in enumerate(net.steps) if step.module is not None]
    last = layers[place % len(layers)]
    feature, found, pairs = _pairs(net, net.steps[last].module, x)
    assert pairs == _expected(net, last)
    assert _apart(feature, found, x) < 1e-10


def _block(*, view: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    parts = [nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 4, 3)]
    return lively(nn.Sequential(*parts, nn.BatchNorm2d(4), Viewed() if view else nn.Flatten(), nn.Linear(64, 2)))


class Viewed(nn.Module):
    def forward(self, x):
        return x.view(len(x), -1)


X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("view", [False, True])
def test_single_precision_has_its_channels_side_by_side_unless_the_network_counts_on_another_order(view):
    feature, found, pairs = _pairs(_block(view=view), "6", X)
    assert pairs == {("0", "1"), ("3", "4")}
    assert found.layout == (torch.preserve_format if view else torch.channels_last)
    assert 0 < _apart(feature, found, X) < 1e-5


def test_the_values_of_a_convolution_that_is_looked_at_are_its_own():
    net = _block()
    assert _pairs(net, net[0], X)[2] == _pairs(net, net[1], X)[2] == set()
    assert _pairs(net, net[2], X)[2] == {("0", "1")}
    for part in net[:3]:
        feature, found, _ = _pairs(net, part, X)
        assert _apart(feature, found, X) < 1e-5


class Reading(nn.Module):
    """A network that looks at a value of its own, and goes another way for it."""

    def __init__(self, read):
        super().__init__()
        self.read = read
        self.conv, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, x):
        y = self.conv(x)
        return self.norm(y) if self.read(x) > 0 else 2 * y


def _hooked(part: str):
    net = _block()
    net[int(part)].register_forward_hook(lambda module, args, output: output * 1.5)
    return net


def _own_forward():
    net = _block()
    net[0].forward = lambda x: net[0]._conv_forward(x, net[0].weight, None) + 1
    return net


def _by_the_batch():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, track_running_stats=False), nn.Flatten())


class Twice(nn.Module):
    """One normalisation after two convolutions, one convolution before two, and one that runs twice."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (nn.Conv2d(3, 3, 3, padding=1) for _ in "abcd")
        self.m, self.n, self.o, self.p = (nn.BatchNorm2d(3) for _ in "mnop")

    def forward(self, x):
        x = self.m(self.a(x)) + self.m(self.b(x))
        y = self.c(x)
        x = self.n(y) + self.o(y)
        return self.p(self.d(self.d(x))) + y.detach()


UNFOLDED = {
    "a hook on the convolution": lambda: _hooked("0"),
    "a hook on the normalisation": lambda: _hooked("1"),
    "a forward of its own": _own_forward,
    "used twice": lambda: lively(Twice()),
    "computed weights": lambda: nn.Sequential(weight_norm(nn.Conv2d(3, 4, 3)), lively(nn.BatchNorm2d(4))).eval(),
    "item": lambda: lively(Reading(lambda x: x.mean().item())),
    "a condition": lambda: lively(Reading(lambda x: x.mean())),
    "numpy": lambda: lively(Reading(lambda x: x.detach().numpy().mean())),
    "a list": lambda: lively(Reading(lambda x: x.detach().flatten().tolist()[0])),
    "equal": lambda: lively(Reading(lambda x: torch.equal(x, x.abs()))),
    "a number of values": lambda: lively(Reading(lambda x: len(x[x > 0.5]) - 100)),
    "their places": lambda: lively(Reading(lambda x: len((x > 0.5).nonzero()) - 100)),
    "compiled": lambda: nn.Sequential(torch.jit.script(_block()[:5]), nn.Flatten()),
}


@pytest.mark.parametrize("what", UNFOLDED)
def test_what_others_might_see_or_what_goes_by_values_is_left_as_it_is(what):
    net = UNFOLDED[what]().eval()
    feature, found, pairs = _pairs(net, "", X)
    assert not pairs & {("0", "1"), ("a", "m"), ("b", "m"), ("c", "n"), ("c", "o"), ("d", "p"), ("conv", "norm")}
    for x in (X.abs(), -X.abs(), X):  # both ways
        assert _apart(feature, found, x) < (1e-5 if pairs or found.layout == torch.channels_last else 1e-30)


def test_hooks_of_all_modules_see_what_they_saw():
    net = _block()
    hook = nn.modules.module.register_module_forward_hook(lambda module, args, output: None)
    try:
        feature = Feature(net, "6")
        assert feature.folded(X) is feature
    finally:
        hook.remove()
    assert feature.folded(X) is not feature


def test_statistics_of_the_batch_are_never_folded():
    net = _by_the_batch()
    assert _pairs(net, "", X)[2] == set()


def test_weights_of_another_type_are_folded_in_single_precision():
    net = _block().half()
    feature, found, pairs = _pairs(net, "2", X)
    assert pairs == {("0", "1")}
    assert _apart(feature, found, X) < 1e-5


def test_changed_weights_are_folded_anew_and_the_network_is_left_alone():
    net = _block()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    settled = [sorted(vars(part)) for part in net.modules()]
    old = Feature(net, "6").folded(X)(X)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert [sorted(vars(part)) for part in net.modules()] == settled
    for change in (lambda: net[1].weight.data.mul_(2), lambda: net[0].weight.requires_grad_(False).mul_(-1)):
        change()
        feature, found, pairs = _pairs(net, "6", X)
        assert len(pairs) == 2
        assert _apart(feature, found, X) < 1e-5
        assert not torch.allclose(found(X), old)


def test_weights_that_were_made_are_shared_by_layers_and_go_with_the_network():
    net = _block()
    for layer in ("4", "5", "6"):
        Feature(net, layer).folded(X)
    made = [weakref.ref(weight) for weight, _ in folding._all[net].weights.values()]
    # One for each convolution, and that of a convolution whose normalisation is the layer.
    assert len(made) == 3
    before, net = weakref.ref(net), None
    gc.collect()
    assert before() is None
    assert not any(weight() is not None for weight in made)


def test_two_threads_get_what_one_gets():
    net = _block()
    expected = {layer: Feature(net, layer).folded(X)(X) for layer in ("2", "5", "6")}
    fresh = _block()
    with ThreadPoolExecutor(3) as pool:
        found = pool.map(lambda layer: Feature(fresh, layer).folded(X)(X), [*expected] * 3)
    for layer, value in zip([*expected] * 3, found, strict=True):
        assert torch.equal(value, expected[layer])


def test_a_map_of_the_folded_network_differs_by_rounding_alone():
    net, few = _block(), CIDSettings(probes=16, refine=False)
    plain, found = (CID(net, "5", acceleration=Acceleration(fold=fold)).explain(X, few) for fold in (False, True))
    assert not torch.equal(found.entropy, plain.entropy)
    assert torch.allclose(found.entropy, plain.entropy, atol=1e-4)
    assert (found.forward_passes, found.backward_passes) == (plain.forward_passes, plain.backward_passes)
