"""Small networks of every build that the baselines must be right on, or refuse, and slow oracles."""

from collections.abc import Callable

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torchvision import models
from torchvision.models.convnext import CNBlockConfig

from explainers.canonical.network import node_kind
from explainers.networks.architectures.plain import alexnet, vgg16
from explainers.networks.architectures.resnet_cifar import ResNetCIFAR
from explainers.networks.architectures.unet import UNet


class Careless(nn.Module):
    """A network as people write them: one ReLU for all, in-place sums, functions, `x + x`, a size from the input."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(8 * 16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn(self.conv1(x)))
        y = self.conv2(x)
        y += x
        y = self.relu(y)
        y = F.max_pool2d(F.relu(self.conv2(y)), 3, stride=2, padding=1)
        y = torch.cat([y, F.pad(y[:, ::2], (0, 0, 0, 0, 2, 2))], 1)[:, :8]
        y = F.relu(y + y)
        if y.shape[-1] % 4:
            raise ValueError("expected a multiple of 8")
        y = F.adaptive_avg_pool2d(y, 4)
        return self.fc(y.view(y.size(0), -1))


class DataDependent(nn.Module):
    """A branch on values cannot be written down as a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.conv(x))
        y = y * 2 if bool(y.mean() > 0) else y
        return self.fc(y.mean((2, 3)))


def densenet() -> nn.Module:
    return models.DenseNet(growth_rate=4, block_config=(2, 2), num_init_features=8, bn_size=2, num_classes=6)


def convnext() -> nn.Module:
    blocks = [CNBlockConfig(8, 16, 1), CNBlockConfig(16, None, 1)]
    return models.ConvNeXt(blocks, layer_scale=0.5, num_classes=5)


def _vit() -> nn.Module:
    net = models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=5)
    nn.init.normal_(net.heads.head.weight)
    return net


RECTIFIED: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "alexnet": (lambda: alexnet(4, 32, 32), 32),
    "vgg16": (lambda: vgg16(4, 32, 32), 32),
    "vgg16 normalised": (lambda: vgg16(4, 32, 32, normalised=True), 32),
    "ResNet-8": (lambda: ResNetCIFAR(8), 16),
    "ResNet-18": (lambda: models.resnet18(num_classes=6), 48),
    "SqueezeNet": (lambda: models.squeezenet1_1(num_classes=5), 48),
    "DenseNet": (densenet, 32),
    "GoogLeNet": (lambda: models.GoogLeNet(num_classes=5, aux_logits=False, init_weights=False), 48),
    "MobileNetV2": (lambda: models.mobilenet_v2(num_classes=5, width_mult=0.25), 48),
    "U-Net": (lambda: UNet(3, 2, 4, 2), 16),
    "U-Net normalised": (lambda: UNet(3, 2, 4, 2, normalised=True), 16),
    "careless": (Careless, 16),
}
OTHERS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "MobileNetV3": (lambda: models.mobilenet_v3_small(num_classes=5, width_mult=0.5), 32),
    "EfficientNet": (lambda: models.efficientnet_b0(num_classes=5), 32),
    "ConvNeXt": (convnext, 32),
    "ViT": (_vit, 32),
}


def build(name: str, dtype: torch.dtype = torch.float64) -> tuple[nn.Module, Tensor]:
    """The network in evaluation mode, with lively normalisations, and two pictures for it."""
    make, size = (RECTIFIED | OTHERS)[name]
    with torch.random.fork_rng():
        torch.manual_seed(len(name))
        net = make().eval().requires_grad_(False)
        for part in net.modules():
            if isinstance(part, nn.BatchNorm2d):
                for tensor, low in ((part.running_mean, -0.2), (part.running_var, 0.6), (part.bias, -0.2)):
                    nn.init.uniform_(tensor, low, low + 0.5)
        for part in net.modules():
            if isinstance(part, nn.Conv2d | nn.Linear) and part.bias is not None:
                nn.init.uniform_(part.bias, -0.05, 0.05)
        return net.to(dtype), torch.randn(2, 3, size, size, dtype=dtype)


def without_biases(net: nn.Module) -> nn.Module:
    for part in net.modules():
        for name in ("bias", "running_mean"):
            if isinstance(getattr(part, name, None), Tensor):
                getattr(part, name).zero_()
    return net


class Relevance(fx.Interpreter):
    """LRP by one gradient: each operation's output is replaced by z · (output / z), the second factor a constant.

    With z the rule's own pre-activations, input × gradient is then the relevance; this is written without hooks.
    """

    def __init__(self, graph: fx.GraphModule, readout: str = "") -> None:
        super().__init__(graph)
        self.readout = readout
        self.first: list[tuple[nn.Module, Tensor, Tensor]] = []
        self.after: set[fx.Node] = set()

    def run_node(self, n: fx.Node) -> object:
        output = super().run_node(n)
        fed = any(source in self.after for source in n.all_input_nodes)
        kind = node_kind(self.module, n)
        if fed or kind == "linear":
            self.after.add(n)
        if n.op != "call_module":
            return output
        part = self.module.get_submodule(n.target)
        args, _ = self.fetch_args_kwargs_from_env(n)
        if kind == "linear" and not fed:
            leaf = output.detach().requires_grad_()
            self.first.append((part, args[0], leaf))
            return leaf
        if kind == "linear" and (isinstance(part, nn.Linear) or n.name == self.readout):
            return _as(output, output, 1e-6)
        if kind == "linear":
            return _as(output, _z_plus(part, args[0]), 1e-9)
        if kind in ("rectifier", "activation", "normalisation", "affine"):
            return _as(output, args[0], 1e-30)
        return output

    def map_for(self, x: Tensor, target: int) -> Tensor:
        output = self.run(x)
        score = output.view(*output.shape[:2], -1)[:, target].mean(1)
        relevance = torch.zeros_like(x[:, :1])
        for part, _, leaf in self.first:
            (gradient,) = torch.autograd.grad(score.sum(), leaf, retain_graph=True)
            relevance = relevance + _flat(part, x, leaf * gradient)
        return relevance


def _as(output: Tensor, z: Tensor, epsilon: float) -> Tensor:
    sign = torch.where(z >= 0, 1.0, -1.0).to(z)
    carried = z * (output / (z + sign * epsilon)).detach()
    # Where z is zero nothing is carried back, but the value is the output's all the same.
    return carried + (output - carried).detach()


def _z_plus(part: nn.Module, x: Tensor) -> Tensor:
    def run(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if part.transposed:
            return F.conv_transpose2d(x, weight, bias, part.stride, part.padding, part.output_padding, part.groups)
        return F.conv2d(x, weight, bias, part.stride, part.padding, part.dilation, part.groups)

    bias = None if part.bias is None else part.bias.clamp(min=0)
    return run(x * (x > 0), part.weight.clamp(min=0), bias) + run(x * (x < 0), part.weight.clamp(max=0), None)


def _flat(part: nn.Module, x: Tensor, relevance: Tensor) -> Tensor:
    ones = torch.ones_like(x).requires_grad_()
    weight = torch.ones_like(part.weight)
    z = F.conv2d(ones, weight, None, part.stride, part.padding, part.dilation, part.groups)
    return torch.autograd.grad(z, ones, relevance / z)[0].sum(1, keepdim=True)
