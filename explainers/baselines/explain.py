"""The maps of other methods, with one call for all: `attribute(method, network, layer, inputs, target=…)`.

A method that is not right for a network or a layer is refused with the reason (`applies`), never drawn.
Each call works on its own copy of the network, which shares the weights: the module is left as it was and any
number of threads may explain the same network.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explainers.baselines.cam import CamHead, cam_head
from explainers.baselines.case import Case, Passes
from explainers.baselines.layer import scores_of_feature
from explainers.baselines.positions import Layout, find_layout, no_positions
from explainers.baselines.table import METHODS, Method
from explainers.canonical.network import NotCanonical, canonical_view, kinds, node_label
from explainers.networks.catalogue import Network
from explainers.networks.copies import structural_copy, weight_dtype
from explainers.networks.features import Feature
from explainers.networks.inputs import check_inputs
from explainers.networks.layers import Layer, find_layer
from explainers.networks.silence import gradient_fault
from explainers.networks.trial import check_finite, check_function, once
from explainers.surroundings import plain_arithmetic

__all__ = ["METHODS", "Explanation", "Method", "applies", "attribute", "explain"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """A map (B, 1, H, W) with what it cost: passes for each picture as counted, seconds for all."""

    map: Tensor
    target: Tensor | None
    forward_passes: float
    backward_passes: float
    seconds: float

    # No picture is recovered.
    reconstruction = None

    @property
    def values(self) -> np.ndarray:
        """The first picture's map (H, W)."""
        return self.map[0, 0].numpy()

    @property
    def numbers(self) -> dict[str, float]:
        """What the map cost, by the names of the fields."""
        names = ("forward_passes", "backward_passes", "seconds")
        return {name: getattr(self, name) for name in names}


def attribute(
    method: str | Method,
    network: Network | nn.Module,
    layer: Layer | str | None,
    inputs: Tensor,
    target: int | list[int] | Tensor | None = None,
    **options: Any,
) -> Tensor:
    """The map (B, 1, H, W) of `method` for pictures (B, C, H, W) in network units, on their device.

    `target` is a class, one for each picture, or None for the class that the network gives the highest score; a
    network that gives a class's score at many positions is explained by their mean. Maps of a layer are
    enlarged bilinearly to the size of the picture, as in the papers of CAM and Grad-CAM. Attributions of the
    colour channels are added up, those of saliency by their largest. `options` are those of the method's
    function (`steps`, `samples`, `seed`, `baseline`, `settings`, `reference`, …).

    Raises ValueError, with the reason of `applies`, where the method is not right for the network or layer.

    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2, bias=False)).eval()
    >>> x = torch.ones(1, 3, 2, 2)
    >>> torch.allclose(attribute("input_x_gradient", net, None, x, target=1).sum(), net(x)[0, 1])
    True
    """
    return explain(method, network, layer, inputs, target, **options).map


def explain(
    method: str | Method,
    network: Network | nn.Module,
    layer: Layer | str | None,
    inputs: Tensor,
    target: int | list[int] | Tensor | None = None,
    progress: Callable[[float], None] | None = None,
    **options: Any,
) -> Explanation:
    """As `attribute`, with the target that was explained and what the map cost.

    `progress` is told the share of the passes that have been made, 0 to 1, as far as that can be foreseen.
    """
    method = _method(method)
    check_inputs(inputs)
    module = _module(network)
    with plain_arithmetic():
        pictures = inputs.detach().to(weight_dtype(structural_copy(module, "meta", widen=True))).clone()
        scores = Case(module, pictures).plain()
        check_function(module, lambda x: scores(x).flatten(1), pictures)
        with torch.no_grad():
            said = scores(pictures)
        check_finite(said)
        reason = applies(method, network, layer, pictures)
        if reason:
            raise ValueError(f"{method.title} does not apply: {reason}")
        place, layout = _located(method, network, layer, pictures) if method.needs_layer else (None, None)
        goal = _target(target, said) if method.needs_target else None
        if (method.needs_layer or not method.canonical) and method.passes(*inputs.shape[-2:])[1]:
            _check_gradient(Case(module, pictures, goal, place, layout))
        start = time.perf_counter()
        expected = len(inputs) * sum(method.passes(*inputs.shape[-2:]))
        case = Case(module, pictures, goal, place, layout, Passes(told=_share(progress, expected)))
        values = method.compute(case, **options).detach()
        check_finite(values)
    count = len(inputs)
    seconds = time.perf_counter() - start
    return Explanation(values, goal, case.passes.forward / count, case.passes.backward / count, seconds)


