"""The fairness check: same function, smaller feature, larger gradient, same CID."""

import copy
import dataclasses
import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from torchvision import models

from explainers import CID
from explainers.networks.architectures import plain
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.architectures.unet import UNet
from explainers.networks.features import Feature
from explainers.networks.layers import find_layers
from explainers.rescaling.rescale import factor, logit_change, rescalable_pairs, rescale, scale_output

POWERS = [2.0**k for k in range(-4, 5)]


def randomised(net: nn.Module, seed: int = 0) -> nn.Module:
    """With biases and normalisations away from 0 and 1, so that none of them can be forgotten unnoticed."""
    noise = torch.Generator().manual_seed(seed)
    for module in net.modules():
        for name in ("bias", "running_mean"):
            if isinstance(getattr(module, name, None), torch.Tensor):
                getattr(module, name).data.normal_(0, 0.2, generator=noise)
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine:
            module.weight.data.uniform_(0.5, 1.5, generator=noise)
            module.running_var.uniform_(0.5, 1.5, generator=noise)
    return net.eval()


def small() -> nn.Module:
    first = [nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.LeakyReLU(0.1), nn.Conv2d(6, 6, 3), nn.ReLU()]
    return nn.Sequential(*first, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(54, 12), nn.ReLU(), nn.Linear(12, 4))


BUILDERS = {
    "small": (small, 8),
    "AlexNet": (lambda: plain.alexnet(5, size=32, hidden=16), 32),
    "VGG-16": (lambda: plain.vgg16(5, size=32, hidden=16), 32),
    "VGG-16 with batch normalisation": (lambda: plain.vgg16(5, size=32, hidden=16, normalised=True), 32),
    "ResNet-8": (lambda: ResNetCIFAR(8), 16),
    "U-Net": (lambda: UNet(width=4, depth=2), 16),
    "U-Net with batch normalisation": (lambda: UNet(width=4, depth=2, normalised=True), 16),
    "basic blocks": (lambda: models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], 5), 32),
    "bottlenecks": (lambda: models.ResNet(models.resnet.Bottleneck, [1, 1, 1, 1], 5), 32),
    "SqueezeNet": (lambda: models.squeezenet1_1(num_classes=5), 32),
    "DenseNet": (lambda: models.DenseNet(4, (2, 2), 8, num_classes=5), 32),
    "GoogLeNet": (lambda: models.googlenet(num_classes=5, aux_logits=False, init_weights=False), 32),
}
NETWORKS = pytest.mark.parametrize("name", BUILDERS)


@cache
def network(name: str, dtype: torch.dtype = torch.float32) -> tuple[nn.Module, torch.Tensor, tuple]:
    """The network, two pictures and the pairs that may be rescaled; nothing may change them."""
    build, size = BUILDERS[name]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = randomised(build()).to(dtype)
        x = torch.rand(2, 3, size, size, dtype=dtype)
    return net, x, tuple(pair for pair in rescalable_pairs(net, x) if pair.rescalable)


def feature_and_gradient(net: nn.Module, pair, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The feature that `pair` shrinks, and the gradient of the outputs' sum with respect to it."""
    net, kept, calls = copy.deepcopy(net), [], []

    def leaf(module, args, output):
        calls.append(module)
        if len(calls) != pair.feature.call + 1:
            return output
        kept.append(output.detach().clone().requires_grad_())
        # A clone, so that an activation in place leaves the feature as it was.
        return kept[0].clone()

    net.get_submodule(pair.feature.path).register_forward_hook(leaf)
    output = net(x).sum()
    return kept[0].detach(), torch.autograd.grad(output, kept[0])[0]


@NETWORKS
def test_the_pairs_are_the_ones_that_the_paper_rescales(name):
    """Every pair inside a chain, the inner ones of a block, all that end in copies; none across an addition."""
    net, x, pairs = network(name)
    chained = {"small": 3, "AlexNet": 7, "VGG-16": 15, "VGG-16 with batch normalisation": 15}
    joined = {"U-Net": 12, "U-Net with batch normalisation": 12, "SqueezeNet": 25, "GoogLeNet": 57}
    # A dense layer's own pair, 2 blocks of 2: what joins the others is normalised together. The stem of the
    # bottlenecks ends in two convolutions, as its first shortcut is one.
    inner = {"ResNet-8": 3, "basic blocks": 4, "bottlenecks": 9, "DenseNet": 4}
    assert len(pairs) == (chained | inner | joined)[name]
    if name in chained or name in joined:
        assert all(pair.rescalable for pair in rescalable_pairs(net, x))


@NETWORKS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_powers_of_two_do_not_move_one_bit(name, dtype):
    net, x, pairs = network(name, dtype)
    for c in (1 / 16, 4.0):
        assert logit_change(net, rescale(net, pairs, c), x) == 0.0


@NETWORKS
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-4), (torch.float64, 1e-12)])
def test_other_factors_move_the_logits_by_rounding_alone(name, dtype, bound):
    net, x, pairs = network(name, dtype)
    other = rescale(net, pairs, 3)
    largest = max(1.0, net(x).abs().max().item())
    assert 0 < logit_change(net, other, x) < bound * largest


