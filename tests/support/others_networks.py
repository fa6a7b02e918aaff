"""Networks as other projects write them."""

import torch
from torch import nn
from torch.nn import functional as F


def lively(net: nn.Module, seed: int = 0) -> nn.Module:
    """Weights and running statistics that matter: another order or another statistic is another function."""
    torch.manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    return net.eval()


class OthersBlock(nn.Module):
    """A residual block as it is written elsewhere: functional ReLUs, the shortcut under `name`, options A and B."""

    expansion = 1

    def __init__(self, inner: int, width: int, stride: int, option: str, name: str, groups: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(inner, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.name, self.stride, self.pad = name, stride, (width - inner) // 2
        if option == "B" and inner != width:
            setattr(self, name, nn.Sequential(nn.Conv2d(inner, width, 1, stride, bias=False), nn.BatchNorm2d(width)))

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if hasattr(self, self.name):
            return F.relu(out + getattr(self, self.name)(x))
        around = (
            x if self.pad == 0 else F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.pad, self.pad))
        )
        return F.relu(out + around)


class OthersResNet(nn.Module):
    """Stages of others' residual networks for small pictures; the head is called `linear`."""

    def __init__(self, counts, width, classes, option="A", name="shortcut"):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inner = width
        for stage, count in enumerate(counts, start=1):
            outer, blocks = width * 2 ** (stage - 1), []
            for place in range(count):
                stride = 2 if stage > 1 and place == 0 else 1
                blocks.append(OthersBlock(inner, outer, stride, option, name))
                inner = outer
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.stages, self.linear = len(counts), nn.Linear(inner, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.linear(F.adaptive_avg_pool2d(x, 1).flatten(1))


def sixteen() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 3))
