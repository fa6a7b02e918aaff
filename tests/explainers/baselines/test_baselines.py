"""Laws of the baselines, over all methods and builds of networks."""

import copy
import threading

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from explainers.baselines.bottleneck import BottleneckSettings
from explainers.baselines.case import Case
from explainers.baselines.explain import METHODS, applies, attribute, explain
from explainers.baselines.layer import guided_gradient
from explainers.baselines.perturbation import superpixels
from explainers.canonical.modules import ClippedReLU
from explainers.canonical.network import canonise
from explainers.networks.layers import Layer, find_layers
from tests.support.baselines_zoo import OTHERS, RECTIFIED, DataDependent, Relevance, build, without_biases

torch.set_num_threads(1)
FAST = {
    "lime": {"samples": 12, "count": 9},
    "kernel_shap": {"samples": 40, "count": 9},
    "integrated_gradients": {"steps": 8},
    "bottleneck": {"settings": BottleneckSettings(steps=3)},
}


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    blobs = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(3))
    return F.interpolate(blobs, (32, 32), mode="bicubic") * 3 - 1.5


def score(net: nn.Module, x: torch.Tensor, target: int) -> torch.Tensor:
    with torch.no_grad():
        return net(x)[:, target].flatten(1).mean(1) if net(x).dim() > 2 else net(x)[:, target]


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(F.cosine_similarity(a.flatten(1) / a.norm(), b.flatten(1) / b.norm()).min())


def block(net: nn.Module, x: torch.Tensor) -> Layer:
    """The last layer that is a map."""
    return [layer for layer in find_layers(net, x[:1]) if len(layer.shape) == 3 and layer.shape[1] > 1][-1]


@pytest.mark.parametrize("name", METHODS)
def test_a_map_is_one_finite_value_per_pixel_and_costs_what_is_said(name: str, network, pictures) -> None:
    method = METHODS[name]
    explained = explain(name, network, "layer3.2", pictures, target=[3, 5])
    assert explained.map.shape == (2, 1, 32, 32)
    assert torch.isfinite(explained.map).all()
    assert not explained.map.requires_grad
    assert explained.map.std() > 0
    assert bool((explained.map < 0).any()) <= method.signed
    assert (explained.forward_passes, explained.backward_passes) == method.passes(32, 32)


@pytest.mark.parametrize("name", METHODS)
def test_a_picture_s_map_does_not_depend_on_its_neighbours_nor_on_the_call(name: str, network, pictures) -> None:
    options = FAST.get(name, {})
    both = attribute(name, network, "layer3.2", pictures, target=[3, 5], **options)
    alone = attribute(name, network, "layer3.2", pictures[1:], target=5, **options)
    assert torch.allclose(both[1:], alone, rtol=1e-3, atol=1e-4 * float(both.abs().max()))
    assert torch.equal(alone, attribute(name, network, "layer3.2", pictures[1:], target=5, **options))


@pytest.mark.slow
@pytest.mark.long
def test_eight_threads_give_the_maps_of_one() -> None:
    net, x = build("ResNet-8", torch.float32)
    jobs = [(name, FAST.get(name, {})) for name in METHODS if name not in ("occlusion", "bottleneck")]

    def run(job: tuple) -> torch.Tensor:
        return attribute(job[0], net, "layer3.0", x[:1], target=3, **job[1])

    expected = [run(job) for job in jobs]
    got: dict[int, list] = {}

    def work(thread: int) -> None:
        order = jobs[thread:] + jobs[:thread]
        got[thread] = [run(job) for job in order]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        assert all(torch.equal(a, b) for a, b in zip(got[i], expected[i:] + expected[:i], strict=True))


def _state(net: nn.Module) -> list:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return [
        (path, sorted(vars(part)), part.training, [len(getattr(part, kind)) for kind in hooks])
        for path, part in net.named_modules()
    ] + [(key, t.requires_grad, t.grad is None, t._version) for key, t in net.named_parameters()]


@pytest.mark.long
def test_the_network_is_left_as_it_was_after_success_and_failure(network, pictures) -> None:
    before, weights = _state(network.module), [t.clone() for t in network.module.state_dict().values()]
    drawn = torch.random.get_rng_state()
    x = pictures[:1].clone()
    for name in METHODS:
        attribute(name, network, "layer3.2", x, target=3, **FAST.get(name, {}))
        with pytest.raises(ValueError, match="expected"):
            attribute(name, network.module, "layer3.2", x if METHODS[name].needs_target else x[:, :2], target=99)
    assert _state(network.module) == before
    assert all(torch.equal(a, b) for a, b in zip(weights, network.module.state_dict().values(), strict=True))
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert not x.requires_grad
    assert torch.equal(x, pictures[:1])


