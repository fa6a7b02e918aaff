"""What is no function of one picture is refused by name; nothing that belongs to the caller is written to."""

import random

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explainers import CID, RU, CIDSettings, find_layers
from explainers.baselines.explain import applies, attribute
from tests.support.modules import Fn

QUICK = CIDSettings(probes=8, refine=False)


class Average(nn.Module):
    """Keeps a moving average in a buffer, in one of the ways that people write it."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.register_buffer("mean", torch.full((6,), 0.2))
        self.weight = nn.Parameter(torch.ones(6))

    def forward(self, x: Tensor) -> Tensor:
        new = x.detach().mean((0, 2, 3))
        if self.way == "in place":
            self.mean.mul_(0.9).add_(new, alpha=0.1)
        elif self.way == "copy":
            self.mean.data.copy_(new)
        elif self.way == "part":
            self.mean[0] += 1
        elif self.way == "weight":
            self.weight.data.clamp_(-1, 0.5)
        elif self.way == "statistics":
            F.batch_norm(x.detach(), self.mean, torch.ones(6), training=True)
        return x * self.weight.view(-1, 1, 1)


class Alternating(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x * (1 + self.calls % 2)


class Wakeful(nn.Dropout):
    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, training=True)


TWO_ANSWERS = {
    "dropout": lambda: Wakeful(0.3),
    "functional dropout": lambda: Fn(lambda y: F.dropout(y, 0.1, training=True)),
    "noise": lambda: Fn(lambda y: y + 1e-2 * torch.randn_like(y)),
    "noise of Python": lambda: Fn(lambda y: y * random.uniform(0.9, 1.1)),
    "counter": Alternating,
}
MIXING = {
    "no running statistics": lambda: nn.BatchNorm2d(6, track_running_stats=False),
    "batch statistics": lambda: Fn(lambda y: F.batch_norm(y, None, None, training=True)),
    "centred over the batch": lambda: Fn(lambda y: y - y.mean(0, keepdim=True)),
    "the neighbour's": lambda: Fn(lambda y: y + 1e-5 * y.roll(1, 0)),
    "softmax over the batch": lambda: Fn(lambda y: y.softmax(0)),
}
WRITING = ("in place", "copy", "part", "weight", "statistics")


def network(part: nn.Module, place: int) -> nn.Sequential:
    # Of random networks one in a hundred sleeps as a whole, and looks at nothing.
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = [nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)]
        rest = nn.Flatten(), nn.Linear(6, 4)
    parts.insert(place, part)
    return nn.Sequential(*parts, *rest).eval()


def refusals(net: nn.Module, x: Tensor, words: str) -> None:
    before = {key: value.clone() for key, value in net.state_dict().items()}
    picture, drawn = x.clone(), torch.random.get_rng_state()
    for ask in (
        lambda: CID(net, net[-1]).explain(x, QUICK),
        lambda: attribute("saliency", net, None, x, target=1),
        lambda: attribute("grad_cam", net, net[0], x, target=1),
    ):
        with pytest.raises(ValueError, match=words):
            ask()
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert torch.equal(x, picture)
    assert torch.equal(torch.random.get_rng_state(), drawn)


@pytest.mark.parametrize("place", [1, 3])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", TWO_ANSWERS)
def test_two_answers_to_one_picture_are_refused(name: str, place: int, count: int) -> None:
    # Two draws of Python's are now and then the same within rounding.
    random.seed(0)
    net = network(TWO_ANSWERS[name](), place)
    refusals(net, torch.randn(count, 3, 8, 8), rf"got two answers, first at '{place}' \({type(net[place]).__name__}\)")


def test_two_answers_are_found_where_rectifiers_sleep_at_the_picture() -> None:
    net = network(TWO_ANSWERS["noise"](), 1)
    with torch.no_grad():
        net[0].bias.fill_(-0.1)
        net[0].weight.mul_(4)
    x = torch.zeros(1, 3, 8, 8)
    assert torch.equal(net(x), net(x))
    refusals(net, x, r"got two answers, first at '1' \(Fn\)")


@pytest.mark.parametrize("place", [1, 3])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", MIXING)
def test_rows_that_mix_are_refused(name: str, place: int, count: int) -> None:
    net = network(MIXING[name](), place)
    refusals(net, torch.randn(count, 3, 8, 8), "depends on the other pictures of its batch")


@pytest.mark.parametrize("way", WRITING)
def test_a_forward_pass_that_writes_into_the_network_is_refused_before_it_has(way: str) -> None:
    net, x = network(Average(way), 1), torch.randn(2, 3, 8, 8)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    with pytest.raises(ValueError, match=r"writes into '1\.(mean|weight)'"):
        find_layers(net, x)
    assert all("writes into its own" in applies(method, net, None, x) for method in ("lrp", "deep_lift"))
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    refusals(net, x, r"writes into '1\.(mean|weight)'")


def test_a_layer_below_what_is_random_is_explained() -> None:
    net = network(TWO_ANSWERS["noise"](), 3)
    # A corner that one unit alone sees may be unused, but nothing is unknown.
    assert not CID(net, net[1]).attribute(torch.randn(1, 3, 8, 8), QUICK).isnan().any()


def test_what_passed_is_tried_again_after_a_change() -> None:
    net, x = network(nn.Identity(), 1), torch.randn(1, 3, 8, 8)
    attribute("saliency", net, None, x, target=1)
    net[1] = TWO_ANSWERS["dropout"]()
    with pytest.raises(ValueError, match="two answers"):
        attribute("saliency", net, None, x, target=1)


def _centred(x: Tensor) -> Tensor:
    return x.sub_(0.5).div_(0.25)


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients", "occlusion", "lrp", "activation", "deep_lift"])
def test_a_network_that_writes_into_its_picture_gets_a_copy(method: str) -> None:
    rest = network(nn.Identity(), 1).double()
    writing = nn.Sequential(Fn(_centred), *rest).eval()
    reading = nn.Sequential(Fn(lambda x: (x - 0.5) / 0.25), *rest).eval()
    x = torch.rand(2, 3, 8, 8, dtype=torch.float64)
    given = x.clone()
    maps = [attribute(method, net, net[1], x, target=1) for net in (writing, reading)]
    assert torch.allclose(*maps)
    entropies = [CID(net, net[3]).attribute(x, QUICK) for net in (writing, reading)]
    assert torch.equal(*entropies)
    assert torch.equal(x, given)


def test_hooks_that_look_see_each_private_copy_once() -> None:
    net, seen = network(nn.Identity(), 1), []
    net[2].register_forward_hook(lambda module, args, output: seen.append(output))
    CID(net, net[4]).attribute(torch.randn(1, 3, 8, 8), QUICK)
    assert len(seen) <= 2


def test_hooks_that_change_the_answer_are_part_of_the_network() -> None:
    net, x = network(nn.Identity(), 1).double(), torch.randn(1, 3, 8, 8, dtype=torch.float64)
    expected = attribute("activation", nn.Sequential(net[0], Fn(lambda y: 3 * y), *net[1:]).eval(), "2", x)
    net[0].register_forward_hook(lambda module, args, output: 3 * output)
    assert torch.allclose(attribute("activation", net, net[1], x), expected)


def test_hooks_of_the_backward_pass_have_no_say() -> None:
    net, x = network(nn.Identity(), 1), torch.randn(1, 3, 8, 8)
    ask = (lambda: attribute("saliency", net, None, x, target=1), lambda: CID(net, net[2]).attribute(x, QUICK))
    before = [question() for question in ask]
    net[1].register_full_backward_hook(lambda module, given, got: (2 * given[0],))
    net[2].register_full_backward_pre_hook(lambda module, got: (2 * got[0],))
    assert all(torch.equal(question(), known) for question, known in zip(ask, before, strict=True))


def test_features_that_are_not_finite_are_refused() -> None:
    net = network(Fn(lambda y: (y - 100).log()), 1)
    with pytest.raises(ValueError, match="expected finite features"):
        CID(net, net[1]).attribute(torch.randn(1, 3, 8, 8))


def test_features_that_are_not_finite_are_refused_for_every_picture() -> None:
    net = network(Fn(torch.exp), 1)
    mild = torch.randn(1, 3, 8, 8)
    ask = [
        lambda x, name=name: attribute(name, net, "1", x, target=1) for name in ("saliency", "occlusion", "activation")
    ]
    for question in (*ask, lambda x: CID(net, net[1]).attribute(x, QUICK)):
        assert question(mild).isfinite().all()
        for wild in (500 * mild, torch.cat([mild, 500 * mild])):
            with pytest.raises(ValueError, match="expected finite features"):
                question(wild)


def test_weights_that_became_nan_are_refused() -> None:
    net, x = network(nn.ReLU(), 1), torch.randn(1, 3, 8, 8)
    asked = ("saliency", "lrp", "grad_cam", "activation", "occlusion")
    assert all(attribute(name, net, "1", x, target=1).isfinite().all() for name in asked)
    CID(net, net[1]).attribute(x, QUICK)
    with torch.no_grad():
        net[0].weight[0] = torch.nan
    for name in asked:
        with pytest.raises(ValueError, match="expected finite features"):
            attribute(name, net, "1", x, target=1)
    with pytest.raises(ValueError, match="expected finite features"):
        CID(net, net[1]).attribute(x, QUICK)
    assert "NaN or infinity" in applies("lrp", net, None, x)


class Divided(nn.Module):
    """A layer that runs picture by picture, for halves of the batch, or for all tiles of all pictures at once."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.inner = nn.Conv2d(3, 4, 3, padding=1)
        self.last = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        if self.way == "tiles":
            tiles = x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
            return self.last(self.inner(tiles).reshape(len(x), -1))
        size = 1 if self.way == "pictures" else (len(x) + 1) // 2
        return self.last(torch.cat([self.inner(part) for part in x.split(size)]).flatten(1))


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("way", ["pictures", "halves", "tiles"])
def test_a_layer_that_runs_for_other_rows_than_the_pictures_is_refused(way: str, count: int) -> None:
    net, x = Divided(way).eval(), torch.randn(count, 3, 8, 8)
    # Every network is tried with two pictures, if not with one.
    rows, pictures = {"pictures": (1, "2 pictures"), "halves": (1, "2 pictures"), "tiles": (4, "1 picture")}[way]
    words = rf"one row per picture, got float32 of shape \({rows}, 4, \d, \d\) for {pictures}; choose"
    with pytest.raises(ValueError, match=words):
        CID(net, "inner").explain(x, QUICK)
    with pytest.raises(ValueError, match=words):
        RU(net, "inner", nn.Flatten()).explain(x, QUICK)
    with pytest.raises(ValueError, match=words):
        attribute("activation", net, "inner", x)
    assert CID(net, "last").attribute(x, QUICK).shape == (count, 1, 8, 8)
