"""Layer-wise relevance propagation with the usual composite, by Captum on a canonised network.

Bach et al., "On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance
propagation", PLoS ONE 2015; the composite: Kohlbrenner et al., "Towards best practice in explaining neural
network decisions with LRP", IJCNN 2020. Relevance R_j of a linear map's outputs goes to its inputs as
R_i = Σ_j (z_ij / Σ_i z_ij) R_j with

- z_ij = x_i w_ij in fully connected layers (ε rule), poolings and sums; the 1×1 convolution that gives the scores
  of a network for segmentation is such a layer, at each position;
- z_ij = x_i⁺ w_ij⁺ + x_i⁻ w_ij⁻ and a bias b_j⁺ in convolutions (z⁺ rule, also called α1β0);
- z_ij = 1 in the first layer (flat rule).

Activations and normalisations that could not be merged pass relevance on, and so do rearrangements.
The rules replace `forward` of modules of a private copy and never write to a weight.
"""

import copy

import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import EpsilonRule, IdentityRule, PropagationRule
from torch import Tensor, fx, nn

from explainers.baselines_case import Case
from explainers.canonical import kinds, node_kind
from explainers.canonical_modules import kind_of

EPSILON = 1e-6


class _Composite(LRP):
    """Captum's LRP without its rewriting of the weights, which here are shared and never changed."""

    def _restore_state(self) -> None:
        pass


class _Move(PropagationRule):
    """Values that are only moved take their relevance with them: the gradient does that."""

    def forward_hook(self, module: nn.Module, inputs: tuple, outputs: Tensor) -> Tensor:
        return outputs

    def _manipulate_weights(self, module: nn.Module, inputs: tuple, outputs: Tensor) -> None:
        pass


class _ZPlus(EpsilonRule):
    """z⁺ for inputs of either sign; Captum's Alpha1_Beta0_Rule is meant for non-negative inputs."""

    def _manipulate_weights(self, module: nn.Module, inputs: tuple, outputs: Tensor) -> None:
        bias = None if module.bias is None else module.bias.clamp(min=0)
        positive = _with_weights(module, module.weight.clamp(min=0), bias)
        if bool((inputs[0] >= 0).all()):
            module.forward = positive.forward
            return
        negative = _with_weights(module, module.weight.clamp(max=0), None)
        module.forward = lambda x: positive.forward(x.clamp(min=0)) + negative.forward(x.clamp(max=0))


class _Flat(EpsilonRule):
    """Every input of a position's receptive field gets the same share."""

    def _manipulate_weights(self, module: nn.Module, inputs: tuple, outputs: Tensor) -> None:
        module.forward = _with_weights(module, torch.ones_like(module.weight), None).forward

    def forward_pre_hook_activations(self, module: nn.Module, inputs: tuple) -> tuple:
        for tensor in inputs:
            tensor.data = torch.ones_like(tensor)
        return inputs


def _with_weights(module: nn.Module, weight: Tensor, bias: Tensor | None) -> nn.Module:
    twin = copy.copy(module)
    twin._parameters = {"weight": weight, "bias": bias}
    return twin


RULES = {
    "rectifier": IdentityRule,
    "activation": IdentityRule,
    "normalisation": IdentityRule,
    "affine": IdentityRule,
    "move": _Move,
}


def lrp(case: Case) -> Tensor:
    """R summed over channels, (B, 1, H, W), in units of the target's score; with no biases Σ R is that score."""
    scores = case.canonical()
    scores.average.rule = EpsilonRule()
    _set_rules(scores.net)
    relevance = _Composite(scores).attribute(case.inputs, target=case.target)
    return relevance.sum(1, keepdim=True)


def _set_rules(graph: fx.GraphModule) -> None:
    first, readout = _first_layers(graph), _readout(graph)
    for node, kind in kinds(graph):
        if node.op != "call_module":
            continue
        module = graph.get_submodule(node.target)
        if kind == "linear":
            fully_connected = isinstance(module, nn.Linear) or node is readout
            module.rule = _Flat() if node in first else EpsilonRule(EPSILON) if fully_connected else _ZPlus()
        else:
            module.rule = RULES.get(kind, EpsilonRule)()


def _first_layers(graph: fx.GraphModule) -> set[fx.Node]:
    """Linear maps with none before them."""
    after_one, first = set(), set()
    for node in graph.graph.nodes:
        fed = any(source in after_one for source in node.all_input_nodes)
        linear = node.op == "call_module" and kind_of(graph.get_submodule(node.target)) == "linear"
        if linear and not fed:
            first.add(node)
        if linear or fed:
            after_one.add(node)
    return first


def _readout(graph: fx.GraphModule) -> fx.Node | None:
    """The linear map that gives the scores, with no activation after it."""
    (node,) = next(n for n in graph.graph.nodes if n.op == "output").all_input_nodes
    while node_kind(graph, node) in ("move", "average") and len(node.all_input_nodes) == 1:
        node = node.all_input_nodes[0]
    return node if node_kind(graph, node) == "linear" else None
