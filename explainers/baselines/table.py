"""The table of baselines: what each shows, for which networks it is defined, and what it costs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from explainers.baselines import gradient, perturbation
from explainers.baselines import layer as layers
from explainers.baselines.bottleneck import BottleneckSettings, bottleneck
from explainers.baselines.cam import class_activation_map
from explainers.baselines.lrp import lrp


@dataclass(frozen=True)
class Method:
    """A baseline: how it is called, what it shows in one sentence, and what it costs.

    - `unit` is that of the map's values; `signed` maps have values below zero that mean something.
    - `needs_layer`: the map is of a layer, not of the network; `needs_target`: it is of a class.
    - `compute(case, **options)` gives maps (B, 1, H, W) of a `Case`; `canonical`: on `case.canonical()`, where backward
      rules are right, so that a network without such a view has no map.
    - `passes(height, width)` are forward and backward passes for one picture with the default options.
    - `seeded(seed)` are the options that make a map belong to a seed, none for what draws nothing at random.
    - `refuses` names the kinds of operation (`explainers.canonical.modules.KINDS`) that it is not defined for.
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
    seeded: Callable[[int], dict[str, Any]] = lambda seed: {}
    canonical: bool = False
    refuses: tuple[str, ...] = ()


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
        refuses=("activation", "other"),
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
        refuses=("activation", "other"),
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
        compute=class_activation_map,
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
        refuses=("other", "standardisation"),
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
        refuses=("other", "standardisation"),
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
        seeded=lambda seed: {"seed": seed},
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
        seeded=lambda seed: {"seed": seed},
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
        seeded=lambda seed: {"settings": BottleneckSettings(seed=seed)},
    ),
)
METHODS: dict[str, Method] = {method.name: method for method in _ALL}
