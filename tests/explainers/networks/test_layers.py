"""Layers of registered networks and of modules made to be awkward."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from explainers.networks.catalogue import _specs, network_catalogue
from explainers.networks.copies import structural_copy
from explainers.networks.features import Feature
from explainers.networks.layers import find_layer, find_layers

NAMES = [entry.name for entry in network_catalogue()]
SPECIAL = {
    "alexnet": "conv1 pool1 conv2 pool2 conv3 conv4 conv5 pool5 fc6 fc7 fc8",
    "resnet20-cifar10": "conv1 layer1.0 layer1.1 layer1.2 layer2.0 layer2.1 layer2.2 "
    "layer3.0 layer3.1 layer3.2 avgpool fc",
    "resnet18": "conv1 maxpool layer1.0 layer1.1 layer2.0 layer2.1 layer3.0 layer3.1 layer4.0 layer4.1 avgpool fc",
    "vgg16": "conv1-1 conv1-2 pool1 conv2-1 conv2-2 pool2 conv3-1 conv3-2 conv3-3 pool3 "
    "conv4-1 conv4-2 conv4-3 pool4 conv5-1 conv5-2 conv5-3 pool5 fc6 fc7 fc8",
    "squeezenet1_1": "conv1 pool1 fire2 fire3 pool3 fire4 fire5 pool5 fire6 fire7 fire8 fire9 conv10 logits",
}
SPECIAL |= {"alexnet-birds": SPECIAL["alexnet"], "vgg16-birds": SPECIAL["vgg16"], "vgg16_bn": SPECIAL["vgg16"]}
SPECIAL["squeezenet-cifar10"] = SPECIAL["squeezenet1_1"].replace("pool1 ", "")


def skeleton(name: str) -> nn.Module:
    spec = _specs()[name]
    with torch.device("meta"):
        return spec.build(len(spec.classes))


def layers_of(module: nn.Module, size: int = 8, channels: int = 3):
    return find_layers(module, torch.zeros(1, channels, size, size))


def outputs_in_order(module: nn.Module, x: torch.Tensor) -> list:
    """(path, call, shape) of every module's execution, by plain hooks: the oracle for `find_layers`."""
    record, calls = [], {}

    def hook(path):
        def note(_, __, output):
            call = calls[path] = calls.get(path, -1) + 1
            record.append((path, call, tuple(output.shape[1:]) if isinstance(output, torch.Tensor) else None))

        return note

    copied = structural_copy(module)
    for path, part in copied.named_modules():
        part.register_forward_hook(hook(path))
    copied(x)
    return record


@pytest.mark.parametrize("name", NAMES)
def test_every_registered_network(name):
    spec, module = _specs()[name], skeleton(name)
    x = torch.empty(1, 3, spec.preprocessing.crop, spec.preprocessing.crop, device="meta")
    layers = find_layers(module, x)

    assert len({layer.name for layer in layers}) == len(layers) >= 10
    assert [layer.depth for layer in layers] == list(range(len(layers)))
    assert layers[0].kind == "convolution"
    assert len(layers[0].shape) == 3
    # Behind an auto-encoder's last layer a sigmoid makes values of a picture.
    last = "output" if spec.reconstructs else "logits"
    assert layers[-1].kind == last
    pixels = (spec.preprocessing.crop,) * 2 if spec.family == "U-Net" or spec.reconstructs else ()
    assert layers[-1].shape == (len(spec.classes), *pixels)
    assert [layer.kind for layer in layers].count(last) == 1

    run = outputs_in_order(module, x)
    places = [run.index((layer.path, layer.call, layer.shape)) for layer in layers]
    assert places == sorted(places)
    if name in SPECIAL:
        assert [layer.name for layer in layers] == SPECIAL[name].split()


