"""Whatever network a weights file is of: the function that its owner had, or a refusal that says what comes nearest."""

import pytest
import safetensors.torch
import torch
from torch import nn
from torchvision import models

from explainers import CheckpointError, ChoiceNeededError
from explainers.datasets.birds.render import LOOKALIKES
from explainers.networks.architectures.plain import alexnet
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.catalogue import load_checkpoint
from explainers.networks.recognised_specs import expected_of
from explainers.networks.recognition import recognise, unlike
from explainers.networks.specs import SHIPPED, STUDIED
from tests.support.hostile_weights import saved
from tests.support.others_networks import OthersResNet, lively


def thin(net: nn.Module, factor: int = 4) -> nn.Module:
    """Torchvision's network with a part of its channels, made by hand: every layer keeps its kernel and stride."""
    for name, module in list(net.named_modules()):
        parent = net.get_submodule(name.rpartition(".")[0])
        if isinstance(module, nn.Conv2d):
            inner = module.in_channels if module.in_channels == 3 else module.in_channels // factor
            new = nn.Conv2d(
                inner, module.out_channels // factor, module.kernel_size, module.stride, module.padding,
                bias=module.bias is not None,
            )  # fmt: skip
        elif isinstance(module, nn.BatchNorm2d):
            new = nn.BatchNorm2d(module.num_features // factor)
        else:
            continue
        setattr(parent, name.rpartition(".")[2], new)
    return net


def small_vgg(net: nn.Module, classes: int) -> nn.Module:
    net.avgpool = nn.Identity()
    net.classifier = nn.Sequential(
        *(
            nn.Linear(512, 64),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(64, classes),
        )
    )
    return net


class OthersVGG(nn.Module):
    """VGG-11 as it is written elsewhere for small pictures."""

    def __init__(self, classes, factor=1):
        super().__init__()
        layers, inner = [], 3
        for width in (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0):
            outer = width // factor
            layers += [nn.Conv2d(inner, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU(True)] if width else []
            layers += [] if width else [nn.MaxPool2d(2, 2)]
            inner = outer or inner
        self.features, self.classifier = nn.Sequential(*layers, nn.AvgPool2d(1, 1)), nn.Linear(inner, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def headed(net: nn.Module, classes: int) -> nn.Module:
    net.fc = nn.Linear(net.fc.in_features // 4, classes)
    return net


NETWORKS = {
    "ResNet-56": (lambda: ResNetCIFAR(56, 10), "ResNet-56", 32),
    "ResNet-8, wide": (lambda: ResNetCIFAR(8, 100, width=40), "ResNet-8 (width 40)", 32),
    "others' ResNet-14": (lambda: OthersResNet((2, 2, 2), 16, 5), "ResNet-14", 32),
    "others', projected": (
        lambda: OthersResNet((1, 1, 1), 16, 5, "B"),
        "ResNet-8 (projected shortcuts)",
        32,
    ),
    "others', projected and called downsample": (
        lambda: OthersResNet((1, 1, 1), 8, 5, "B", "downsample"),
        "ResNet-8 (width 8; projected shortcuts)",
        32,
    ),
    "thin ResNet-18": (lambda: headed(thin(models.resnet18()), 7), "ResNet-18 with the file's own widths", 224),
    "ResNet of other depths": (
        lambda: models.resnet.ResNet(models.resnet.BasicBlock, [1, 2, 1, 1], num_classes=4),
        "ResNet-12 (1-2-1-1 blocks)",
        224,
    ),
    "ResNeXt": (
        lambda: models.resnet.ResNet(
            models.resnet.Bottleneck, [1, 1, 1, 1], num_classes=4, groups=8, width_per_group=4
        ),
        "ResNet-14 (8 groups; inner width 32; 1-1-1-1 blocks)",
        224,
    ),
    "VGG-13": (lambda: models.vgg13_bn(num_classes=3), "vgg13_bn", 224),
    "VGG for small pictures": (lambda: small_vgg(models.vgg11_bn(), 6), "vgg11_bn with the file's own widths", 32),
    "others' VGG": (lambda: OthersVGG(8), "VGG-11 with batch normalisation (one full layer)", 32),
    "others' thin VGG": (
        lambda: OthersVGG(8, 4),
        "VGG-11 with batch normalisation (one full layer) with the file's own widths",
        32,
    ),
    "ShuffleNet": (lambda: models.shufflenet_v2_x0_5(num_classes=9), "shufflenet_v2_x0_5", 224),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_recognised_network_is_the_same_function(name):
    build, title, side = NETWORKS[name]
    net = lively(build())
    found = load_checkpoint(None, safetensors.torch.save(net.state_dict()))
    assert found.title == f"{title}, your own weights"
    assert found.input_size == (side, side)
    x = torch.randn(2, 3, side, side)
    answer = net(x).detach()
    # The same operations, in another order at most.
    torch.testing.assert_close(found.module(x), answer, rtol=1e-4, atol=1e-4 * float(answer.abs().max()))
    assert len(found.classes) == answer.shape[1]
    again = load_checkpoint(found.name.removesuffix(", own weights"), safetensors.torch.save(net.state_dict()))
    assert again.fingerprint == found.fingerprint


def test_what_names_and_shapes_leave_open_is_asked_for():
    net = lively(OthersResNet((2, 2, 2, 2), 64, 10, "B", "shortcut"))
    data = safetensors.torch.save(net.state_dict())
    with pytest.raises(ChoiceNeededError, match="no max-pooling") as caught:
        load_checkpoint(None, data)
    assert caught.value.architectures == ("resnet18-small", "resnet18-small-pooled")
    found = load_checkpoint("resnet18-small", data)
    x = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(found.module(x), net(x), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(load_checkpoint("resnet18-small-pooled", data).module(x), net(x), atol=1e-2)


@pytest.mark.parametrize("architecture", [None, "resnet20-cifar10"])
def test_one_of_several_sets_is_chosen_by_name(architecture):
    plain, average = (lively(ResNetCIFAR(20, 4), seed).state_dict() for seed in (0, 1))
    data = saved({"model": {f"module.{k}": v for k, v in plain.items()}, "model_ema": {"module": average}})
    with pytest.raises(ChoiceNeededError, match="got a file with 2: model, model_ema/module; choose one") as caught:
        load_checkpoint(architecture, data)
    assert caught.value.weights == ("model", "model_ema/module")
    for name, state in (("model", plain), ("model_ema/module", average)):
        found = load_checkpoint(architecture, data, weights=name)
        assert torch.equal(found.module.fc.weight, state["fc.weight"])
        assert name in found.source
    with pytest.raises(CheckpointError, match="one of the sets of weights model, model_ema/module, got 'ema'"):
        load_checkpoint(architecture, data, weights="ema")


def test_architecture_and_weights_may_both_be_open():
    states = [lively(OthersResNet((1, 1, 1, 1), 16, 3, "B"), seed).state_dict() for seed in (0, 1)]
    data = saved({"model": states[0], "model_ema": states[1]})
    with pytest.raises(ChoiceNeededError) as caught:
        load_checkpoint(None, data)
    (plain, _), weights = caught.value.architectures, caught.value.weights
    assert weights == ()
    with pytest.raises(ChoiceNeededError) as caught:
        load_checkpoint(plain, data)
    assert (caught.value.architectures, caught.value.weights) == ((plain,), ("model", "model_ema"))
    found = load_checkpoint(plain, data, weights="model_ema")
    assert torch.equal(found.module.fc.weight, states[1]["linear.weight"])


def test_sets_of_other_networks_need_no_choice():
    state = ResNetCIFAR(20, 4).state_dict()
    data = saved({"model": state, "discriminator": nn.Linear(3, 3).state_dict()})
    assert torch.equal(load_checkpoint(None, data).module.fc.weight, state["fc.weight"])


def test_a_file_of_another_architecture_says_which():
    with pytest.raises(
        CheckpointError, match=r"weights of AlexNet, .* The file fits ResNet-56, CIFAR-10: choose that, or"
    ):
        load_checkpoint("alexnet-birds", saved(ResNetCIFAR(56).state_dict()))


def test_where_nothing_fits_the_nearest_is_named_with_its_differences():
    state = ResNetCIFAR(20).state_dict()
    state["layer1.0.attention.weight"] = torch.zeros(16, 16)
    del state["conv1.weight"]
    with pytest.raises(CheckpointError, match=r"ResNet-20, .*No known architecture fits, this one") as caught:
        load_checkpoint(None, saved(state))
    assert caught.value.missing == ("conv1.weight",)
    assert caught.value.unexpected == ("layer1.0.attention.weight",)


def test_widths_that_do_not_meet_are_refused():
    state = thin(models.resnet18()).state_dict()
    state["layer2.0.conv1.weight"] = torch.zeros(32, 20, 3, 3)
    with pytest.raises(CheckpointError, match="No known architecture fits"):
        load_checkpoint(None, saved(state))


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="expected one of the networks"):
        load_checkpoint("resnet21-cifar10", saved(ResNetCIFAR(20).state_dict()))


def test_networks_that_differ_in_their_training_alone_are_one_architecture():
    """AlexNet with as many classes as there are look-alikes leaves no choice between networks of the catalogue."""
    specs = [*dict.fromkeys([*SHIPPED, *STUDIED])]
    state = {"": alexnet(len(LOOKALIKES.species)).state_dict()}
    assert [found.spec.name for found in recognise(specs, state)] == ["alexnet-birds"]
    by_shape = {frozenset(expected_of(spec).items()) for spec in specs}
    assert len(unlike(specs)) == len(by_shape) < len(specs)
