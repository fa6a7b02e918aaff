"""Methods that need one gradient, or a few: saliency, Input×Gradient, guided, integrated, DeepLIFT; by Captum."""

import warnings

import torch
from captum.attr import DeepLift, GuidedBackprop, InputXGradient, IntegratedGradients, Saliency
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR, nonlinear
from torch import Tensor, nn

from explainers.baselines.case import Case
from explainers.canonical.modules import ClippedReLU, Elementwise, MaxPooling

IG_STEPS = 50
# So many in one pass: whoever cancels waits for no more than an operation on them.
IG_PIXELS = 200_000
# Captum tells of hooks and flags that it sets: on copies of ours alone.
warnings.filterwarnings("ignore", message=r"\s*Setting (forward, )?backward hooks", category=UserWarning)
warnings.filterwarnings("ignore", message=r"Input Tensor \d+ did not already require gradients", category=UserWarning)


def saliency(case: Case) -> Tensor:
    """max_c |∂y/∂x_c|: Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks", 2014, section 3.1."""
    return Saliency(case.plain()).attribute(case.inputs, target=case.target, abs=True).amax(1, keepdim=True)


def input_x_gradient(case: Case) -> Tensor:
    """Σ_c x_c ∂y/∂x_c: Shrikumar et al., "Not just a black box", 2016."""
    return InputXGradient(case.plain()).attribute(case.inputs, target=case.target).sum(1, keepdim=True)


def guided_gradient(case: Case) -> Tensor:
    """(B, C, H, W) of guided backpropagation, before the sum over channels."""
    return GuidedBackprop(case.canonical()).attribute(case.inputs, target=case.target)


def guided_backprop(case: Case) -> Tensor:
    """Σ_c of the gradient in which each rectifier lets only positive gradients through.

    Springenberg et al., "Striving for simplicity", ICLR workshop 2015, section 3.4.
    """
    return guided_gradient(case).sum(1, keepdim=True)


def integrated_gradients(case: Case, steps: int = IG_STEPS, baseline: float | Tensor = 0.0) -> Tensor:
    """Σ_c (x − x₀)_c ∫₀¹ ∂y/∂x_c (x₀ + t (x − x₀)) dt; x₀ is the mean colour, 0 in network units.

    Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", ICML 2017, Eq. 1. Completeness:
    the map sums to y(x) − y(x₀), as far as the quadrature of `steps` points is exact.
    """
    method = IntegratedGradients(case.plain())
    at_once = max(len(case.inputs), IG_PIXELS // case.inputs[0, 0].numel())
    maps = method.attribute(
        case.inputs, baselines=baseline, target=case.target, n_steps=steps, internal_batch_size=at_once
    )
    return maps.to(case.inputs.dtype).sum(1, keepdim=True)


def deep_lift(case: Case, baseline: float | Tensor = 0.0) -> Tensor:
    """Σ_c (x − x₀)_c m_c with the multipliers m of the rescale rule; the map sums to y(x) − y(x₀).

    Shrikumar, Greenside, Kundaje, "Learning important features through propagating activation differences",
    ICML 2017, section 3.5.1; x₀ is the mean colour, 0 in network units.
    """
    method = DeepLift(case.canonical())
    return method.attribute(case.inputs, baselines=baseline, target=case.target).sum(1, keepdim=True)


def _max_pooling_rule(
    module: nn.MaxPool2d, inputs: Tensor, outputs: Tensor, grad_input: Tensor, grad_output: Tensor, eps: float = 1e-10
) -> Tensor:
    """Multipliers of max-pooling: each change of an output goes to the places of the two maxima.

    As Captum's rule, but right where windows overlap (a place that is the maximum of several windows gets all
    of their changes) and, where nothing changed, with each picture's own gradient.
    """
    x, x0 = inputs.chunk(2)
    y, y0 = outputs.chunk(2)
    highest = torch.maximum(y, y0)
    change = torch.cat([highest - y0, y - highest])
    with torch.enable_grad():
        at = inputs.detach().requires_grad_()
        shares = torch.autograd.grad(nn.MaxPool2d.forward(module, at), at, grad_output * change)[0]
    share = torch.add(*shares.chunk(2))
    difference = x - x0
    multiplier = torch.where(difference.abs() < eps, torch.zeros_like(share), share / difference)
    gradient = grad_input.chunk(2)[0]
    return torch.cat(2 * [torch.where(difference.abs() < eps, gradient, multiplier)])


# Only types of this project are added: Captum's own behave as before.
SUPPORTED_NON_LINEAR.update({ClippedReLU: nonlinear, Elementwise: nonlinear, MaxPooling: _max_pooling_rule})