@pytest.mark.parametrize("name", NAMES)
def test_names_lead_back_to_layers(name):
    module, size = skeleton(name), _specs()[name].preprocessing.crop
    paths = dict(module.named_modules())
    layers = find_layers(module, torch.empty(1, 3, size, size, device="meta"))
    for layer in (layers[0], layers[len(layers) // 2]):
        assert find_layer(module, layer) == (layer.path, layer.call)
        assert find_layer(module, layer.name) == (layer.path, layer.call)
        # A module means its own output.
        head = paths.get(layer.name)
        assert head is None or find_layer(module, head) == (layer.name, 0)


@pytest.mark.parametrize("name", ["resnet20-cifar10", "alexnet-birds", "vgg16-birds"])
def test_features_have_the_shapes_that_layers_announce(name):
    spec = _specs()[name]
    module = spec.build(len(spec.classes)).eval()
    x = torch.randn(2, 3, spec.preprocessing.crop, spec.preprocessing.crop)
    for layer in find_layers(module, x[:1]):
        feature = Feature(module, layer)(x)
        assert feature.shape == (2, torch.Size(layer.shape).numel())
        if layer.kind in ("convolution", "fully connected"):
            assert (feature >= 0).all()


def test_module_is_left_as_it_was():
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(), nn.Flatten()
    ).train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    layers_of(module)
    for part in module.modules():
        assert part.training
        assert not {**part._forward_hooks, **part._forward_pre_hooks, **part._backward_hooks}
    assert all(p.requires_grad and p.grad is None for p in module.parameters())
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("norm", [False, True])
def test_feature_is_after_normalisation_and_activation(inplace, norm):
    parts = [nn.Conv2d(3, 4, 3), *([nn.BatchNorm2d(4)] if norm else []), nn.ReLU(inplace=inplace), nn.Conv2d(4, 2, 1)]
    first, last = layers_of(nn.Sequential(*parts))
    assert (first.path, first.kind) == (str(len(parts) - 2), "convolution")
    assert last.path == str(len(parts) - 1)


def test_activation_that_does_not_follow_the_convolution_is_not_its():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.relu = nn.Conv2d(3, 3, 1), nn.ReLU()

        def forward(self, x):
            return self.relu(self.conv(x) + x)

    first, last = layers_of(Net())
    assert (first.name, first.path) == ("conv", "conv")
    assert (last.name, last.path, last.shape) == ("output", "", (3, 8, 8))


class Reused(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.relu, self.fc = nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.Linear(3, 2)

    def forward(self, x):
        for _ in range(3):
            x = self.relu(self.conv(x))
        return self.fc(x.mean((2, 3)))


def test_reused_module_is_one_layer_per_use():
    module = Reused()
    layers = layers_of(module)
    assert [layer.name for layer in layers] == ["conv", "conv (use 2)", "conv (use 3)", "fc"]
    assert [(layer.path, layer.call) for layer in layers[:3]] == [("relu", 0), ("relu", 1), ("relu", 2)]
    assert find_layer(module, "conv (use 2)") == ("relu", 1)
    assert find_layer(module, module.fc) == ("fc", 0)


class Branched(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right, self.head = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 3, padding=1), nn.Conv2d(4, 5, 1)

    def forward(self, x):
        return self.head(torch.cat([self.left(x), self.right(x)], 1))


def test_branches_are_layers_at_the_top_and_a_block_below():
    assert [layer.name for layer in layers_of(Branched())] == ["left", "right", "head"]
    below = layers_of(nn.Sequential(nn.Conv2d(3, 3, 1), Branched(), nn.ReLU(), nn.Conv2d(5, 5, 1)))
    assert [layer.kind for layer in below] == ["convolution", "block", "logits"]


def test_a_block_type_is_a_block_even_where_it_happens_to_be_a_chain():
    class Block(nn.Module):
        def __init__(self, skip):
            super().__init__()
            self.skip, self.a, self.b = skip, nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

        def forward(self, x):
            y = self.b(self.a(x))
            return y + x if self.skip else y

    assert [layer.path for layer in layers_of(nn.Sequential(Block(False), Block(True)))] == ["0", "1"]
    assert len(layers_of(nn.Sequential(Block(False), Block(False)))) == 4


def test_wrapped_network_has_the_layers_of_what_it_wraps():
    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Branched()

        def forward(self, x):
            return self.net(x - 1)

    assert [layer.path for layer in layers_of(Shifted())] == ["net.left", "net.right", "net.head"]


def test_tuples_are_joined_and_dictionaries_left_out():
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 1, 1)

        def forward(self, x):
            return self.a(x), self.b(x)

    class Net(nn.Module):
        def __init__(self, inner, get):
            super().__init__()
            self.inner, self.get, self.last = inner, get, nn.Conv2d(2, 3, 1)

        def forward(self, x):
            return {"out": self.last(self.get(self.inner(x)))}

    class Named(Pair):
        def forward(self, x):
            return dict(zip("ab", super().forward(x), strict=True))

    assert [(x.path, x.shape) for x in layers_of(Net(Pair(), lambda y: y[0]))] == [
        ("inner", (192,)),
        ("last", (3, 8, 8)),
    ]
    assert [x.path for x in layers_of(Net(Named(), lambda y: y["a"]))] == ["last"]


def test_attention_gives_tokens():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Conv2d(3, 8, 4, 4)
            self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.head = nn.Linear(8, 5)

        def forward(self, x):
            return self.head(self.encoder(self.embed(x).flatten(2).transpose(1, 2))[:, 0])

    layers = layers_of(Tokens())
    assert [(layer.name, layer.shape) for layer in layers] == [
        ("embed", (8, 2, 2)),
        ("encoder", (4, 8)),
        ("head", (5,)),
    ]


def test_functional_ends_are_the_network_itself():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return F.adaptive_avg_pool2d(self.conv(x), 1).flatten(1)

    assert [(layer.path, layer.kind) for layer in layers_of(Net())] == [("conv", "convolution"), ("", "logits")]


def test_what_a_function_makes_of_logits_is_an_output():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(192, 4)

        def forward(self, x):
            return F.softmax(self.fc(x.flatten(1)), 1)

    assert [(layer.name, layer.kind) for layer in layers_of(Net())] == [("fc", "fully connected"), ("output", "output")]


def test_unet_goes_down_and_up():
    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True))
            self.pool = nn.MaxPool2d(2)
            self.bottom = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(inplace=True))
            self.up = nn.ConvTranspose2d(4, 4, 2, 2)
            self.out = nn.Conv2d(8, 2, 1)

        def forward(self, x):
            skip = self.down(x)
            return self.out(torch.cat([skip, self.up(self.bottom(self.pool(skip)))], 1))

    layers = layers_of(UNet())
    assert [layer.name for layer in layers] == ["down.0", "pool", "bottom.0", "up", "out"]
    assert (layers[0].path, layers[-1].kind) == ("down.1", "logits")


