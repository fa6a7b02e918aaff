"""Methods that look at one layer's feature map: Grad-CAM, CAM, the layer's gradient, its activation."""

import math
from dataclasses import dataclass

import torch
from captum.attr import LayerGradCam
from torch import Tensor, fx, nn

from explainers.baselines_case import Case, enlarge
from explainers.baselines_gradient import guided_gradient
from explainers.canonical import node_kind, node_label

GLOBAL = (1, (1, 1), [1, 1])


class Mark(nn.Module):
    """The place that the feature of one call of one layer passes through, as a map (B, C, h, w)."""

    def forward(self, feature: Tensor) -> Tensor:
        return feature.clone()


def no_map_reason(shape: tuple[int, ...] | None) -> str | None:
    """Why a feature of this shape (without the batch axis) is not a map over the picture; None where it is.

    >>> no_map_reason((64, 8, 8)), no_map_reason((197, 768))
    (None, None)
    >>> no_map_reason((512,))
    'this layer has no positions: its feature is a vector of 512 numbers'
    """
    if shape is not None and len(shape) == 3 and shape[1] * shape[2] > 1:
        return None
    if shape is not None and len(shape) == 2 and _token_side(shape[0]):
        return None
    if shape is not None and len(shape) == 3:
        return "this layer has one position only: a map of it would be one colour"
    count = torch.Size(shape or ()).numel()
    return f"this layer has no positions: its feature is a vector of {count} numbers"


def _token_side(tokens: int) -> int:
    """Side of the square of patch tokens, with or without one class token before them; 0 for no square."""
    for patches in (tokens - 1, tokens):
        if patches > 1 and math.isqrt(patches) ** 2 == patches:
            return math.isqrt(patches)
    return 0


def mark(net: nn.Module, place: tuple[str, int]) -> Mark:
    """Put a Mark behind the layer at (path, call) of the private copy `net`; its feature goes through it once.

    Tokens of a transformer become a map of the patches, and go on as tokens with the class token as it was.
    """
    path, call = place
    marker, count = Mark(), [0]

    def start(module: nn.Module, args: tuple) -> None:
        count[0] = 0

    def pass_through(module: nn.Module, args: tuple, output: Tensor) -> Tensor | None:
        count[0] += 1
        if count[0] - 1 != call:
            return None
        reason = no_map_reason(tuple(output.shape[1:]) if isinstance(output, Tensor) else None)
        if reason:
            raise ValueError(f"expected a layer with positions, but {reason}; choose a convolution or a block")
        return marker(output) if output.dim() == 4 else _tokens_through(marker, output)

    net.register_forward_pre_hook(start)
    (net.get_submodule(path) if path else net).register_forward_hook(pass_through)
    return marker


def _tokens_through(marker: Mark, tokens: Tensor) -> Tensor:
    side = _token_side(tokens.shape[1])
    first, patches = tokens[:, : tokens.shape[1] - side**2], tokens[:, tokens.shape[1] - side**2 :]
    passed = marker(patches.transpose(1, 2).unflatten(2, (side, side)))
    return torch.cat([first, passed.flatten(2).transpose(1, 2)], 1)


def keep_output(marker: Mark) -> list[Tensor]:
    """A list that gets the feature of each forward pass."""
    kept: list[Tensor] = []
    marker.register_forward_hook(lambda module, args, output: kept.append(output))
    return kept


def grad_cam(case: Case, relu: bool = True) -> Tensor:
    """max(0, Σ_k α_k A_k) with α_k the mean of ∂y/∂A_k over positions, enlarged bilinearly; by Captum.

    Selvaraju et al., "Grad-CAM", ICCV 2017, Eq. 1 and 2. `relu=False` leaves the negative values.
    """
    scores = case.plain()
    marker = mark(scores.net, case.place)
    inputs = case.inputs.detach().clone().requires_grad_()
    maps = LayerGradCam(scores, marker).attribute(inputs, target=case.target, relu_attributions=relu)
    return enlarge(maps.detach(), case.size)


def guided_grad_cam(case: Case) -> Tensor:
    """Guided backpropagation times the enlarged Grad-CAM map, summed over channels: Selvaraju et al., section 3.2."""
    return guided_gradient(case).sum(1, keepdim=True) * grad_cam(case)


