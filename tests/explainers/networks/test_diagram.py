"""Diagrams of every registered network, against what is known of their architectures, and of awkward modules."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from explainers.networks.catalogue import _specs, network_catalogue
from explainers.networks.diagram import PICTURE, chain, diagram, extent
from explainers.networks.layers import find_layers
from explainers.networks.specs import SHIPPED

NAMES = [entry.name for entry in network_catalogue()]


def drawn(name: str):
    spec = _specs()[name]
    with torch.device("meta"):
        module = spec.build(len(spec.classes))
    side = spec.preprocessing.crop
    layers = find_layers(module, torch.empty(1, 3, side, side, device="meta"))
    return diagram(module, layers, (side, side)), layers


def of(module: nn.Module, size: int = 8):
    layers = find_layers(module, torch.zeros(1, 3, size, size))
    return diagram(module, layers, (size, size)), layers


@pytest.mark.parametrize("name", NAMES)
def test_every_registered_network_is_one_graph_from_the_picture_to_its_answer(name):
    found, layers = drawn(name)
    assert found.traced
    assert all(PICTURE <= before < after < len(layers) for before, after in found.edges)
    # Every layer is reached from the picture, and every one but the last is used by a later one.
    assert {after for _, after in found.edges} == set(range(len(layers)))
    assert {before for before, _ in found.edges} >= set(range(len(layers) - 1))
    assert all(layers[depth].kind not in ("convolution", "pooling", "logits") for depth in found.shortcuts)


@pytest.mark.parametrize("name", ["alexnet-birds", "vgg16-birds", "alexnet", "vgg16_bn"])
def test_plain_networks_are_chains(name):
    found, layers = drawn(name)
    assert found.edges == chain(layers)
    assert not found.shortcuts


@pytest.mark.parametrize("name", [spec.name for spec in SHIPPED if spec.family == "ResNet"] + ["resnet18", "resnet50"])
def test_residual_networks_are_chains_of_blocks_with_shortcuts(name):
    found, layers = drawn(name)
    assert found.edges == chain(layers)
    assert found.shortcuts == {layer.depth for layer in layers if layer.kind == "block"}


def test_the_unet_hands_each_resolution_over_to_the_way_up():
    found, layers = drawn("unet-membranes")
    names = {layer.depth: layer.name for layer in layers}
    assert {(names[before], names[after]) for before, after in found.skips} == {
        ("down1.conv2", "up1.conv1"),
        ("down2.conv2", "up2.conv1"),
        ("down3.conv2", "up3.conv1"),
    }
    assert found.edges == chain(layers) | found.skips


class Branches(nn.Module):
    """Two convolutions of the picture beside each other, joined by addition, then a third."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, x):
        return self.last(F.relu(self.left(x)) + self.right(x))


def test_branches_start_at_the_picture_and_meet_again():
    found, layers = of(Branches())
    assert [layer.name for layer in layers][:2] == ["left", "right"]
    assert {(PICTURE, 0), (PICTURE, 1), (0, 2), (1, 2)} <= found.edges
    assert (0, 1) not in found.edges


class Counting(nn.Module):
    """Runs on values alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.next = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, x):
        h = self.conv(x)
        return self.next(h) if float(h.detach().sum()) != float("nan") else h


def test_a_network_that_needs_values_is_traced_on_them_and_left_as_it_was():
    module = Counting()
    found, layers = of(module)
    assert found.traced
    assert found.edges >= chain(layers[:2])
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_what_cannot_be_run_again_is_drawn_as_a_chain():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3))
    layers = find_layers(module, torch.zeros(1, 3, 8, 8))
    found = diagram(module, layers, (2, 2))
    assert not found.traced
    assert found.edges == chain(layers)


class Skipping(nn.Module):
    """A chain of convolutions, of which some also take what an earlier one gave."""

    def __init__(self, skips: list[tuple[int, int]], count: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(count))
        self.skips = skips

    def forward(self, x):
        made = []
        for depth, conv in enumerate(self.convs):
            given = [made[before] for before, after in self.skips if after == depth]
            x = conv(x + sum(given) if given else x)
            made.append(x)
        return x


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_any_skips_between_layers_are_found_and_no_others(data):
    count = data.draw(st.integers(3, 6))
    pairs = [(a, b) for b in range(count) for a in range(b - 1)]
    skips = data.draw(st.lists(st.sampled_from(pairs), unique=True, max_size=4))
    found, layers = of(Skipping(skips, count))
    assert len(layers) == count
    assert found.edges == chain(layers) | set(skips)
    assert found.skips == set(skips)


@given(st.integers(1, 600), st.integers(1, 64))
def test_extent_is_channels_and_resolution(channels, side):
    assert extent((channels, side, side)) == (channels, side)
    assert extent((channels,)) == (channels, 1)
