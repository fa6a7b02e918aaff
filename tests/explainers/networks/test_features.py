"""h stops at its layer, is safe between threads, and leaves the network as it was."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from explainers import CID, CIDSettings
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.features import Feature


class Bomb(nn.Module):
    def forward(self, x):
        raise AssertionError("a layer above the one asked for was computed")


def _state(net: nn.Module) -> list:
    return [
        (
            name,
            module.training,
            len(module._forward_hooks),
            len(module._forward_pre_hooks),
            len(module._backward_hooks),
            sorted(vars(module)),
            [(p.requires_grad, p.grad, p._version, p.data_ptr()) for p in module.parameters(recurse=False)],
        )
        for name, module in net.named_modules()
    ]


def test_nothing_above_the_layer_is_computed():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), Bomb())
    assert Feature(net, "1")(torch.zeros(2, 3, 5, 5)).shape == (2, 36)


def test_in_place_activation_does_not_change_the_layer_below():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.ReLU(inplace=True))
    x = torch.randn(2, 3, 5, 5)
    assert torch.equal(Feature(net, "0")(x), net[0](x).flatten(1))


def test_the_second_use_of_a_module_is_another_layer():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x):
            return self.conv(self.conv(x))

    from explainers.networks.layers import find_layers

    net, x = Twice(), torch.randn(1, 3, 5, 5)
    first, second = find_layers(net, x)[:2]
    assert torch.equal(Feature(net, first)(x), net.conv(x).flatten(1))
    assert torch.equal(Feature(net, second)(x), net(x).flatten(1))


def test_a_tuple_is_one_feature():
    class Pair(nn.Module):
        def forward(self, x):
            return x.mean((2, 3)), 2 * x

    net, x = nn.Sequential(nn.Conv2d(3, 4, 3), Pair()), torch.randn(2, 3, 5, 5)
    assert Feature(net, net[1])(x).shape == (2, 4 + 4 * 9)


@pytest.mark.parametrize("output", [lambda x: x.argmax(1), lambda x: {"a": x}, lambda x: x.sum()])
def test_outputs_without_a_feature_are_refused(output):
    class Odd(nn.Module):
        def forward(self, x):
            return output(x)

    net = nn.Sequential(nn.Conv2d(3, 4, 3), Odd())
    with pytest.raises(ValueError, match="expected"):
        Feature(net, net[1])(torch.zeros(2, 3, 5, 5))


def test_unknown_layer_names_some_that_exist():
    with pytest.raises(ValueError, match="layer1"):
        CID(ResNetCIFAR(8), "layer9.7")


def test_the_network_is_left_as_it_was_even_in_training_mode():
    net = ResNetCIFAR(8).train()
    before, buffers = _state(net), {k: v.clone() for k, v in net.state_dict().items()}
    for _ in range(5):
        CID(net, "layer2.0").attribute(torch.randn(1, 3, 16, 16), probes=16, refine=False)
    with pytest.raises(ValueError, match="expected"):
        CID(net, "layer2.0").attribute(torch.full((1, 3, 16, 16), torch.nan))
    assert _state(net) == before
    assert all(torch.equal(v, buffers[k]) for k, v in net.state_dict().items())


@pytest.mark.long
def test_a_hundred_calls_leave_module_and_memory_as_they_were():
    import gc

    net, x = ResNetCIFAR(8).eval(), torch.randn(1, 3, 8, 8)
    before = _state(net)

    def tensors_after(calls: int) -> int:
        for _ in range(calls):
            CID(net, "layer1.0").attribute(x, probes=8, refine=False)
        gc.collect()
        return sum(issubclass(type(item), torch.Tensor) for item in gc.get_objects())

    warm = tensors_after(2)
    # Fewer where the collector found what earlier tests had left.
    assert tensors_after(98) <= warm
    assert _state(net) == before


def test_a_stream_left_in_the_middle_leaves_gradients_on():
    net = ResNetCIFAR(8).eval()
    for _ in CID(net, "fc").stream(torch.randn(1, 3, 8, 8)):
        assert torch.is_grad_enabled()


def test_eight_threads_on_one_module_give_the_answers_of_one():
    torch.manual_seed(3)
    net = ResNetCIFAR(8).eval()
    layers = ["conv1", "layer1.0", "layer2.0", "fc"] * 2
    pictures = torch.randn(8, 1, 3, 16, 16)
    settings = CIDSettings(probes=16, refine=False)

    def run(job):
        layer, x = job
        return CID(net, layer).attribute(x, settings)

    jobs = list(zip(layers, pictures, strict=True))
    alone = [run(job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        crowd = list(pool.map(run, jobs))
    assert all(torch.equal(a, b) for a, b in zip(alone, crowd, strict=True))
