"""Maps of a layer's feature: right wherever the layer stands, whatever is written into its output afterwards."""

import copy
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models

from explainers.baselines.explain import attribute
from tests.support.baselines_zoo import convnext, densenet

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


@pytest.mark.parametrize(
    ("make", "layer"),
    [(densenet, "features.norm5"), (lambda: models.resnet18(num_classes=5), "layer1.0.bn2")],
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


class Tokens(nn.Module):
    """Patches of a picture as tokens, with class token and registers, mixed by attention, in a chosen layout."""

    def __init__(self, patch: int, before: int, after: int, layout: str, mixes: int = 1) -> None:
        super().__init__()
        self.layout, self.before, self.after = layout, before, after
        self.embed = nn.Conv2d(3, 12, patch, patch)
        self.extra = nn.Parameter(torch.randn(before + after, 12))
        self.blocks = nn.Sequential(
            *[nn.TransformerEncoderLayer(12, 2, 24, dropout=0, batch_first=True) for _ in range(mixes)]
        )
        self.probe, self.head = nn.Identity(), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.embed(x)
        self.grid = y.shape[-2:]
        if self.layout == "by columns":
            y = y.transpose(2, 3)
        y = y.flatten(2).transpose(1, 2)
        first, last = self.extra.expand(len(x), -1, -1).split([self.before, self.after], 1)
        y = self.blocks(torch.cat([first, y, last], 1))
        turned = self.layout == "channels first"
        y = self.probe(y.transpose(1, 2)).transpose(1, 2) if turned else self.probe(y)
        return self.head(y[:, 0] if self.before else y.mean(1))

    def map(self, y: Tensor) -> Tensor:
        """The patches of the probed feature as (B, C, h, w), from what the network was built with."""
        if self.layout == "channels first":
            y = y.transpose(1, 2)
        patches = y[:, self.before : y.shape[1] - self.after].transpose(1, 2)
        if self.layout == "by columns":
            return patches.unflatten(2, (self.grid[1], self.grid[0])).transpose(2, 3)
        return patches.unflatten(2, tuple(self.grid))


class Axes(nn.Module):
    """A convolutional network, one of whose features has its axes in another order or a form without them."""

    ORDERS = ((0, 1, 2, 3), (0, 2, 3, 1), (0, 1, 3, 2), (0, 3, 2, 1), (0, 2, 1, 3))

    def __init__(self, order: tuple[int, ...], channels: int, flat: bool = False) -> None:
        super().__init__()
        self.order, self.flat = order, flat
        self.conv = nn.Sequential(nn.Conv2d(3, channels, 3, 2, 1), nn.ReLU(), nn.Conv2d(channels, channels, 3, 1, 1))
        self.probe, self.head = nn.Identity(), nn.Linear(channels, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.flat:
            return self.head(self.probe(y.flatten(2)).unflatten(2, y.shape[2:]).mean((2, 3)))
        y = self.probe(y.permute(self.order))
        return self.head(self.map(y).mean((2, 3)))

    def map(self, y: Tensor) -> Tensor:
        return y.permute([self.order.index(axis) for axis in range(4)])


def expected_maps(net: nn.Module, x: Tensor, feature_map) -> dict[str, Tensor]:
    kept: list[Tensor] = []
    handle = net.probe.register_forward_hook(lambda m, a, out: kept.append(out))
    score = net(x.clone().requires_grad_())[:, 1].sum()
    handle.remove()
    gradient = feature_map(torch.autograd.grad(score, kept[0])[0])
    feature = feature_map(kept[0]).detach()
    maps = {
        "activation": feature.norm(dim=1, keepdim=True),
        "layer_gradient": gradient.norm(dim=1, keepdim=True),
        "grad_cam": (gradient.mean((2, 3), keepdim=True) * feature).sum(1, keepdim=True).relu(),
    }
    return {name: F.interpolate(m, x.shape[-2:], mode="bilinear") for name, m in maps.items()}


def agree(net: nn.Module, x: Tensor, feature_map) -> None:
    for name, expected in expected_maps(net, x, feature_map).items():
        assert torch.allclose(attribute(name, net, "probe", x, target=1), expected, rtol=1e-6, atol=1e-9), name


# With 24×32 pixels in patches of 4 and a class token there are 49 tokens, which are no 7×7.
SIZES = [(32, 32), (24, 32), (32, 16), (40, 24)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layout", ["by rows", "by columns", "channels first"])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 0), (0, 1), (1, 4), (2, 0)])
def test_tokens_are_laid_out_as_they_follow_the_picture(size, layout: str, before: int, after: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(sum(size) + before)
        net = Tokens(4, before, after, layout, mixes=1 + before).double().eval()
        x = torch.randn(2, 3, *size, dtype=torch.float64)
    agree(net, x, net.map)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("order", Axes.ORDERS)
@pytest.mark.parametrize("channels", [8, 16])
def test_axes_are_taken_as_they_follow_the_picture(size, order: tuple[int, ...], channels: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(channels)
        net = Axes(order, channels).double().eval()
        x = torch.randn(2, 3, *size, dtype=torch.float64)
    agree(net, x, net.map)


@pytest.mark.parametrize("size", SIZES)
def test_flattened_positions_keep_their_places(size) -> None:
    net, x = Axes((0, 1, 2, 3), 8, flat=True).double().eval(), torch.randn(1, 3, *size, dtype=torch.float64)
    agree(net, x, lambda y: y.unflatten(2, (size[0] // 2, size[1] // 2)))


def _swin() -> nn.Module:
    return models.SwinTransformer([4, 4], 16, [1, 1], [2, 2], [4, 4], num_classes=5)


@pytest.mark.parametrize(
    ("make", "layer"),
    [(_swin, "features.1.0"), (_swin, "features.3.0.mlp.0"), (_swin, "norm"), (convnext, "features.1.0.block.3")],
)
@pytest.mark.parametrize("size", [(64, 64), (64, 96)])
def test_channels_last_of_torchvision(make, layer: str, size: tuple[int, int]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net, x = make().double().eval(), torch.randn(1, 3, *size, dtype=torch.float64)
    net.probe = net.get_submodule(layer)
    expected = expected_maps(net, x, lambda y: y.permute(0, 3, 1, 2))
    for name, values in expected.items():
        assert torch.allclose(attribute(name, net, layer, x, target=1), values, rtol=1e-6, atol=1e-9), name


class Loop(nn.Module):
    """A layer that runs for each picture, or each quarter of the pictures, by itself."""

    def __init__(self, tiles: bool) -> None:
        super().__init__()
        self.tiles = tiles
        self.conv, self.fc = nn.Conv2d(3, 6, 3, padding=1), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        parts = [q for half in x.chunk(2, 2) for q in half.chunk(2, 3)] if self.tiles else x.split(1)
        features = [self.conv(part).relu().mean((2, 3)) for part in parts]
        return self.fc(sum(features) if self.tiles else torch.cat(features))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("tiles", "words"), [(False, "one row per picture"), (True, "do not follow")])
def test_layers_that_run_by_picture_or_by_tile_are_refused(count: int, tiles: bool, words: str) -> None:
    for method in METHODS:
        with pytest.raises(ValueError, match=words):
            attribute(method, Loop(tiles).eval(), "conv", torch.randn(count, 3, 16, 16), target=1)


@pytest.mark.parametrize(
    "mix", [lambda y: y[:, :, torch.randperm(64, generator=torch.Generator().manual_seed(1))], lambda y: y.sort(2)[0]]
)
def test_positions_that_do_not_follow_the_picture_are_refused(mix) -> None:
    class Shuffled(Axes):
        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.probe(mix(self.conv(x).flatten(2)).unflatten(2, (8, 8))).mean((2, 3)))

    with pytest.raises(ValueError, match="do not follow those of the picture"):
        attribute("activation", Shuffled((0, 1, 2, 3), 8).eval(), "probe", torch.randn(1, 3, 16, 16))


def turned(y: Tensor, degrees: float) -> Tensor:
    """Rotated about its middle."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    grid = F.affine_grid(y.new_tensor([[[cos, -sin, 0], [sin, cos, 0]]]).expand(len(y), 2, 3), y.shape, False)
    return F.grid_sample(y, grid, align_corners=False)


WAYS = {
    "crop of the middle": lambda y: y[:, :, y.shape[2] // 4 : -(y.shape[2] // 4), y.shape[3] // 4 : -(y.shape[3] // 4)],
    "crop of a corner": lambda y: y[:, :, : y.shape[2] // 2, : y.shape[3] // 2],
    "crop above": lambda y: y[:, :, y.shape[2] // 4 :],
    "padding": lambda y: F.pad(y, [y.shape[3] // 3] * 2 + [y.shape[2] // 3] * 2),
    "padding by reflection": lambda y: F.pad(y, [y.shape[3] // 3] * 2 + [y.shape[2] // 3] * 2, mode="reflect"),
    "padding below": lambda y: F.pad(y, [0, 0, 0, y.shape[2] // 2], value=0.3),
    "roll": lambda y: y.roll((y.shape[2] // 3, y.shape[3] // 4), (2, 3)),
    "roll of rows": lambda y: y.roll(y.shape[2] // 2, 2),
    "flip of columns": lambda y: y.flip(3),
    "flip of rows": lambda y: y.flip(2),
    "turn": lambda y: y.flip(2, 3),
    "first tile": lambda y: y.chunk(2, 2)[0].chunk(2, 3)[0],
    "odd rows after even ones": lambda y: torch.cat([y[:, :, ::2], y[:, :, 1::2]], 2),
    "rows dealt out": lambda y: y.unflatten(2, (2, -1)).transpose(2, 3).flatten(2, 3),
    "half a mirror": lambda y: torch.cat([y.chunk(2, 3)[0].flip(3), y.chunk(2, 3)[1]], 3),
    "a slanting": lambda y: turned(y, 25),
    "zoom": lambda y: F.interpolate(y, scale_factor=2, mode="bilinear")[:, :, : y.shape[2], : y.shape[3]],
}


class Moved(nn.Module):
    """A convolutional network whose picture, or whose feature, is moved on the way to the probe."""

    def __init__(self, move: Callable[[Tensor], Tensor], where: str, stride: int) -> None:
        super().__init__()
        self.move, self.where = move, where
        self.conv = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1), nn.BatchNorm2d(8), nn.ReLU()
        )
        self.probe, self.head = nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(self.move(x)) if self.where == "picture" else self.move(self.conv(x))
        return self.head(self.probe(y).mean((2, 3)))


def moved(move: Callable[[Tensor], Tensor], where: str, stride: int, grid: tuple[int, int]) -> tuple[nn.Module, Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(sum(grid) + stride)
        return Moved(move, where, stride).eval(), torch.randn(1, 3, *(stride * side for side in grid))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", ["picture", "feature"])
@pytest.mark.parametrize(("grid", "stride"), [((32, 32), 1), ((24, 16), 2), ((16, 24), 4)])
def test_positions_that_lie_elsewhere_in_the_picture_are_refused(way: str, where: str, grid, stride: int) -> None:
    net, x = moved(WAYS[way], where, stride, grid)
    with pytest.raises(ValueError, match="do not follow those of the picture"):
        attribute("activation", net, "probe", x, target=1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_dilated_networks_follow_the_picture(seed: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts = [nn.Conv2d(8 if d > 1 else 3, 8, 3, padding=d, dilation=d) for d in (1, 2, 4, 8)]
        net = nn.Sequential(*[part for conv in parts for part in (conv, nn.ReLU())]).eval()
        x = torch.randn(1, 3, 32, 32)
    attribute("activation", nn.Sequential(net, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval(), "0.7", x, target=1)


@pytest.mark.parametrize(("grid", "stride"), [((32, 32), 1), ((24, 16), 2), ((16, 24), 4)])
def test_margins_of_the_picture_that_are_not_seen_are_found(grid, stride: int) -> None:
    net, x = moved(lambda y: y[:, :, y.shape[2] // 8 : -(y.shape[2] // 8)], "picture", stride, grid)
    with pytest.raises(ValueError, match="do not follow those of the picture"):
        attribute("activation", net, "probe", x, target=1)


def a_little(y: Tensor) -> Tensor:
    return F.pad(y[:, :, 1:, :-1], (1, 1, 1, 0))


@pytest.mark.parametrize("move", [lambda y: y, a_little], ids=["not at all", "by one position"])
@pytest.mark.parametrize(("grid", "stride"), [((32, 32), 1), ((24, 16), 2), ((16, 24), 4), ((3, 4), 4), ((4, 4), 8)])
def test_what_lies_where_it_is_drawn_is_drawn(move, grid, stride: int) -> None:
    net, x = moved(move, "feature" if min(grid) > 3 else "picture", stride, grid)
    assert attribute("activation", net, "probe", x, target=1).shape == (1, 1, *x.shape[2:])


@pytest.mark.parametrize("turned", ["permuted", "turned over", "rolled", "in windows"])
def test_tokens_in_another_order_are_refused(turned: str) -> None:
    orders = {
        "permuted": torch.randperm(64, generator=torch.Generator().manual_seed(0)),
        "turned over": torch.arange(64).flip(0),
        "rolled": torch.arange(64).roll(24),
        "in windows": torch.arange(64).view(2, 4, 2, 4).permute(0, 2, 1, 3).flatten(),
    }

    class Reordered(Tokens):
        def forward(self, x: Tensor) -> Tensor:
            y = self.embed(x).flatten(2).transpose(1, 2)[:, orders[turned]]
            return self.head(self.probe(self.blocks(y)).mean(1))

    with torch.random.fork_rng():
        torch.manual_seed(3)
        net, x = Reordered(4, 0, 0, "by rows").eval(), torch.randn(1, 3, 32, 32)
    with pytest.raises(ValueError, match="do not follow those of the picture"):
        attribute("activation", net, "probe", x, target=1)


def test_a_dark_picture_does_not_say_that_positions_lie_elsewhere() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net, light = Axes((0, 1, 2, 3), 8).eval(), torch.randn(1, 3, 24, 32)
    net.conv.append(nn.ReLU())
    with torch.no_grad():
        net.conv[2].bias.fill_(-0.01)
        for layer in (net.conv[0], net.conv[2]):
            layer.weight.abs_()
    dark = torch.full_like(light, -100)
    assert not attribute("activation", net, "probe", dark, target=1).any()
    assert attribute("activation", net, "probe", light, target=1).any()


def test_a_layer_that_gives_several_tensors_has_no_positions() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.probe, self.head = nn.LSTM(3, 8, batch_first=True), nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.probe(x.flatten(2).mT)[0][:, -1])

    with pytest.raises(ValueError, match="this layer gives a tuple"):
        attribute("activation", Recurrent().eval(), "probe", torch.randn(1, 3, 4, 4), target=1)
