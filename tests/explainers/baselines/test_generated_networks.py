"""Guided backpropagation and DeepLIFT over random networks of every order of layers, against plain definitions."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from explainers.baselines.explain import applies, attribute
from explainers.canonical.network import canonise
from tests.support.draws import normal
from tests.support.generated_networks import Generated

seeds = st.integers(0, 2**31)
few = settings(max_examples=20, deadline=None)


class Guided(torch.autograd.Function):
    """The rectifier with guided backpropagation written into its derivative."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient.clamp(min=0) * (x > 0)


def picture(seed: int, count: int = 2) -> Tensor:
    return normal(count, 3, 8, 8, seed=seed)


@few
@given(seeds)
def test_the_canonical_copy_is_the_same_function(seed: int) -> None:
    net, x = Generated(seed), picture(seed)
    assert torch.allclose(canonise(net, x)(x), net(x), rtol=1e-9, atol=1e-12)


@few
@given(seeds)
def test_guided_backprop_is_guided_in_every_order(seed: int) -> None:
    net, x = Generated(seed), picture(seed)
    if not any(step.kind == "relu" for step in net.steps):
        assert "no ReLU" in applies("guided_backprop", net, None, x)
        return
    got = attribute("guided_backprop", net, None, x, target=1)
    for step in net.steps:
        if step.kind == "relu":
            step.run = Guided.apply
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(net(leaf)[:, 1].sum(), leaf)
    assert torch.allclose(got, expected.sum(1, keepdim=True), rtol=1e-6, atol=1e-10)


@few
@given(seeds)
def test_deep_lift_is_complete_in_every_order(seed: int) -> None:
    net, x = Generated(seed), picture(seed)
    total = attribute("deep_lift", net, None, x, target=1).sum((1, 2, 3))
    change = (net(x) - net(torch.zeros_like(x)))[:, 1]
    assert torch.allclose(total, change, rtol=1e-6, atol=1e-9)
