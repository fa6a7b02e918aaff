"""The maps of other methods, with one call for all: `attribute(method, network, layer, inputs, target=…)`.

A method that is not right for a network or a layer is refused with the reason (`applies`), never drawn.
Each call works on its own copy of the network, which shares the weights: the module is left as it was and any
number of threads may explain the same network.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from explainers import baselines_gradient as gradient
from explainers import baselines_layer as layers
from explainers import baselines_perturbation as perturbation
from explainers.baselines_case import Case, predictions
from explainers.baselines_lrp import lrp
from explainers.bottleneck import BottleneckSettings, bottleneck
from explainers.canonical import NotCanonical, canonical_view, kinds, node_label
from explainers.layers import Layer, find_layer
from explainers.networks import Network

__all__ = ["METHODS", "Explanation", "Method", "applies", "attribute", "explain"]


@dataclass(frozen=True)
class Method:
    """A baseline: how it is called, what it shows in one sentence, and what it costs.

    `unit` is that of the map's values; `signed` maps have values below zero that mean something;
    `passes(height, width)` are forward and backward passes for one picture with the default options.
    `refuses` names the kinds of operation (`canonical_modules.KINDS`) that it is not defined for.
    """

    name: str
    title: str
    sentence: str
    signed: bool
    needs_layer: bool
    needs_target: bool
    unit: str
    reference: str
    compute: Callable[..., Tensor]
    passes: Callable[[int, int], tuple[int, int]]
    canonical: bool = False
    refuses: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Explanation:
    """A map (B, 1, H, W) with what it cost: passes for each picture as counted, seconds for all."""

    map: Tensor
    target: Tensor | None
    forward_passes: float
    backward_passes: float
    seconds: float


def _costs(forward: int, backward: int) -> Callable[[int, int], tuple[int, int]]:
    return lambda height, width: (forward, backward)


_IBA = BottleneckSettings()
_ALL = (
    Method(
        "saliency",
        "Saliency",
        "How much the class's score would react to a tiny change of each pixel, whatever the direction.",
        signed=False,
        needs_layer=False,
        needs_target=True,
        unit="score per unit of input",
        reference="Simonyan et al. 2014",
        compute=gradient.saliency,
        passes=_costs(1, 1),
    ),
    Method(
        "input_x_gradient",
        "Input × Gradient",
        "The pixel's value times the score's reaction to it: its share of the score if the network were linear.",
        signed=True,
        needs_layer=False,
        needs_target=True,
        unit="score",
        reference="Shrikumar et al. 2016",
        compute=gradient.input_x_gradient,
        passes=_costs(1, 1),
    ),
    Method(
        "guided_backprop",
        "Guided Backprop",
        "A gradient in which every rectifier lets only positive signals back, which draws sharp outlines.",
        signed=True,
        needs_layer=False,
        needs_target=True,
        unit="score per unit of input",
        reference="Springenberg et al. 2015",
        compute=gradient.guided_backprop,
        passes=_costs(1, 1),
        canonical=True,
        refuses=("activation",),
    ),
    Method(
        "grad_cam",
        "Grad-CAM",
        "The layer's channels added up, each weighted by how much it raises the class's score on average.",
        signed=False,
        needs_layer=True,
        needs_target=True,
        unit="score per position",
        reference="Selvaraju et al. 2017",
        compute=layers.grad_cam,
        passes=_costs(1, 1),
    ),
    Method(
        "guided_grad_cam",
        "Guided Grad-CAM",
        "Guided Backprop's outlines, kept only where Grad-CAM of the layer lights up.",
        signed=True,
        needs_layer=True,
        needs_target=True,
        unit="score² per unit of input",
        reference="Selvaraju et al. 2017",
        compute=layers.guided_grad_cam,
        passes=_costs(2, 2),
        canonical=True,
        refuses=("activation",),
    ),
    Method(
        "cam",
        "CAM",
        "The last feature map's channels added up with the weights that the last layer gives them for the class.",
        signed=True,
        needs_layer=False,
        needs_target=True,
        unit="score",
        reference="Zhou et al. 2016",
        compute=layers.class_activation_map,
        passes=_costs(1, 0),
        canonical=True,
    ),
    Method(
        "layer_gradient",
        "Layer gradient",
        "How strongly the class's score reacts to the layer's feature at each position, over all channels.",
        signed=False,
        needs_layer=True,
        needs_target=True,
        unit="score per unit of feature",
        reference="√(Σ_c (∂y/∂f_c)²), the gradient of Zhang et al. 2022",
        compute=layers.layer_gradient,
        passes=_costs(1, 1),
    ),
    Method(
        "activation",
        "Activation",
        "How strongly the layer is active at each position, over all channels, whatever the class.",
        signed=False,
        needs_layer=True,
        needs_target=False,
        unit="unit of feature",
        reference="√(Σ_c f_c²)",
        compute=layers.activation,
        passes=_costs(1, 0),
    ),
    Method(
        "lrp",
        "LRP",
        "The score is handed back from layer to layer, to each input in proportion to what it contributed.",
        signed=True,
        needs_layer=False,
        needs_target=True,
        unit="score",
        reference="Bach et al. 2015; ε, z⁺ and flat rules as in Kohlbrenner et al. 2020",
        compute=lrp,
        passes=_costs(2, 1),
        canonical=True,
        refuses=("other",),
    ),
    Method(
        "deep_lift",
        "DeepLIFT",
        "Which pixel made how much of the difference between this picture's score and that of a plain grey one.",
        signed=True,
        needs_layer=False,
        needs_target=True,
        unit="score",
        reference="Shrikumar et al. 2017, rescale rule",
        compute=gradient.deep_lift,
        passes=_costs(2, 2),
        canonical=True,
        refuses=("other",),
    ),
    Method(
        "integrated_gradients",
        "Integrated Gradients",
        "The score's reaction to each pixel, added up while the picture fades in from the mean colour.",
        signed=True,
        needs_layer=False,
        needs_target=True,
        unit="score",
        reference="Sundararajan et al. 2017",
        compute=gradient.integrated_gradients,
        passes=_costs(gradient.IG_STEPS, gradient.IG_STEPS),
    ),
    Method(
        "occlusion",
        "Occlusion",
        "How far the class's score falls when a patch over the pixel is covered with the mean colour.",
        signed=True,
        needs_layer=False,
        needs_target=True,
        unit="score",
        reference="Zeiler and Fergus 2014",
        compute=perturbation.occlusion,
        passes=lambda height, width: (perturbation.occlusion_passes(height, width), 0),
    ),
    Method(
        "lime",
        "LIME",
        "Patches of the picture are hidden at random, and a simple linear model learns which of them matter.",
        signed=True,
        needs_layer=False,
        needs_target=True,
        unit="score per superpixel",
        reference="Ribeiro et al. 2016",
        compute=perturbation.lime,
        passes=_costs(perturbation.SAMPLES, 0),
    ),
    Method(
        "kernel_shap",
        "Kernel SHAP",
        "Patches of the picture share the score fairly, as if they were players of a team (Shapley values).",
        signed=True,
        needs_layer=False,
        needs_target=True,
        unit="score per superpixel",
        reference="Lundberg and Lee 2017",
        compute=perturbation.kernel_shap,
        passes=_costs(perturbation.SAMPLES, 0),
    ),
    Method(
        "bottleneck",
        "Information Bottleneck",
        "How many bits of each pixel the layer must let through noise so that the class is still recognised.",
        signed=False,
        needs_layer=True,
        needs_target=True,
        unit="bits per pixel",
        reference="Schulz et al. 2020, per sample",
        compute=bottleneck,
        passes=_costs(_IBA.steps * _IBA.copies + 2, _IBA.steps * _IBA.copies),
    ),
)
METHODS: dict[str, Method] = {method.name: method for method in _ALL}


def attribute(
    method: str | Method,
    network: Network | nn.Module,
    layer: Layer | str | None,
    inputs: Tensor,
    target: int | list[int] | Tensor | None = None,
    **options: object,
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
    **options: object,
) -> Explanation:
    """As `attribute`, with the target that was explained and what the map cost."""
    method = _method(method)
    if inputs.dim() != 4 or not inputs.is_floating_point():
        raise ValueError(f"expected pictures (B, C, H, W) in floating point, got {tuple(inputs.shape)} {inputs.dtype}")
    reason = applies(method, network, layer, inputs)
    if reason:
        raise ValueError(f"{method.title} does not apply: {reason}")
    module = _module(network)
    place = _place(network, layer) if method.needs_layer else None
    start = time.perf_counter()
    pictures = inputs.detach().clone()
    with torch.enable_grad():
        goal = _target(target, Case(module, pictures), method)
        case = Case(module, pictures, goal, place)
        values = method.compute(case, **options).detach()
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

    >>> applies("cam", nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).eval(), None, torch.zeros(1, 3, 2, 2))
    'CAM needs a network that ends in global average pooling and at most one linear layer; this one has a input there'
    """
    method = _method(method)
    if method.needs_layer:
        if layer is None:
            return f"{method.title} looks at a layer; choose one"
        reason = _layer_reason(network, layer)
        if reason:
            return reason
    if not method.canonical:
        return None
    try:
        graph = canonical_view(_module(network), _example(network, example))
    except NotCanonical as problem:
        return f"{method.title} changes the backward pass of a network, and of this one {problem}"
    if method.name == "cam":
        return _cam_reason(network, layer, layers.cam_head(graph))
    found = {node_label(graph, node) for node, kind in kinds(graph) if kind in method.refuses}
    if found:
        return f"{method.title} is not defined for {', '.join(sorted(found))}, which this network uses"
    if "activation" in method.refuses and not any(kind == "rectifier" for _, kind in kinds(graph)):
        return f"{method.title} is the plain gradient here: this network has no ReLU"
    return None


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


