"""Random networks of every order of layers, spelt as people spell them, with their relevance written out densely."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CHANNELS = 4


@dataclass(eq=False)
class Step:
    """One operation: what it is, the values that it reads (their numbers), how it is computed, and its module."""

    kind: str
    reads: tuple[int, ...]
    run: Callable[..., Tensor]
    module: nn.Module | None = None


class Generated(nn.Module):
    """Values v₀ = x, v₁, … each made by one step from earlier ones, pooled and read out by a linear layer."""

    def __init__(self, seed: int, biased: bool = True, length: int = 9) -> None:
        super().__init__()
        self.choose = random.Random(seed)
        self.biased = biased
        self.parts = nn.ModuleList()
        self.steps: list[Step] = []
        self.shapes: list[tuple[int, int]] = [(3, 8)]
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self._add("conv", (0,))
            for _ in range(length):
                self._grow()
            last = len(self.shapes) - 1
            self._add("pool to one", (last,))
            self._add("flatten", (last + 1,))
            self._add("linear", (last + 2,))
        self.double().eval().requires_grad_(False)

    def _grow(self) -> None:
        last = len(self.shapes) - 1
        kind = self.choose.choice(["conv", "norm", "norm", "affine", "relu", "relu", "pool", "average", "sum", "cat"])
        alike = [i for i, shape in enumerate(self.shapes) if shape == self.shapes[last] and i > 0]
        if kind in ("pool", "average") and self.shapes[last][1] < 4:
            kind = "relu"
        self._add(kind, (self.choose.choice(alike), last) if kind in ("sum", "cat") else (last,))

    def _add(self, kind: str, reads: tuple[int, ...]) -> None:
        channels, side = self.shapes[reads[0]]
        step, shape = getattr(self, "_" + kind.replace(" ", "_"))(reads, channels, side)
        if step.module is not None:
            self.parts.append(step.module)
        self.steps.append(step)
        self.shapes.append(shape)

    def _conv(self, reads, channels, side):
        conv = nn.Conv2d(channels, CHANNELS, self.choose.choice([1, 3]), padding="same", bias=self.biased)
        return Step("conv", reads, conv, conv), (CHANNELS, side)

    def _norm(self, reads, channels, side):
        norm = nn.BatchNorm2d(channels)
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.running_var, 0.5, 1.5)
        before = self.steps[reads[0] - 1]
        while before.kind == "norm":
            before = self.steps[before.reads[0] - 1]
        # Merged with its convolution it would give that a bias.
        if self.biased or before.kind != "conv":
            nn.init.uniform_(norm.bias, -0.3, 0.3)
            nn.init.uniform_(norm.running_mean, -0.3, 0.3)
        return Step("norm", reads, norm, norm), (channels, side)

    def _affine(self, reads, channels, side):
        c = self.choose.uniform(0.3, 2.0) * self.choose.choice([-1, 1])
        spelling = self.choose.choice(
            [lambda x: x * c, lambda x: c * x, lambda x: x + c, lambda x: c - x, lambda x: x / c, lambda x: -x]
        )
        return Step("affine", reads, spelling), (channels, side)

    def _relu(self, reads, channels, side):
        module = nn.ReLU()
        spelling = self.choose.choice([module, F.relu, torch.relu, lambda x: x.relu(), lambda x: x.clamp(min=0)])
        return Step("relu", reads, spelling, module if spelling is module else None), (channels, side)

    def _pool(self, reads, channels, side):
        module = nn.MaxPool2d(2)
        spelling = self.choose.choice([module, lambda x: F.max_pool2d(x, 2)])
        return Step("pool", reads, spelling, module if spelling is module else None), (channels, side // 2)

    def _average(self, reads, channels, side):
        module = nn.AvgPool2d(2)
        spelling = self.choose.choice([module, lambda x: F.avg_pool2d(x, 2)])
        return Step("average", reads, spelling, module if spelling is module else None), (channels, side // 2)

    def _sum(self, reads, channels, side):
        return Step("sum", reads, lambda x, y: x + y), (channels, side)

    def _cat(self, reads, channels, side):
        return Step("cat", reads, lambda x, y: torch.cat([x, y], 1)), (2 * channels, side)

    def _pool_to_one(self, reads, channels, side):
        module = nn.AdaptiveAvgPool2d(1)
        spelling = self.choose.choice([module, lambda x: x.mean((2, 3), keepdim=True)])
        return Step("average", reads, spelling, module if spelling is module else None), (channels, 1)

    def _flatten(self, reads, channels, side):
        return Step("flatten", reads, lambda x: x.flatten(1)), (channels, 0)

    def _linear(self, reads, channels, side):
        linear = nn.Linear(channels, 3, bias=self.biased)
        return Step("linear", reads, linear, linear), (3, 0)

    def values(self, x: Tensor) -> list[Tensor]:
        values = [x]
        for step in self.steps:
            values.append(step.run(*(values[i] for i in step.reads)))
        return values

    def forward(self, x: Tensor) -> Tensor:
        return self.values(x)[-1]


def dense_relevance(net: Generated, x: Tensor, target: int) -> Tensor:
    """LRP of one picture x (1, 3, H, W) from the definition: every share z_ij / Σ z_ij as an entry of a matrix."""
    values = net.values(x)
    readers = [[s for s in net.steps if i in s.reads] for i in range(len(values))]
    relevance = [torch.zeros_like(value) for value in values]
    relevance[-1][0, target] = values[-1][0, target]
    fed: set[int] = set()
    first = set()
    for number, step in enumerate(net.steps, 1):
        inside = any(i in fed for i in step.reads)
        if step.kind in ("conv", "linear"):
            if not inside:
                first.add(number)
            inside = True
        if inside:
            fed.add(number)
    for number in range(len(net.steps), 0, -1):
        step, given = net.steps[number - 1], relevance[number]
        for place, share in zip(step.reads, _shares(net, step, number, values, readers, first, given), strict=True):
            relevance[place] = relevance[place] + share
    return relevance[0].sum(1, keepdim=True)


def _shares(net, step, number, values, readers, first, given) -> list[Tensor]:
    x = values[step.reads[0]]
    if step.kind in ("norm", "affine", "relu"):
        return [given]
    if step.kind == "flatten":
        return [given.view_as(x)]
    if step.kind == "cat":
        return list(given.split([values[i].shape[1] for i in step.reads], 1))
    if step.kind == "sum":
        y = values[step.reads[1]]
        z = x + y
        return [torch.where(z == 0, 0.5, part / (z + _signed(z, 1e-9))) * given for part in (x, y)]
    if step.kind == "pool":
        return [_winners(x, given)]
    if step.kind == "average":
        matrix = _matrix(step.run, x)
        return [_spread(matrix * x.flatten(), torch.zeros_like(matrix[:, 0]), matrix, given, 1e-9).view_as(x)]
    weight, bias = step.module.weight, step.module.bias
    if step.kind == "conv" and number in first:
        ones = _matrix(_convolution(torch.ones_like(weight), None), x)
        return [_spread(ones, torch.zeros_like(ones[:, 0]), ones, given, 1e-9).view_as(x)]
    merged = number
    while step.kind == "conv" and len(readers[merged]) == 1 and readers[merged][0].kind == "norm":
        norm = readers[merged][0].module
        merged = net.steps.index(readers[merged][0]) + 1
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = norm.bias + ((0 if bias is None else bias) - norm.running_mean) * scale
        weight = weight * scale.view(-1, 1, 1, 1)
    function = F.linear if step.kind == "linear" else F.conv2d
    ones = torch.ones_like(weight)
    matrix = _matrix(lambda v: _convolution(weight, None)(v) if function is F.conv2d else F.linear(v, weight), x)
    support = _matrix(lambda v: _convolution(ones, None)(v) if function is F.conv2d else F.linear(v, ones), x)
    b = torch.zeros(given.shape[1], dtype=x.dtype) if bias is None else bias
    b = b.repeat_interleave(given[0, 0].numel())
    z = matrix * x.flatten()
    if step.kind == "conv":
        return [_spread(z.clamp(min=0), b.clamp(min=0), support, given, 1e-9).view_as(x)]
    return [_spread(z, b, support, given, 1e-6).view_as(x)]


def _convolution(weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    return lambda v: F.conv2d(v, weight, bias, padding="same")


def _matrix(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """(outputs, inputs) of a linear function, one basis vector at a time."""
    basis = torch.eye(x.numel(), dtype=x.dtype).view(-1, *x.shape[1:])
    return torch.stack([function(vector[None]).flatten() for vector in basis], 1)


def _spread(z: Tensor, bias: Tensor, support: Tensor, given: Tensor, epsilon: float) -> Tensor:
    """Σ_j z_ij / Σ_i z_ij R_j for z (outputs, inputs); in equal shares where that sum is zero."""
    total = z.sum(1) + bias
    share = z / (total + _signed(total, epsilon))[:, None]
    even = support / support.sum(1, keepdim=True)
    return torch.where(total[:, None] == 0, even, share).T @ given.flatten()


def _signed(z: Tensor, epsilon: float) -> Tensor:
    return torch.where(z < 0, -epsilon, epsilon)


def _winners(x: Tensor, given: Tensor) -> Tensor:
    """Relevance of each 2×2 window to the first of its largest values."""
    out = torch.zeros_like(x)
    for c in range(x.shape[1]):
        for i in range(given.shape[2]):
            for j in range(given.shape[3]):
                window = x[0, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].flatten()
                place = int((window == window.max()).nonzero()[0])
                out[0, c, 2 * i + place // 2, 2 * j + place % 2] += given[0, c, i, j]
    return out
