"""Exported programs: the same function, the same layers and the same maps as the network they came from, or refused."""

import warnings
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision import models

from explainers import CID, CIDSettings, add_network, find_layers, load_network
from explainers.baselines.explain import explain
from explainers.checkpoints.exported_programs import load_program, rebuilt
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.architectures.unet import UNet
from tests.support.others_networks import OthersResNet, lively, sixteen

BATCH = ({0: torch.export.Dim("batch")},)


class Calls(nn.Module):
    def __init__(self, function, *parts):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x):
        return self.function(x, *self.parts)


def written_and_used(x, conv):
    y = conv(x)
    z = F.relu(y, inplace=True)
    return (y + 2 * z).mean((2, 3))


def written_in_part(x, conv):
    y = conv(x)
    y[:, :2].relu_()
    return y.mean((2, 3))


def added_to(x, conv):
    y = conv(x)
    y += 1
    y *= conv(x)
    return y.flatten(1)


NETWORKS = {
    "residual": lambda: ResNetCIFAR(8, 5),
    "functional": lambda: OthersResNet((1, 1, 1), 8, 5, "B"),
    "U-Net": lambda: UNet(width=4, depth=2),
    "in place": lambda: models.resnet.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=3),
    "shuffled": lambda: models.shufflenet_v2_x0_5(num_classes=3),
    "attention": lambda: models.VisionTransformer(32, 8, 1, 2, 16, 32, num_classes=4),
    "mobile": lambda: models.mobilenet_v3_small(num_classes=3).features[:4].append(nn.Flatten()),
    "written and used": lambda: Calls(written_and_used, nn.Conv2d(3, 4, 3)),
    "written in part": lambda: Calls(written_in_part, nn.Conv2d(3, 4, 3)),
    "added to": lambda: Calls(added_to, nn.Conv2d(3, 4, 3)),
    "one module twice": lambda: nn.Sequential(*[conv := nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), conv, nn.Flatten()]),
}
# Where every step is a module of its own, the layers are the same by name and shape.
ALIKE = ("residual", "U-Net", "in place", "shuffled", "attention")


def exported(net: nn.Module, side: int = 32) -> torch.export.ExportedProgram:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(net, (torch.randn(2, 3, side, side),), dynamic_shapes=BATCH)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_program_is_the_function_it_was_exported_from(name):
    net = lively(NETWORKS[name]())
    found = rebuilt(exported(net))
    x = torch.randn(3, 3, 32, 32)
    # The same operations one by one.
    torch.testing.assert_close(found(x), net(x), rtol=1e-5, atol=1e-6)
    assert not found.training
    assert not any(parameter.requires_grad for parameter in found.parameters())
    if name in ALIKE:
        layers, others = find_layers(found, x[:1]), find_layers(net, x[:1])
        assert [(layer.name, layer.shape) for layer in layers] == [(layer.name, layer.shape) for layer in others]


@pytest.mark.long
@pytest.mark.parametrize("method", ["lrp", "guided_backprop", "deep_lift", "grad_cam"])
def test_every_method_makes_the_same_maps_of_a_program(method):
    network = load_network("resnet20-cifar10")
    program = replace(network, module=rebuilt(exported(network.module)))
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    maps = [explain(method, net, net.layer("layer3.2"), x).map for net in (program, network)]
    torch.testing.assert_close(*maps, rtol=1e-4, atol=1e-5 * float(maps[1].abs().max()))


REFUSED = {
    "one number of pictures": (
        lambda net: torch.export.export(net, (torch.randn(2, 3, 8, 8),)),
        "any number of pictures",
    ),
    "double": (
        lambda net: torch.export.export(net.double(), (torch.randn(2, 3, 8, 8).double(),), dynamic_shapes=BATCH),
        "in float32",
    ),
    "two inputs": (
        lambda net: torch.export.export(
            Both(net), (torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)), dynamic_shapes=BATCH * 2
        ),
        "got other inputs",
    ),
    "several outputs": (lambda net: exported(Calls(lambda x, part: {"out": part(x)}, net), 8), "gives one tensor"),
    "training": (lambda net: exported(nn.Sequential(net, nn.Dropout(0.5)).train(), 8), "same answers"),
}


