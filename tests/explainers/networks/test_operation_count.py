"""Counted operations are torch's own count, and nobody else's work notices that they are counted."""

import threading

import pytest
import torch
from torch import nn
from torch.nn.modules import module as hooks
from torch.utils.flop_counter import FlopCounterMode

from explainers import CID, CIDSettings, load_network
from explainers.networks.copies import structural_copy
from explainers.networks.operation_count import count_flops


@pytest.mark.parametrize("name", ["resnet20-cifar10", "unet-membranes", "vgg16-birds"])
def test_the_count_is_that_of_torch(name):
    network = load_network(name)
    copied, x = structural_copy(network.module, "meta"), torch.empty(2, 3, *network.input_size, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as expected:
        copied(x)
    with torch.no_grad():
        assert count_flops(lambda: copied(x)) == expected.get_total_flops() > 0


def test_backward_passes_and_attention_count():
    layer, x = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(), torch.randn(2, 5, 8)
    with FlopCounterMode(display=False) as expected:
        layer(x).sum().backward()
    assert count_flops(lambda: layer(x).sum().backward()) == expected.get_total_flops()


def test_a_map_beside_it_is_the_same_and_sees_no_hook(monkeypatch):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).eval()
    x, settings = torch.randn(1, 3, 8, 8), CIDSettings(grid=4, probes=8, refine=False)
    alone, found = CID(net, net[-1]).attribute(x, settings), []

    def compute() -> None:
        other = threading.Thread(target=lambda: found.append(CID(net, net[-1]).attribute(x, settings)))
        other.start()
        other.join()
        assert not hooks._global_forward_hooks
        assert not hooks._global_forward_pre_hooks

    assert count_flops(compute) == 0
    assert torch.equal(found[0], alone)