def _place(network: Network | nn.Module, layer: Layer | str) -> tuple[str, int]:
    if isinstance(layer, str) and not isinstance(network, nn.Module):
        layer = next((known for known in network.layers if known.name == layer), layer)
    return find_layer(_module(network), layer)


def _layer_reason(network: Network | nn.Module, layer: Layer | str) -> str | None:
    """From the layer's shape, where it is known; else the forward pass finds out."""
    if isinstance(layer, str) and not isinstance(network, nn.Module):
        layer = next((known for known in network.layers if layer in (known.name, known.path)), layer)
    return layers.no_map_reason(layer.shape) if isinstance(layer, Layer) else None


def _cam_reason(network: Network | nn.Module, layer: Layer | str | None, head: layers.CamHead | str) -> str | None:
    if isinstance(head, str) or layer is None or _place(network, layer)[0] in head.paths:
        return head if isinstance(head, str) else None
    named = [] if isinstance(network, nn.Module) else [known.name for known in network.layers]
    known = [] if isinstance(network, nn.Module) else [k.name for k in network.layers if k.path in head.paths]
    last = f", {known[-1]}" if known and named else ""
    return f"CAM exists only for the feature that is pooled into the scores{last}"


def _target(target: int | list[int] | Tensor | None, case: Case, method: Method) -> Tensor | None:
    """(B,) class numbers."""
    if not method.needs_target:
        return None
    count = len(case.inputs)
    if target is None:
        return predictions(case)
    goal = torch.as_tensor(target, device=case.inputs.device).long().reshape(-1)
    if len(goal) not in (1, count):
        raise ValueError(f"expected one target or one for each of {count} pictures, got {len(goal)}")
    return goal.expand(count)