def applies(
    method: str | Method,
    network: Network | nn.Module,
    layer: Layer | str | None = None,
    example: Tensor | None = None,
) -> str | None:
    """None where `method` is right for the network and layer, else the reason in a sentence.

    `example` (B, C, H, W) tells the size of the pictures of a bare module; a `Network` knows it.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU(), nn.Flatten(), nn.Linear(4, 2)).eval()
    >>> applies("guided_backprop", net, None, torch.zeros(1, 3, 3, 3))
    'Guided Backprop is not defined for GELU, which this network uses'
    """
    method = _method(method)
    if method.needs_layer:
        if layer is None:
            return f"{method.title} looks at a layer; choose one"
        reason = _layer_reason(network, layer)
        if reason:
            return reason
    if method.name == "bottleneck" and isinstance(network, Network) and network.reconstructs:
        return f"{method.title} asks for a class to be recognised, and this network has none: it gives the picture back"
    if not method.canonical:
        return None
    try:
        graph = canonical_view(_module(network), _example(network, example))
    except NotCanonical as problem:
        return f"{method.title} changes the backward pass of a network, and of this one {problem}"
    if method.name == "cam":
        return _cam_reason(network, layer, cam_head(graph))
    found = {node_label(graph, node) for node, kind in kinds(graph) if kind in method.refuses}
    if found:
        return f"{method.title} is not defined for {', '.join(sorted(found))}, which this network uses"
    if "activation" in method.refuses and not any(kind == "rectifier" for _, kind in kinds(graph)):
        return f"{method.title} is the plain gradient here: this network has no ReLU"
    return None


def _share(progress: Callable[[float], None] | None, expected: int) -> Callable[[int], None] | None:
    return None if progress is None else lambda made: progress(min(made / expected, 1.0))


def _method(method: str | Method) -> Method:
    if isinstance(method, Method):
        return method
    if method not in METHODS:
        raise ValueError(f"expected one of the methods {', '.join(METHODS)}; got '{method}'")
    return METHODS[method]


def _module(network: Network | nn.Module) -> nn.Module:
    return network if isinstance(network, nn.Module) else network.module


def _example(network: Network | nn.Module, example: Tensor | None) -> Tensor:
    if example is not None:
        return example[:1]
    if isinstance(network, nn.Module):
        raise ValueError("expected an example picture for a bare module, got none; give example=(1, C, H, W)")
    weight = next(network.module.parameters())
    return torch.zeros(1, 3, *network.input_size, device=weight.device, dtype=weight.dtype)


def _layer(network: Network | nn.Module, layer: Layer | str) -> Layer | str:
    """The listed layer that a `Network`'s name means; what it is for a bare module, `find_layer` knows."""
    if isinstance(layer, str) and not isinstance(network, nn.Module):
        return next((known for known in network.layers if known.name == layer), layer)
    return layer


def _located(
    method: Method, network: Network | nn.Module, layer: Layer | str | None, pictures: Tensor
) -> tuple[tuple[str, int], Layout]:
    """(path, call) of the layer, and where the positions of its feature are."""
    assert layer is not None
    feature = Feature(_module(network), _layer(network, layer))
    feature.pictures(pictures)
    place = feature.path, feature.call
    layout = find_layout(_module(network), feature.output, pictures, place)
    if isinstance(layout, str):
        raise ValueError(f"{method.title} does not apply: {layout}; choose a convolution or a block")
    return place, layout


def _layer_reason(network: Network | nn.Module, layer: Layer | str) -> str | None:
    """From the layer's shape, where it is known; else the forward pass finds out."""
    layer = _layer(network, layer)
    return no_positions(layer.shape) if isinstance(layer, Layer) else None


def _cam_reason(network: Network | nn.Module, layer: Layer | str | None, head: CamHead | str) -> str | None:
    if isinstance(head, str):
        return head
    if layer is None or find_layer(_module(network), _layer(network, layer))[0] in head.paths:
        return None
    known = [] if isinstance(network, nn.Module) else [k.name for k in network.layers if k.path in head.paths]
    return "CAM exists only for the feature that is pooled into the scores" + (f", {known[-1]}" if known else "")


def _check_gradient(case: Case) -> None:
    """Raises ValueError where the scores do not move as their gradient says: by the layer's feature, or the picture."""

    def check() -> None:
        h, x = (case.plain(), case.inputs) if case.place is None else scores_of_feature(case)
        # A feature may be of any magnitude.
        unit = 1.0 if case.place is None else float(x.std(correction=0)) or 1.0
        fault = gradient_fault(lambda values: h(values * unit), x / unit)
        if fault:
            raise ValueError(
                f"expected scores with a gradient that tells how they move, got scores that move {fault}; take that "
                "part out, or choose a method that needs no gradient, such as occlusion"
            )

    what = ("scores' gradient", case.place, case.inputs.shape[1:], case.inputs.dtype, case.inputs.device)
    once(case.module, what, check)


def _target(target: int | list[int] | Tensor | None, scores: Tensor) -> Tensor:
    """(B,) class numbers, of scores (B, classes)."""
    if target is None:
        return scores.argmax(1)
    count, classes = scores.shape
    try:
        goal = torch.as_tensor(target, device=scores.device).reshape(-1)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(
            f"expected target classes from 0 to {classes - 1}, got {target!r:.60}; give numbers of classes"
        ) from None
    whole = not goal.is_floating_point() and not goal.is_complex() and goal.dtype != torch.bool
    if not whole or not bool(((goal >= 0) & (goal < classes)).all()):
        got = [number.item() for number in goal]
        raise ValueError(f"expected target classes from 0 to {classes - 1}, got {got}; choose one of those")
    if len(goal) not in (1, count):
        raise ValueError(f"expected one target or one for each of {count} pictures, got {len(goal)}")
    return goal.long().expand(count)
