"""U-Net: sizes, parts and what depends on what."""

import pytest
import torch
from torch import nn

from explainers.networks.architectures.unet import UNet


def test_the_papers_network_has_its_23_convolutions_and_31_million_parameters():
    with torch.device("meta"):
        net = UNet(channels=1, classes=2, width=64)
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(convolutions) == 23
    assert sum(p.numel() for p in net.parameters()) == 31_030_658


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize(("depth", "size"), [(1, (6, 4)), (3, (16, 24))])
def test_gives_a_logit_per_pixel_and_class(normalised, depth, size):
    net = UNet(channels=2, classes=5, width=4, depth=depth, normalised=normalised).eval()
    assert net(torch.rand(2, 2, *size)).shape == (2, 5, *size)


def test_refuses_a_size_that_cannot_be_halved_often_enough():
    with pytest.raises(ValueError, match="divisible by 8, got 16×20"):
        UNet(width=4, depth=3)(torch.rand(1, 3, 16, 20))


def test_every_activation_is_a_module_used_once():
    net, runs = UNet(width=4, depth=2), []
    for path, module in net.named_modules():
        module.register_forward_hook(lambda *_, path=path: runs.append(path))
    net(torch.rand(1, 3, 8, 8))
    assert sorted(runs) == sorted(path for path, _ in net.named_modules())
    assert sum(isinstance(m, nn.ReLU) for m in net.modules()) == 10


def test_copies_carry_the_picture_past_a_silent_bottom():
    net = UNet(width=4, depth=2).eval()
    x = torch.rand(1, 3, 8, 8)
    nn.init.zeros_(net.upconv2.weight)
    blind = net(x)
    assert not torch.equal(blind, net(x.flip(-1)))
    nn.init.zeros_(net.up1.conv1.weight.data[:, :4])
    nn.init.zeros_(net.up2.conv1.weight.data[:, :8])
    assert torch.equal(net(x), net(x.flip(-1)))