class Guided(torch.autograd.Function):
    """The rectifier with guided backpropagation written into its derivative."""

    @staticmethod
    def forward(ctx, x: torch.Tensor, most: float) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.most = most
        return x.clamp(0, most)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> tuple:
        (x,) = ctx.saved_tensors
        return gradient.clamp(min=0) * (x > 0) * (x < ctx.most), None


def _gradient(net: nn.Module, x: torch.Tensor, target: int) -> torch.Tensor:
    leaf = x.clone().requires_grad_()
    output = net(leaf)
    chosen = output.flatten(2).mean(2) if output.dim() > 2 else output
    return torch.autograd.grad(chosen[:, target].sum(), leaf)[0]


@pytest.mark.parametrize("name", RECTIFIED)
def test_guided_backprop_is_guided_on_every_build(name: str) -> None:
    net, x = build(name)
    assert applies("guided_backprop", net, None, x) is None
    guided = guided_gradient(Case(net, x, torch.tensor([1, 1])))
    graph = canonise(net, x)
    for part in graph.modules():
        if isinstance(part, nn.ReLU):
            most = 6.0 if isinstance(part, ClippedReLU) else float("inf")
            part.forward = lambda v, most=most: Guided.apply(v, most)
    assert torch.allclose(guided, _gradient(graph, x, 1), rtol=1e-6, atol=1e-12)
    assert cosine(guided, _gradient(net, x, 1)) < 0.98


@pytest.mark.parametrize("name", RECTIFIED)
def test_deep_lift_is_complete(name: str) -> None:
    net, x = build(name)
    total = attribute("deep_lift", net, None, x, target=1).sum((1, 2, 3))
    assert torch.allclose(total, score(net, x, 1) - score(net, torch.zeros_like(x), 1), rtol=1e-7, atol=1e-9)


def test_integrated_gradients_are_complete() -> None:
    net, x = build("alexnet")
    total = attribute("integrated_gradients", net, None, x, target=1, steps=50).sum((1, 2, 3))
    expected = score(net, x, 1) - score(net, torch.zeros_like(x), 1)
    assert torch.allclose(total, expected, rtol=0.02, atol=0.01 * float(expected.abs().max()))


# Not the U-Net: one gradient loses the relevance of outputs of its up-convolutions to which nothing contributed.
@pytest.mark.parametrize("name", [n for n in RECTIFIED if not n.startswith("U-Net")])
def test_lrp_agrees_with_relevance_written_as_one_gradient(name: str) -> None:
    net, x = build(name)
    got = attribute("lrp", net, None, x, target=1)
    expected = Relevance(canonise(net, x), readout="head").map_for(x, 1)
    assert cosine(got, expected) > 0.9999
    assert torch.allclose(got.sum(), expected.sum(), rtol=1e-3)


@pytest.mark.parametrize("name", ["alexnet", "vgg16 normalised", "ResNet-8", "ResNet-18", "SqueezeNet", "U-Net"])
def test_lrp_conserves_the_score_without_biases(name: str) -> None:
    net, x = build(name)
    without_biases(net)
    total = attribute("lrp", net, None, x, target=1).sum((1, 2, 3))
    assert torch.allclose(total, score(net, x, 1), rtol=1e-4)


@pytest.mark.long
@pytest.mark.parametrize("name", ["alexnet", "vgg16", "vgg16 normalised", "ResNet-18"])
def test_lrp_agrees_with_zennit(name: str) -> None:
    zennit = pytest.importorskip("zennit.composites", reason="zennit is not installed")
    from zennit.torchvision import ResNetCanonizer, VGGCanonizer

    net, x = build(name)
    got = attribute("lrp", net, None, x, target=1)
    canonisers = [ResNetCanonizer() if name.startswith("ResNet") else VGGCanonizer()]
    copied, leaf = copy.deepcopy(net), x.clone().requires_grad_()
    with zennit.EpsilonPlusFlat(canonizers=canonisers).context(copied) as modified:
        output = modified(leaf)
        start = torch.zeros_like(output)
        start[:, 1] = output[:, 1].detach()
        (relevance,) = torch.autograd.grad(output, leaf, start)
    assert cosine(got, relevance.sum(1, keepdim=True)) > 0.999