@NETWORKS
def test_the_feature_shrinks_by_c_and_its_gradient_grows_by_c(name):
    net, x, pairs = network(name)
    for pair in pairs[:: 1 + len(pairs) // 3]:
        feature, gradient = feature_and_gradient(net, pair, x)
        for rescaled in ([pair], pairs):
            smaller, larger = feature_and_gradient(rescale(net, rescaled, 4), pair, x)
            assert torch.equal(smaller, feature / 4)
            assert torch.equal(larger, gradient * 4)
        assert gradient.any()


@NETWORKS
def test_the_feature_is_a_layer_that_can_be_asked_for(name):
    net, x, pairs = network(name)
    for pair in pairs[:: 1 + len(pairs) // 4]:
        feature = Feature(net, pair.feature)(x)
        assert feature.shape == (2, math.prod(pair.feature.shape))
        assert torch.equal(Feature(rescale(net, [pair], 2), pair.feature)(x), feature / 2)


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(["small", "ResNet-8", "U-Net", "DenseNet"]),
    factors=st.lists(st.tuples(st.integers(0, 20), st.sampled_from(POWERS)), min_size=1, max_size=6),
)
def test_any_pairs_in_any_order_by_any_powers_of_two(name, factors):
    net, x, pairs = network(name)
    other = net
    for index, c in factors:
        other = rescale(other, [pairs[index % len(pairs)]], c)
    assert logit_change(net, other, x) == 0.0


@settings(max_examples=20, deadline=None)
@given(c=st.floats(0.05, 20), back=st.booleans())
def test_dividing_and_multiplying_again_gives_the_network_back(c, back):
    net, _, pairs = network("small", torch.float64)
    other = rescale(rescale(net, pairs, c), pairs[::-1] if back else pairs, 1 / c)
    for name, weight in net.state_dict().items():
        assert torch.allclose(other.state_dict()[name], weight, rtol=1e-12)


@NETWORKS
def test_the_paper_s_own_text_breaks_the_function(name):
    net, x, pairs = network(name)
    biased = [pair for pair in pairs if pair.following_bias]
    change = logit_change(net, rescale(net, biased, 4, next_bias=True), x)
    # A DenseNet's second convolutions have neither bias nor a normalisation of their own.
    assert (change > 1e-3) == (name != "DenseNet")


@NETWORKS
def test_the_original_stays_and_what_does_not_change_is_shared(name):
    net, _, pairs = network(name)
    before = copy.deepcopy(net.state_dict())
    pair = pairs[0]
    other = rescale(net, [pair], 4)
    assert not other.training
    assert not any(p.requires_grad for p in other.parameters())
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    old, new = net.state_dict(), other.state_dict()
    changed = {key for key in old if old[key].data_ptr() != new[key].data_ptr()}
    allowed = {f"{pair.scaled}.weight", f"{pair.scaled}.bias", *(f"{reach.layer}.weight" for reach in pair.reaches)}
    assert changed == allowed & set(old)


@pytest.mark.long
@pytest.mark.parametrize(("c", "refine"), [(3, False), (4, True)])
def test_cid_does_not_move_at_any_layer(c, refine):
    net, x, pairs = network("small")
    other = rescale(net, pairs, c)
    for layer in find_layers(net, x):
        before = CID(net, layer).attribute(x[:1], refine=refine)
        after = CID(other, layer).attribute(x[:1], refine=refine)
        finite = before.isfinite()
        assert torch.equal(finite, after.isfinite())
        assert (before - after)[finite].abs().max() < 1e-3


def test_scaling_the_output_moves_gradients_and_leaves_cid_of_earlier_layers():
    net, x, pairs = network("small")
    other = scale_output(net, x, 4)
    assert torch.equal(other(x), 4 * net(x))
    for pair in pairs:
        (feature, gradient), (same, larger) = (feature_and_gradient(n, pair, x) for n in (net, other))
        assert torch.equal(same, feature)
        assert torch.equal(larger, 4 * gradient)
        before, after = (CID(n, pair.feature).attribute(x, refine=False) for n in (net, other))
        assert torch.equal(before, after)


@NETWORKS
def test_every_network_s_output_can_be_scaled(name):
    net, x, _ = network(name)
    assert torch.equal(scale_output(net, x, 1 / 8)(x), net(x) / 8)


def test_a_network_that_ends_in_a_softmax_cannot_be_scaled():
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 3), nn.Softmax(1))
    with pytest.raises(ValueError, match="Softmax is not positively homogeneous"):
        scale_output(net, torch.rand(1, 3, 2, 2), 2)


