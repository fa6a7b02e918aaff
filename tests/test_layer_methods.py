"""Maps of a layer's feature: right wherever the layer stands, whatever is written into its output afterwards."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models

from explainers.baselines import attribute

METHODS = ("grad_cam", "layer_gradient", "activation", "bottleneck")


class Written(nn.Module):
    """A convolution whose output is written to by what follows, in one of the ways that people write it."""

    WAYS = ("relu_", "functional", "module", "sum", "product", "part")

    def __init__(self, way: str, in_place: bool) -> None:
        super().__init__()
        self.way, self.in_place = way, in_place
        self.conv, self.act = nn.Conv2d(3, 6, 3), nn.ReLU(in_place)
        self.fc = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.way == "module":
            y = self.act(y)
        elif self.in_place:
            if self.way == "relu_":
                y.relu_()
            elif self.way == "functional":
                F.relu(y, inplace=True)
            elif self.way == "sum":
                y += y.roll(1, 2)
            elif self.way == "product":
                y *= 3
            else:
                y[:, :2] = 0
        else:
            keep = torch.tensor([0.0, 0, 1, 1, 1, 1], dtype=y.dtype).view(-1, 1, 1)
            y = {"sum": y + y.roll(1, 2), "product": y * 3, "part": y * keep}.get(self.way, y.relu())
        return self.fc(y.mean((2, 3)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", Written.WAYS)
def test_what_is_written_to_a_layer_s_output_afterwards_is_not_its_feature(method: str, way: str) -> None:
    written, plain = Written(way, True).double().eval(), Written(way, False).double().eval()
    plain.load_state_dict(written.state_dict())
    x = torch.randn(2, 3, 12, 12, dtype=torch.float64)
    expected = attribute(method, plain, "conv", x, target=1)
    assert torch.allclose(attribute(method, written, "conv", x, target=1), expected, rtol=1e-9, atol=1e-12)


def _densenet() -> nn.Module:
    return models.DenseNet(growth_rate=4, block_config=(2, 2), num_init_features=8, bn_size=2, num_classes=6)


@pytest.mark.parametrize(
    ("make", "layer"),
    [(_densenet, "features.norm5"), (lambda: models.resnet18(num_classes=5), "layer1.0.bn2")],
)
def test_layers_of_torchvision_before_an_in_place_rectifier(make, layer: str) -> None:
    net = make().double().eval()
    plain = copy.deepcopy(net)
    for part in plain.modules():
        if getattr(part, "inplace", False):
            part.inplace = False
    x = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    kept: list[Tensor] = []
    handle = plain.get_submodule(layer).register_forward_hook(lambda m, a, out: kept.append(out.clone()))
    plain(x)
    handle.remove()
    expected = F.interpolate(kept[0].norm(dim=1, keepdim=True), (64, 64), mode="bilinear")
    assert torch.allclose(attribute("activation", net, layer, x), expected)