def test_lrp_is_not_input_times_gradient() -> None:
    net, x = build("ResNet-8")
    assert cosine(attribute("lrp", net, None, x, 1), attribute("input_x_gradient", net, None, x, 1)) < 0.5


@pytest.mark.long
@pytest.mark.parametrize("name", ["ResNet-8", "ResNet-18", "SqueezeNet", "MobileNetV2"])
def test_cam_is_grad_cam_before_its_relu_times_the_number_of_positions(name: str) -> None:
    net, x = build(name)
    if name in ("SqueezeNet", "MobileNetV2"):
        # Of a smaller picture they leave two by two positions, each of which has seen all of it.
        x = torch.randn(2, 3, 96, 96, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    layer = next(k for k in reversed(find_layers(net, x[:1])) if applies("cam", net, k, x) is None)
    cam = attribute("cam", net, layer, x, target=1)
    grad_cam = attribute("grad_cam", net, layer, x, target=1, relu=False)
    assert torch.allclose(cam, grad_cam * layer.shape[1] * layer.shape[2], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "U-Net", "ViT", "MobileNetV3"])
def test_cam_gives_the_reason_where_the_head_is_another(name: str) -> None:
    net, x = build(name)
    reason = applies("cam", net, None, x)
    assert "CAM needs a network that ends in global average pooling" in reason
    with pytest.raises(ValueError, match="CAM does not apply: CAM needs"):
        attribute("cam", net, None, x, target=0)


def test_cam_names_its_layer(network) -> None:
    assert "layer3.2" in applies("cam", network, "layer1.0")
    assert applies("cam", network, "layer3.2") is None
    assert applies("cam", network) is None


@pytest.mark.parametrize("name", ["alexnet", "ResNet-8", "U-Net"])
def test_grad_cam_and_the_layer_methods_match_ten_lines(name: str) -> None:
    net, x = build(name)
    layer = block(net, x)
    kept = []
    handle = net.get_submodule(layer.path).register_forward_hook(lambda m, a, out: kept.append(out))
    y = net(x.clone().requires_grad_())
    handle.remove()
    y = y.flatten(2).mean(2) if y.dim() > 2 else y
    (gradient,) = torch.autograd.grad(y[:, 1].sum(), kept[0])
    weighted = (gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1, keepdim=True).relu()
    expected = {
        "grad_cam": weighted,
        "layer_gradient": gradient.square().sum(1, keepdim=True).sqrt(),
        "activation": kept[0].square().sum(1, keepdim=True).sqrt(),
    }
    for method, values in expected.items():
        enlarged = F.interpolate(values, x.shape[-2:], mode="bilinear", align_corners=False)
        assert torch.allclose(attribute(method, net, layer, x, target=1), enlarged), method


def test_a_module_that_is_called_several_times_is_explained_at_the_call_that_is_meant() -> None:
    net, x = build("careless")
    maps = [attribute("activation", net, Layer("relu", "relu", "block", (8, 16, 16), 0, call), x) for call in (0, 1)]
    with torch.no_grad():
        first = F.relu(net.bn(net.conv1(x)))
        second = F.relu(net.conv2(first) + first)
    for got, feature in zip(maps, (first, second), strict=True):
        assert torch.allclose(got, feature.norm(dim=1, keepdim=True))


def test_tokens_are_laid_out_as_a_map_without_the_class_token() -> None:
    net, x = build("ViT")
    layer = next(k for k in find_layers(net, x[:1]) if k.shape == (17, 16))
    kept = []
    handle = net.get_submodule(layer.path).register_forward_hook(lambda m, a, out: kept.append(out))
    net(x)
    handle.remove()
    tokens = kept[0][:, 1:].norm(dim=2).view(2, 1, 4, 4)
    enlarged = F.interpolate(tokens, (32, 32), mode="bilinear")
    assert torch.allclose(attribute("activation", net, layer, x), enlarged)
    assert attribute("grad_cam", net, layer, x, target=1).shape == (2, 1, 32, 32)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_defined_is_refused_with_the_operation_named(name: str) -> None:
    net, x = build(name)
    for method in ("guided_backprop", "lrp", "deep_lift"):
        reason = applies(method, net, None, x)
        assert "is not defined for" in reason
    for method in ("saliency", "input_x_gradient", "integrated_gradients", "occlusion"):
        assert applies(method, net, None, x) is None


