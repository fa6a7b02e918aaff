"""Layer-wise relevance propagation with the usual composite, from node to node of a canonised network.

Bach et al., "On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance
propagation", PLoS ONE 2015; the composite: Kohlbrenner et al., "Towards best practice in explaining neural
network decisions with LRP", IJCNN 2020. Relevance R_j of a linear map's outputs goes to its inputs as
R_i = Σ_j (z_ij / Σ_i z_ij) R_j with

- z_ij = x_i w_ij in fully connected layers (ε rule), averages and sums; the 1×1 convolution that gives the scores
  of a network for segmentation is such a layer, at each position;
- z_ij = x_i⁺ w_ij⁺ + x_i⁻ w_ij⁻ and a bias b_j⁺ in convolutions (z⁺ rule, also called α1β0);
- z_ij = 1 in the first layer (flat rule), and wherever nothing contributed to an output: Σ_i z_ij = 0.

Activations, affine maps of single numbers and normalisations that could not be merged pass relevance on; where values
are only moved, as by a maximum, it moves with them. Each node hands back what all its readers gave it: no hooks, so it
does not matter which operations share a tensor, and no module is written to.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_aggregate, map_arg

from explainers.baselines.case import Case
from explainers.canonical.modules import kind_of
from explainers.canonical.network import canonise, kinds, node_kind
from explainers.nested import is_sequence

EPSILON = {"linear": 1e-6, "other": 1e-9}
PASSED_ON = ("rectifier", "activation", "normalisation", "affine")
MOVED = ("move", "maximum")

# What a node gives back: relevance of a tensor, or of each tensor of a tuple, None where none has come.
Relevance = Any
Shares = list[tuple[fx.Node, Relevance]]
Operation = Callable[[dict[fx.Node, Any]], Any]


def lrp(case: Case) -> Tensor:
    """R summed over channels, (B, 1, H, W), in units of the target's score; with no biases Σ R is that score."""
    graph = canonise(case.module, case.inputs)
    run = fx.Interpreter(graph, garbage_collect_values=False)
    with torch.no_grad():
        output = run.run(case.inputs)
    rules = _rules(graph)
    last = next(node for node in graph.graph.nodes if node.op == "output")
    waiting: dict[fx.Node, Relevance] = {last.args[0]: _start(output, case.goal())}
    for node in reversed(graph.graph.nodes):
        if node in waiting and node in rules:
            for source, given in rules[node](run, node, waiting.pop(node)):
                _receive(waiting, source, given)
    # Each operation ran once to know its values and once more to hand relevance back.
    case.passes.add(forward=2 * len(output), backward=len(output))
    relevance = waiting.get(next(node for node in graph.graph.nodes if node.op == "placeholder"))
    return torch.zeros_like(case.inputs[:, :1]) if relevance is None else relevance.sum(1, keepdim=True)


def _start(output: Tensor, target: Tensor) -> Tensor:
    """The target's score; of a score at many positions, the part that each adds to their mean."""
    if output.dim() == 1:
        return output
    chosen = torch.zeros_like(output)
    chosen[torch.arange(len(output), device=output.device), target] = 1
    return chosen * output / output[0, 0].numel()


def _receive(waiting: dict[fx.Node, Relevance], node: fx.Node, given: Relevance) -> None:
    before = waiting.get(node)
    if is_sequence(given):
        pairs: Iterator[tuple[Any, Any]] = zip(before or [None] * len(given), given, strict=True)
        waiting[node] = [b if a is None else a if b is None else a + b for a, b in pairs]
    else:
        waiting[node] = given if before is None else before + given


Rule = Callable[[fx.Interpreter, fx.Node, Relevance], Shares]


def _rules(graph: fx.GraphModule) -> dict[fx.Node, Rule]:
    first, readout = _first_layers(graph), _readout(graph)
    rules: dict[fx.Node, Rule] = {}
    for node, kind in kinds(graph):
        if kind in PASSED_ON:
            rules[node] = _pass_on
        elif kind in MOVED:
            rules[node] = _move
        elif kind != "linear":
            rules[node] = _proportional
        elif node in first:
            rules[node] = _flat
        elif node is readout or isinstance(graph.get_submodule(str(node.target)), nn.Linear):
            rules[node] = _proportional
        else:
            rules[node] = _z_plus
    return rules


def _pass_on(run: fx.Interpreter, node: fx.Node, relevance: Tensor) -> Shares:
    (source,) = _sources(node)
    return [(source, relevance.sum_to_size(run.env[source].shape))]


def _move(run: fx.Interpreter, node: fx.Node, relevance: Relevance) -> Shares:
    return _pull(node, _operation(run, node), {s: run.env[s] for s in _sources(node)}, lambda output: relevance)


def _proportional(run: fx.Interpreter, node: fx.Node, relevance: Tensor) -> Shares:
    values = {source: run.env[source] for source in _sources(node)}
    module = run.module.get_submodule(str(node.target))
    operation = _operation(run, node)
    epsilon = EPSILON["linear" if kind_of(module) == "linear" else "other"]
    shares = _pull(node, operation, values, lambda z: _ratio(relevance, z, epsilon))
    given = [(source, share * values[source]) for source, share in shares]
    unweighted = _uniform(module) if kind_of(module) == "linear" else operation
    return _with_flat_rest(node, given, values, unweighted, relevance * (operation(values) == 0))