class Between(nn.Module):
    """Two convolutions and a function between them."""

    def __init__(self, between) -> None:
        super().__init__()
        self.conv1, self.between, self.conv2 = nn.Conv2d(3, 4, 3), between, nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return self.conv2(self.between(self.conv1(x)))


HOMOGENEOUS = {
    "in place": lambda f: F.relu_(f),
    "PReLU": nn.PReLU(4),
    "poolings": nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(2, 1), nn.AdaptiveMaxPool2d(3), nn.LPPool2d(2, 2, 1)),
    "upsampling": nn.Sequential(nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=1.5, mode="bilinear")),
    "paddings": nn.Sequential(nn.ZeroPad2d(1), nn.ReflectionPad2d(1), nn.ReplicationPad2d(2), nn.ConstantPad2d(1, 0.0)),
    "dropout": nn.Dropout(0.9),
    "times a constant": lambda f: 0.3 * f / 7,
    "shapes": lambda f: f.flatten(2).transpose(1, 2).mT.unflatten(2, (6, 6))[:, :, 1:],
    "group normalisation": nn.GroupNorm(2, 4),
    "batch normalisation after the activation": nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4)),
    "only the shape is used besides": lambda f: f.view(f.shape[0], f.size(1), *f.shape[2:]),
}
REFUSED = {
    "ReLU6": (nn.ReLU6(), "ReLU6 is not positively homogeneous"),
    "GELU": (nn.GELU(), "GELU is not positively homogeneous"),
    "sigmoid": (torch.sigmoid, "sigmoid is not positively homogeneous"),
    "tanh": (lambda f: f.tanh(), "tanh is not positively homogeneous"),
    "response normalisation": (nn.LocalResponseNorm(2), "LocalResponseNorm is not positively homogeneous"),
    "something else": (torch.erf, "erf is not known to be positively homogeneous"),
    "reciprocal": (lambda f: 1 / f, "is not known to be positively homogeneous"),
    "quotient": (lambda f: torch.div(torch.ones(1), f), "div is not known to be positively homogeneous"),
    "square": (lambda f: f * f, "multiplied by another feature"),
    "gate": (lambda f: f * f.mean((2, 3), keepdim=True).sigmoid(), "used in 2 places"),
    "addition": (lambda f: f + f, "another branch is added"),
    "constant": (lambda f: 1 - f, "a constant is added"),
    "copy": (lambda f: torch.cat([f, f], 1)[:, ::2], "joined with another feature"),
    "padding": (nn.ConstantPad2d(1, 0.5), "padded with a constant"),
    "plain normalisation": (nn.BatchNorm2d(4, affine=False), "BatchNorm2d undoes it and has no weight of its own"),
}


@pytest.mark.parametrize("between", HOMOGENEOUS.values(), ids=HOMOGENEOUS)
def test_positively_homogeneous_functions_are_passed(between):
    net, x = randomised(Between(between)), torch.rand(1, 3, 8, 8)
    (pair,) = rescalable_pairs(net, x)
    assert pair.rescalable, pair.reason
    assert logit_change(net, rescale(net, [pair], 8), x) == 0.0


@pytest.mark.parametrize(("between", "reason"), REFUSED.values(), ids=REFUSED)
def test_others_are_refused_with_the_reason(between, reason):
    net, x = randomised(Between(between)), torch.rand(1, 3, 8, 8)
    (pair,) = rescalable_pairs(net, x)
    assert reason in pair.reason
    assert (pair.scaled, pair.feature) == ("", None)
    with pytest.raises(ValueError, match="expected a pair that may be rescaled, got conv1 and conv2: "):
        rescale(net, [pair], 4)