class Both(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x, y):
        return self.net(x + y)


@pytest.mark.parametrize("name", REFUSED)
def test_other_programs_are_refused_with_how_to_export(name):
    export, words = REFUSED[name]
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten()).eval()
    with pytest.raises(ValueError, match=words) as caught:
        rebuilt(export(net))
    assert str(caught.value).startswith("expected")
    assert "torch.export.export(net.eval()" in str(caught.value)


def test_a_file_that_is_no_program_is_refused(tmp_path):
    (tmp_path / "bad.pt2").write_bytes(b"no program")
    with pytest.raises(ValueError, match=r"expected a file of torch\.export\.save, got bad\.pt2"):
        load_program(tmp_path / "bad.pt2")


@pytest.mark.long
def test_an_added_program_is_a_network_of_the_catalogue(added, tmp_path):
    file, network = tmp_path / "mine.pt2", load_network("resnet20-cifar10")
    torch.export.save(exported(network.module), file)
    add_network(file, "mine", mean=network.mean, std=network.std, classes=network.classes, title="Mine")
    found = load_network("mine")
    assert (found.title, found.input_size, found.classes) == ("Mine", (32, 32), network.classes)
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    settings = CIDSettings(refine=False, grid=4)
    maps = [CID(net.module, net.layer("layer2.1")).explain(x, settings).entropy for net in (found, network)]
    torch.testing.assert_close(*maps, rtol=1e-4, atol=1e-4)


def test_an_added_callable_with_its_weights(added, tmp_path):
    torch.manual_seed(0)
    weights = sixteen().state_dict()
    torch.save({"state_dict": {f"module.{key}": value for key, value in weights.items()}}, tmp_path / "w.pt")
    add_network(f"{__name__}:sixteen", "sixteen", size=16, weights=tmp_path / "w.pt")
    found = load_network("sixteen")
    assert torch.equal(found.module[3].weight, weights["3.weight"])
    assert found.classes == ("class 0", "class 1", "class 2")


def test_two_functions_of_the_same_weights_have_different_fingerprints(added):
    prints = set()
    for activation in (nn.ReLU(), nn.GELU(), nn.LeakyReLU(0.2), nn.LeakyReLU(0.3)):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 4, 3), activation, nn.Flatten())
        add_network(lambda net=net: net, "one", size=8)
        prints.add(load_network("one").fingerprint)
    assert len(prints) == 4


WRONG = {
    "taken": (("a.module:name", "alexnet"), "that is not taken, got 'alexnet'"),
    "a path": (("a.module:name", "../mine"), "name of letters"),
    "neither": (("mine", "mine"), r"ends in \.pt2, or package\.module:name"),
    "gone": (("none.pt2", "mine"), "found no file 'none.pt2'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_added_is_one_sentence(name, added):
    arguments, words = WRONG[name]
    with pytest.raises(ValueError, match=words):
        add_network(*arguments)


LATER = {
    "no package": ("no_such_package:net", "expected something installed under no_such_package:net"),
    "no network": ("math:pi.as_integer_ratio", "expected something installed"),
    "not a module": ("collections:OrderedDict", r"gives a torch\.nn\.Module, got OrderedDict"),
    "another size": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(5, 2)), "give its size"),
    "no logits": (lambda: Calls(lambda x: (x, x)), r"expected logits \(1, classes\)"),
}


@pytest.mark.parametrize("name", LATER)
def test_what_is_no_network_is_said_when_it_is_loaded(name, added):
    source, words = LATER[name]
    add_network(source, "later", size=16)
    with pytest.raises(ValueError, match=words):
        load_network("later")
