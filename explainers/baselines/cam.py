"""Class activation mapping, for networks that end in global pooling and at most one linear layer.

Zhou et al., "Learning deep features for discriminative localization", CVPR 2016.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, fx, nn

from explainers.baselines.case import Case, enlarge
from explainers.canonical.network import node_kind, node_label
from explainers.nested import is_sequence

GLOBAL = (1, (1, 1), [1, 1])


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
        part = graph.get_submodule(str(node.target)) if node.op == "call_module" else None
        if kind == "average" and _is_global(part):
            pooled = node.all_input_nodes[0]
            return CamHead(pooled, _paths_ending_at(graph, pooled, node), weight)
        if kind == "linear" and weight is None and part is not None and _reads_one_position(part):
            weight = cast(Tensor, part.weight).flatten(1)
        elif kind != "move" or len(node.all_input_nodes) != 1:
            return (
                "CAM needs a network that ends in global average pooling and at most one linear layer after it; "
                f"the end of this one is {_end(graph, node)}"
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
    return is_sequence(option) and {axis % 4 for axis in option if isinstance(axis, int)} == {2, 3}


def _reads_one_position(part: nn.Module) -> bool:
    return isinstance(part, nn.Linear) or (
        isinstance(part, nn.Conv2d) and part.kernel_size == (1, 1) and part.groups == 1 and part.padding == (0, 0)
    )


def _paths_ending_at(graph: fx.GraphModule, pooled: fx.Node, pooling: fx.Node) -> frozenset[str]:
    """Paths of the modules whose output is what is pooled, up to an activation after it."""
    around, node = _stack(pooling), pooled
    paths: set[str] = set()
    while True:
        paths |= _stack(node) - around
        passes = node_kind(graph, node) in ("rectifier", "activation", "normalisation", "move")
        if not passes or len(node.all_input_nodes) != 1:
            return frozenset(paths)
        node = node.all_input_nodes[0]


def _stack(node: fx.Node) -> set[str]:
    stack: dict[str, tuple[str, object]] = node.meta.get("nn_module_stack") or {}
    return {path for path, _ in stack.values()}


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
        maps = feature[torch.arange(len(feature), device=feature.device), case.target]
    else:
        maps = torch.einsum("bk,bkhw->bhw", head.weight[case.target], feature)
    return enlarge(maps[:, None], case.size)


def _end(graph: fx.GraphModule, node: fx.Node) -> str:
    """The first thing from the end that stands in the way of CAM."""
    return "all linear" if node.op == "placeholder" else f"a {node_label(graph, node)} before the scores"