def test_a_residual_addition_is_named():
    net, x, _ = network("ResNet-8")
    reasons = {pair.layer_name: pair.reason for pair in rescalable_pairs(net, x)}
    assert reasons["conv1"] == (
        "it is used in 2 places, and in one of them another branch is added, which is not divided with it"
    )
    assert reasons["layer2.0.conv2"] == "another branch is added, which is not divided with it"
    assert reasons["layer2.0.conv1"] == ""


class Joins(nn.Module):
    """Two features: one goes on alone as well, and both are joined, the second of them twice."""

    def __init__(self, last: nn.Module):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 6, 1)
        self.alone, self.last = nn.Conv2d(4, 4, 1, groups=2), last

    def forward(self, x):
        feature, other = self.one(x).relu(), self.two(x).relu()
        joined = torch.cat([other, F.avg_pool2d(feature, 3, 1, 1), other], dim=-3)
        return torch.cat([self.last(joined).flatten(1), self.alone(feature).flatten(1)], 1)


LASTS = {
    "convolution": lambda: nn.Conv2d(16, 5, 3),
    "transposed": lambda: nn.ConvTranspose2d(16, 6, 2, groups=2),
    "linear after flattening": lambda: nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 5)),
}


@pytest.mark.parametrize("last", LASTS.values(), ids=LASTS)
@pytest.mark.parametrize("c", [4.0, 0.125])
def test_a_joined_feature_is_taken_back_at_its_own_channels(last, c):
    net, x = randomised(Joins(last())), torch.rand(2, 3, 6, 6)
    one, two = rescalable_pairs(net, x)
    assert [len(pair.reaches) for pair in (one, two)] == [2, 2]
    for pairs in ([one], [two], [one, two]):
        assert logit_change(net, rescale(net, pairs, c), x) == 0.0
    # The channels of the other feature stay; without them the function would be another.
    wrong = rescale(net, [dataclasses.replace(one, reaches=one.reaches[:1])], c)
    assert logit_change(net, wrong, x) > 1e-3


def test_what_shrinks_with_a_joined_feature_are_its_own_channels():
    net = UNet(width=4, depth=1)
    pairs = {pair.layer: pair for pair in rescalable_pairs(net, torch.rand(1, 3, 8, 8))}
    merged = {name: [(s.start, s.stop) for s in pairs[name].shrunk if s.path == "merge1"] for name in pairs}
    assert (merged["down1.conv2"], merged["upconv1"], merged["down2.conv1"]) == ([(0, 4)], [(4, 8)], [])
    assert pairs["down1.conv2"].following_name == "down2.conv1, up1.conv1"
    net, x, shapes = randomised(net), torch.rand(1, 3, 8, 8), {}
    for path, part in net.named_modules():
        part.register_forward_hook(lambda m, a, output, path=path: shapes.update({path: output.shape[1:]}))
    net(x)
    for pair in pairs.values():
        other = rescale(net, [pair], 2)
        for place in pair.shrunk:
            before, after = (Feature(n, place.path)(x).view(shapes[place.path]) for n in (net, other))
            expected = before.clone()
            expected[place.start : place.stop] /= 2
            assert torch.equal(after, expected)


@pytest.mark.parametrize(
    "last", [nn.Conv2d(16, 8, 3, groups=2), nn.Sequential(nn.ChannelShuffle(2), LASTS["convolution"]())]
)
def test_a_joined_feature_that_is_lost_track_of_is_refused(last):
    pairs = rescalable_pairs(randomised(Joins(last)), torch.rand(1, 3, 6, 6))
    assert all("joined with another feature" in pair.reason for pair in pairs if pair.layer in ("one", "two"))


def test_a_layer_that_is_used_twice_or_shares_its_weight_is_refused():
    conv, x = nn.Conv2d(3, 3, 3), torch.rand(1, 3, 9, 9)
    tied = nn.Sequential(conv, nn.ReLU(), nn.Conv2d(3, 3, 3), nn.ReLU(), nn.Conv2d(3, 3, 3))
    tied[4].weight = tied[2].weight
    assert ["shares its weight" in p.reason for p in rescalable_pairs(tied, x)] == [True, True]
    assert all("shares its weight" in p.reason for p in rescalable_pairs(nn.Sequential(conv, nn.ReLU(), conv), x))


def test_a_computed_weight_is_refused():
    net = Between(nn.ReLU())
    net.conv2 = parametrizations.weight_norm(net.conv2)
    net = nn.Sequential(net, nn.ReLU(), nn.Conv2d(4, 2, 1))
    reasons = [pair.reason for pair in rescalable_pairs(net, torch.rand(1, 3, 8, 8))]
    assert reasons == ["the next layer computes its weight from others", "the layer computes its weight from others"]