def test_a_network_without_a_graph_keeps_the_methods_that_need_none() -> None:
    net, x = DataDependent().eval(), torch.rand(1, 3, 8, 8)
    assert "cannot be written down as a graph" in applies("lrp", net, None, x)
    for method in ("saliency", "grad_cam", "occlusion"):
        assert attribute(method, net, "conv", x, target=0).shape == (1, 1, 8, 8)


def test_vectors_and_missing_layers_are_refused(network, pictures) -> None:
    assert "no positions" in applies("grad_cam", network, "fc")
    assert "choose one" in applies("bottleneck", network, None)
    with pytest.raises(ValueError, match="no positions"):
        attribute("activation", network.module, "fc", pictures)
    with pytest.raises(ValueError, match="expected one of the methods"):
        attribute("gradcam", network, None, pictures)
    with pytest.raises(ValueError, match="target classes from 0 to 9, got"):
        attribute("saliency", network, None, pictures, target=10)


@pytest.mark.parametrize("target", [-1, 10, 1.7, [1, 99], True, torch.tensor([0.0, 1.0])])
def test_classes_that_do_not_exist_are_refused_for_any_network(target, network, pictures) -> None:
    for net in (network, network.module):
        with pytest.raises(ValueError, match="target classes from 0 to 9, got"):
            attribute("saliency", net, None, pictures, target=target)


@pytest.mark.parametrize("name", ["saliency", "activation", "lrp"])
def test_what_is_no_finite_picture_is_refused(name: str, network, pictures) -> None:
    for wrong in (pictures[0], pictures[:0], pictures.long(), pictures * torch.nan):
        with pytest.raises(ValueError, match="expected"):
            attribute(name, network, "layer3.2", wrong, target=1)


def test_kernel_shap_is_efficient_and_lime_finds_the_pixel_that_matters(pictures) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2)).eval().requires_grad_(False)
    net[1].weight.zero_().view(2, 3, 32, 32)[1, :, 20, 20] = 1.0
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    shap = attribute("kernel_shap", net, None, x, target=1, samples=400, count=16)
    regions = superpixels(x[0], 16)
    values = torch.stack([shap[0, 0][regions == i].mean() for i in regions.unique()])
    assert torch.allclose(values.sum(), (net(x) - net(torch.zeros_like(x)))[0, 1], rtol=1e-2, atol=1e-3)
    lime = attribute("lime", net, None, x, target=1, count=16).abs()[0, 0]
    assert regions.flatten()[lime.argmax()] == regions[20, 20]


def test_occlusion_of_a_linear_network_is_known() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 2, bias=False)).eval().requires_grad_(False)
    x = torch.rand(1, 3, 8, 8)
    got = attribute("occlusion", net, None, x, target=0)
    assert torch.allclose(got[0, 0], (x * net[1].weight[0].view(3, 8, 8))[0].sum(0), atol=1e-5)


@pytest.mark.parametrize("name", [n for n in METHODS if n != "cam"])
def test_rescaling_two_layers_changes_each_map_by_the_known_factor(name: str, pictures: torch.Tensor) -> None:
    net, _ = build("alexnet")
    x, options = pictures[:1].double(), FAST.get(name, {})
    before = attribute(name, net, "features.relu3", x, target=1, **options)
    net.features.conv3.weight.div_(4)
    net.features.conv3.bias.div_(4)
    net.features.conv4.weight.mul_(4)
    after = attribute(name, net, "features.relu3", x, target=1, **options)
    factor = {"layer_gradient": 4, "activation": 1 / 4}.get(name, 1)
    assert torch.allclose(after, before * factor, rtol=1e-4, atol=1e-4 * float(before.abs().max()))


@pytest.mark.parametrize("name", [n for n in METHODS if n not in ("activation", "guided_grad_cam", "bottleneck")])
def test_a_louder_output_makes_a_louder_map(name: str, network, pictures: torch.Tensor) -> None:
    net, options = copy.deepcopy(network.module), FAST.get(name, {})
    before = attribute(name, net, "layer3.2", pictures[:1], target=1, **options)
    net.fc.weight.mul_(4)
    net.fc.bias.mul_(4)
    after = attribute(name, net, "layer3.2", pictures[:1], target=1, **options)
    assert torch.allclose(after, 4 * before, rtol=1e-3, atol=1e-3 * float(after.abs().max()))