def layer_gradient(case: Case) -> Tensor:
    """√(Σ_c (∂y/∂f_c)²) at each position of the layer's feature f, enlarged bilinearly: the paper's "gradient"."""
    scores = case.plain()
    kept = keep_output(mark(scores.net, case.place))
    inputs = case.inputs.detach().clone().requires_grad_()
    score = scores(inputs).gather(1, case.target[:, None]).sum()
    gradient = torch.autograd.grad(score, kept[0])[0]
    return enlarge(gradient.norm(dim=1, keepdim=True), case.size)


def activation(case: Case) -> Tensor:
    """√(Σ_c f_c²) at each position of the layer's feature f, enlarged bilinearly."""
    scores = case.plain()
    kept = keep_output(mark(scores.net, case.place))
    with torch.no_grad():
        scores(case.inputs)
    return enlarge(kept[0].norm(dim=1, keepdim=True), case.size)


@dataclass(frozen=True, eq=False)
class CamHead:
    """The node that is pooled, the layers that end there, and the weights (classes, K), None for the identity."""

    pooled: fx.Node
    paths: frozenset[str]
    weight: Tensor | None


def cam_head(graph: fx.GraphModule) -> CamHead | str:
    """The end of a canonised network as CAM needs it, or the reason why it has none."""
    (node,) = next(n for n in graph.graph.nodes if n.op == "output").all_input_nodes
    weight = None
    while True:
        kind = node_kind(graph, node)
        part = graph.get_submodule(node.target) if node.op == "call_module" else None
        if kind == "average" and _is_global(part):
            pooled = node.all_input_nodes[0]
            return CamHead(pooled, _paths_ending_at(graph, pooled, node), weight)
        if kind == "linear" and weight is None and _reads_one_position(part):
            weight = part.weight.flatten(1)
        elif kind != "move" or len(node.all_input_nodes) != 1:
            return (
                "CAM needs a network that ends in global average pooling and at most one linear layer; "
                f"this one has a {node_label(graph, node)} there"
            )
        node = node.all_input_nodes[0]


def _is_global(part: nn.Module | None) -> bool:
    if isinstance(part, nn.AdaptiveAvgPool2d):
        return part.output_size in GLOBAL
    options = [*getattr(part, "args", ())[1:], *getattr(part, "kwargs", {}).values()]
    label = getattr(part, "label", "")
    if label == "adaptive_avg_pool2d":
        return options[0] in GLOBAL
    return label == "mean" and any(_is_both_axes(o) for o in options)


def _is_both_axes(option: object) -> bool:
    return isinstance(option, list | tuple) and {axis % 4 for axis in option} == {2, 3}


def _reads_one_position(part: nn.Module) -> bool:
    return isinstance(part, nn.Linear) or (
        isinstance(part, nn.Conv2d) and part.kernel_size == (1, 1) and part.groups == 1 and part.padding == (0, 0)
    )


def _paths_ending_at(graph: fx.GraphModule, pooled: fx.Node, pooling: fx.Node) -> frozenset[str]:
    """Paths of the modules whose output is what is pooled, up to an activation after it."""
    around, paths, node = _stack(pooling), set(), pooled
    while True:
        paths |= _stack(node) - around
        passes = node_kind(graph, node) in ("rectifier", "activation", "normalisation", "move")
        if not passes or len(node.all_input_nodes) != 1:
            return frozenset(paths)
        node = node.all_input_nodes[0]


def _stack(node: fx.Node) -> set[str]:
    return {path for path, _ in (node.meta.get("nn_module_stack") or {}).values()}


def class_activation_map(case: Case) -> Tensor:
    """Σ_k w_k^c A_k of the pooled feature A and the last layer's weights w, enlarged bilinearly.

    Zhou et al., "Learning deep features for discriminative localization", CVPR 2016, Eq. 2. Where the pooling is
    the last layer, A has one map per class and that map is the answer.
    """
    graph = case.canonical_graph()
    head = cam_head(graph)
    if isinstance(head, str):
        raise ValueError(head)
    next(n for n in graph.graph.nodes if n.op == "output").args = (head.pooled,)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    with torch.no_grad():
        feature = graph(case.inputs)
    if head.weight is None:
        maps = feature[torch.arange(len(feature)), case.target]
    else:
        maps = torch.einsum("bk,bkhw->bhw", head.weight[case.target], feature)
    return enlarge(maps[:, None], case.size)