def test_a_feature_that_is_an_output_too_is_refused():
    class TwoOutputs(Between):
        def forward(self, x):
            feature = self.conv1(x)
            return feature, self.conv2(feature)

    (pair,) = rescalable_pairs(TwoOutputs(None), torch.rand(1, 3, 8, 8))
    assert pair.reason == "its feature is an output of the network besides"


TORCHVISION = {
    "alexnet": (7, 7),
    "vgg16": (15, 15),
    "vgg16_bn": (15, 15),
    "resnet18": (20, 8),
    "mobilenet_v2": (52, 2),
    "convnext_tiny": (58, 18),
    "vit_b_16": (25, 0),
    "squeezenet1_1": (25, 25),
    "densenet121": (120, 58),
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_s_networks_need_no_arithmetic(name):
    """On the meta device, where nothing can be computed: the pairs follow from shapes alone."""
    with torch.device("meta"):
        net = models.get_model(name)
    pairs = rescalable_pairs(net, torch.empty(1, 3, 224, 224))
    assert (len(pairs), sum(pair.rescalable for pair in pairs)) == TORCHVISION[name]
    assert len({(pair.layer_name, pair.following_name) for pair in pairs}) == len(pairs)
    if name == "densenet121":
        assert all("normalised together" in pair.reason for pair in pairs if pair.reason)
    if name == "vgg16":
        assert [p.layer_name for p in pairs][-4:] == ["conv5-2", "conv5-3", "fc6", "fc7"]


def test_what_depends_on_values_is_run_for_real():
    class Decides(nn.Module):
        def __init__(self):
            super().__init__()
            self.bright, self.dark = Between(nn.ReLU()), Between(nn.GELU())

        def forward(self, x):
            return self.bright(x) if x.mean() > 0 else self.dark(x)

    for x, layer in ((torch.ones(1, 3, 8, 8), "bright.conv1"), (-torch.ones(1, 3, 8, 8), "dark.conv1")):
        (pair,) = rescalable_pairs(Decides(), x)
        assert (pair.layer, pair.rescalable) == (layer, layer == "bright.conv1")


def test_threads_do_not_disturb_each_other():
    """Four networks followed at once, on nets that are also running; each finds what it finds alone."""
    names = ["ResNet-8", "U-Net", "VGG-16", "DenseNet"] * 3
    alone = {name: (rescalable_pairs(*network(name)[:2]), network(name)[0](network(name)[1])) for name in names}

    def work(name):
        net, x, _ = network(name)
        return rescalable_pairs(net, x), net(x)

    with ThreadPoolExecutor(4) as threads:
        for name, (pairs, output) in zip(names, threads.map(work, names), strict=True):
            assert pairs == alone[name][0]
            assert torch.equal(output, alone[name][1])


def test_what_cannot_be_followed_is_said():
    net, x = Between(nn.ReLU()).eval(), torch.rand(1, 3, 8, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.trace(net, x)
    with pytest.raises(ValueError, match="not scripted or compiled"):
        rescalable_pairs(scripted, x)
    with pytest.raises(ValueError, match=r"pictures of shape \(1, 3, 2, 2\)"):
        rescalable_pairs(net, torch.rand(1, 3, 2, 2))


@pytest.mark.parametrize("c", [0, -4, math.inf, math.nan])
def test_only_positive_numbers_rescale(c):
    net, x, pairs = network("small")
    with pytest.raises(ValueError, match="expected a positive number to rescale by"):
        rescale(net, pairs, c)
    with pytest.raises(ValueError, match="expected a positive number to rescale by"):
        scale_output(net, x, c)


@settings(max_examples=30, deadline=None)
@given(k=st.floats(-50, 50), scale=st.sampled_from([1e-30, 1.0, 1e20]), seed=st.integers(0, 99))
def test_the_factor_of_a_multiple_is_found_whatever_its_size(k, scale, seed):
    before = scale * torch.randn(5, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    assert factor(before, k * before) == pytest.approx(k, rel=1e-9, abs=1e-12)


def test_the_factor_is_the_least_squares_slope():
    before, after = torch.randn(2, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    slope = torch.linalg.lstsq(before[:, None], after[:, None]).solution.item()
    assert factor(before, after) == pytest.approx(slope, rel=1e-12)
    assert math.isnan(factor(torch.zeros(3), torch.ones(3)))
    assert math.isnan(factor(torch.full((3,), torch.inf), torch.ones(3)))