def _z_plus(run: fx.Interpreter, node: fx.Node, relevance: Tensor) -> Shares:
    module, (source,) = cast(Any, run.module.get_submodule(str(node.target))), _sources(node)
    bias = None if module.bias is None else module.bias.clamp(min=0)
    positive = _with_weights(module, module.weight.clamp(min=0), bias)
    negative = _with_weights(module, module.weight.clamp(max=0), None)
    x = run.env[source]
    alone = bool((x >= 0).all())

    def operation(values: dict[fx.Node, Tensor]) -> Tensor:
        z = positive(values[source].clamp(min=0))
        return z if alone else z + negative(values[source].clamp(max=0))

    ((_, share),) = _pull(node, operation, {source: x}, lambda z: _ratio(relevance, z, EPSILON["other"]))
    with torch.no_grad():
        rest = relevance * (operation({source: x}) == 0)
    return _with_flat_rest(node, [(source, share * x)], {source: x}, _uniform(module), rest)


def _flat(run: fx.Interpreter, node: fx.Node, relevance: Tensor) -> Shares:
    """Every input of a position's receptive field gets the same share."""
    values = {source: run.env[source] for source in _sources(node)}
    return _evenly(node, _uniform(run.module.get_submodule(str(node.target))), values, relevance)


def _with_flat_rest(
    node: fx.Node, given: Shares, values: dict[fx.Node, Tensor], operation: Operation, rest: Tensor
) -> Shares:
    """`given`, and the relevance of outputs to which nothing contributed in equal shares."""
    if not rest.any():
        return given
    return given + _evenly(node, operation, values, rest)


def _evenly(node: fx.Node, operation: Operation, values: dict[fx.Node, Tensor], relevance: Tensor) -> Shares:
    ones = {source: torch.ones_like(value) for source, value in values.items()}
    return _pull(node, operation, ones, lambda z: _ratio(relevance, z, EPSILON["other"]))


def _ratio(relevance: Tensor, z: Tensor, epsilon: float) -> Tensor:
    return torch.where(z == 0, 0, relevance / (z + torch.where(z < 0, -epsilon, epsilon)))


def _pull(
    node: fx.Node, operation: Operation, values: Mapping[fx.Node, Any], gradient: Callable[[Any], Relevance]
) -> Shares:
    """(source, Jᵀ g) for each source of `node`, J that of `operation` at `values` and g = gradient(output)."""
    leaves = {source: map_aggregate(value, _leaf) for source, value in values.items()}
    with torch.enable_grad():
        output = operation(leaves)
    given = gradient(map_aggregate(output, lambda t: cast(Tensor, t).detach()))
    pairs = [(o, g) for o, g in zip(_listed(output), _listed(given), strict=True) if g is not None]
    wanted = [leaf for value in leaves.values() for leaf in _listed(value)]
    found = _gradients([o for o, _ in pairs], wanted, [g for _, g in pairs])
    back: Shares = []
    for source, value in leaves.items():
        if is_sequence(value):
            back.append((source, [next(found) for _ in value]))
        elif (pulled := next(found)) is not None:
            back.append((source, pulled))
    return back


def _gradients(outputs: list[Tensor], wanted: list[Tensor], given: list[Tensor]) -> Iterator[Tensor | None]:
    yield from torch.autograd.grad(outputs, wanted, given, allow_unused=True)


def _listed(value: Any) -> list[Any]:
    return list(value) if is_sequence(value) else [value]


def _leaf(value: Any) -> Any:
    return value.detach().requires_grad_() if isinstance(value, Tensor) and value.is_floating_point() else value


def _operation(run: fx.Interpreter, node: fx.Node) -> Callable[[Mapping[fx.Node, Any]], Any]:
    """What `node` does, as a function of the values of its sources; all else is as it was."""

    def operation(values: Mapping[fx.Node, Any]) -> Any:
        args, kwargs = map_arg((node.args, node.kwargs), lambda n: values.get(n, run.env[n]))
        return getattr(run, node.op)(node.target, args, kwargs)

    return operation


def _sources(node: fx.Node) -> list[fx.Node]:
    """The nodes with data that `node` reads."""
    return [source for source in node.all_input_nodes if source.meta.get("tensor")]


def _uniform(module: nn.Module) -> Callable[[dict[fx.Node, Tensor]], Tensor]:
    even = _with_weights(module, torch.ones_like(cast(Tensor, module.weight)), None)
    return lambda values: even(*values.values())


def _with_weights(module: nn.Module, weight: Tensor, bias: Tensor | None) -> nn.Module:
    twin = copy.copy(module)
    vars(twin)["_parameters"] = {"weight": weight, "bias": bias}
    return twin


def _first_layers(graph: fx.GraphModule) -> set[fx.Node]:
    """Linear maps with none before them."""
    after_one: set[fx.Node] = set()
    first: set[fx.Node] = set()
    for node in graph.graph.nodes:
        fed = any(source in after_one for source in node.all_input_nodes)
        linear = node.op == "call_module" and kind_of(graph.get_submodule(str(node.target))) == "linear"
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
