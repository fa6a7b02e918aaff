"""How each method is drawn in every figure of the app: the same colour, symbol and dash everywhere."""

from app.figures.style import Look
from explainers.methods.entropies import CID_NAME, RU_NAME
from explainers.methods.registry import methods

# Okabe and Ito's colours, safe for colour-blind readers, without the yellow that vanishes on white.
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#0072B2")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "hexagon")
DASHES = ("solid", "dash", "dashdot")
# Those often drawn together stand within six of one another: no two of them share a colour. Others come after them.
BASELINES = (
    "saliency",
    "grad_cam",
    "lrp",
    "layer_gradient",
    "activation",
    "input_x_gradient",
    "guided_backprop",
    "cam",
    "guided_grad_cam",
    "deep_lift",
    "integrated_gradients",
    "occlusion",
    "lime",
    "kernel_shap",
    "bottleneck",
)


def style_of(method: str, look: Look) -> dict[str, str]:
    """Colour, symbol and dash of a method; CID, RU and chance have their own.

    >>> from app.figures.style import LIGHT
    >>> style_of("lrp", LIGHT)
    {'color': '#009E73', 'symbol': 'diamond', 'dash': 'solid'}
    """
    ours = {
        CID_NAME: {"color": look.accent, "symbol": "star", "dash": "solid"},
        RU_NAME: {"color": look.second, "symbol": "star-diamond", "dash": "solid"},
        "random": {"color": look.text, "symbol": "circle-open", "dash": "dot"},
    }
    if method in ours:
        return ours[method]
    place = (BASELINES if method in BASELINES else _all()).index(method)
    return {
        "color": COLOURS[place % len(COLOURS)],
        "symbol": SYMBOLS[place % len(SYMBOLS)],
        "dash": DASHES[place // len(COLOURS) % len(DASHES)],
    }


def _all() -> tuple[str, ...]:
    return (*BASELINES, *(name for name in methods() if name not in BASELINES))