def test_only_a_bare_convolution_at_the_end_scores_pixels():
    def kinds(*ends: nn.Module) -> list[str]:
        return [layer.kind for layer in layers_of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), *ends))]

    assert kinds(nn.Conv2d(4, 2, 1)) == ["convolution", "logits"]
    assert kinds(nn.Conv2d(4, 2, 1), nn.ReLU()) == kinds(nn.Conv2d(4, 2, 3)) == ["convolution", "convolution"]
    names = [layer.name for layer in layers_of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1)))]
    assert names == ["conv1", "conv2"]


def test_a_single_module_is_one_layer():
    (layer,) = layers_of(nn.Conv2d(3, 4, 3))
    assert (layer.path, layer.shape) == ("", (4, 6, 6))


@pytest.mark.parametrize("spec", ["conv9", nn.Conv2d(3, 3, 1)])
def test_unknown_layer_is_refused_with_names_that_exist(spec):
    with pytest.raises(ValueError, match=r"expected a layer of this network \(conv, conv \(use 2\).*fc\)"):
        find_layer(Reused(), spec)


def test_output_that_does_not_depend_on_the_input_is_refused():
    class Constant(nn.Module):
        def forward(self, x):
            return torch.zeros(len(x), 2)

    with pytest.raises(ValueError, match="Constant"):
        layers_of(Constant())
