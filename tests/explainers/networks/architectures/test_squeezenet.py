"""SqueezeNet for small pictures, beside torchvision's for large ones."""

from dataclasses import replace

import torch
from safetensors.torch import load_file
from torch import nn
from torchvision import models

from explainers.networks.architectures.squeezenet import SqueezeNet, fold_fires
from explainers.networks.specs import SHIPPED
from explainers.train import command
from explainers.train.recipes import RECIPES

NAME = "squeezenet-cifar10"


def test_whole_it_has_torchvisions_layers_but_for_what_shrinks_the_picture_at_once():
    small, large = SqueezeNet(classes=1000), models.squeezenet1_1(weights=None)
    ours, theirs = ([value.shape for value in net.state_dict().values()] for net in (small, large))
    assert ours == theirs
    # The same function where theirs neither strides nor pools at once.
    large.features[0] = nn.Conv2d(3, 64, 3, padding=1)
    large.features[2] = nn.Identity()
    kinds = (nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.Dropout, nn.AdaptiveAvgPool2d)
    chains = [[type(part) for part in net.modules() if isinstance(part, kinds)] for net in (small, large)]
    assert chains[0] == chains[1]
    large.load_state_dict(dict(zip(large.state_dict(), small.state_dict().values(), strict=True)))
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert torch.equal(small.eval()(x), large.eval()(x))


def test_normalisation_of_the_training_is_in_the_convolutions_of_what_ships():
    torch.manual_seed(1)
    net = SqueezeNet(share=0.25, normalised=True)
    for _ in range(3):
        net(0.3 + torch.randn(8, 3, 32, 32))
    with torch.no_grad():
        for part in net.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.weight.uniform_(-1, 2)
                part.bias.normal_()
    x = torch.randn(4, 3, 32, 32)
    folded = fold_fires(net)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded.modules())
    assert any(isinstance(part, nn.BatchNorm2d) for part in net.modules())
    torch.testing.assert_close(folded(x), net.eval()(x), rtol=1e-4, atol=1e-4)


def test_its_recipe_runs_a_few_steps_and_writes_what_the_catalogue_loads(tmp_path):
    labels = torch.arange(36) % 10
    noise = torch.randint(0, 100, (36, 3, 32, 32), generator=torch.Generator().manual_seed(1))
    pictures = (noise + 15 * labels.view(-1, 1, 1, 1)).to(torch.uint8)
    recipe = replace(
        RECIPES[NAME],
        load=lambda folder, split: (pictures, labels),
        epochs=2,
        sizes=((0, 20), (1, 32)),
        batch=12,
        float32=True,
    )
    net = command.train(NAME, recipe, tmp_path, tmp_path / "runs", 0, "cpu")
    reached = command.export(NAME, net, recipe, (pictures, labels), tmp_path, 0)
    (spec,) = (spec for spec in SHIPPED if spec.name == NAME)
    shipped = spec.build(len(spec.classes)).eval()
    shipped.load_state_dict(load_file(tmp_path / f"{NAME}.safetensors"))
    assert reached == command.accuracy(shipped, recipe, pictures, labels)
    pre = spec.preprocessing
    assert (recipe.mean, recipe.std, recipe.size) == (pre.mean, pre.std, pre.crop)
    assert f"`python -m explainers.train {NAME} --data DIR" in (tmp_path / f"{NAME}.md").read_text()
