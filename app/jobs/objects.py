"""What a map in nats says of the picture's object: concentration and localisation, where an object is known."""

from typing import Any

from app.inputs.outline import split_outline
from app.inputs.sentences import sentence
from explainers import CIDResult
from explainers.cid.concentration import concentration
from explainers.evaluation.measures import localisation
from explainers.methods.network_input import NetworkInput

NO_OBJECT = "It needs a mask or a box around the object; this picture has none. Draw one: Object, on the left."


def foreground_of(network_input: NetworkInput) -> dict[str, Any]:
    """The mask, or else the box, as measures take them."""
    return {"mask": network_input.mask} if network_input.mask is not None else {"box": network_input.box}


def foreground_kind(network_input: NetworkInput) -> str:
    """What the object is known by."""
    own = "that you have drawn" if split_outline(network_input.key)[1] else ""
    kind = "box" if network_input.mask is None else "polygon" if own else "mask"
    return f"{kind} {own}".strip()


def located(result: CIDResult, network_input: NetworkInput) -> float | None:
    """Localisation, 0 to 1: what of the n pixels that the layer uses most lies in the object of n pixels."""
    if network_input.mask is None and network_input.box is None:
        return None
    return localisation(-result.entropy[0, 0], **foreground_of(network_input))


def foreground_gain(result: CIDResult, network_input: NetworkInput) -> tuple[float | None, str]:
    """Concentration of the map in nats with the kind of foreground it goes by; where there is none the reason."""
    if network_input.mask is None and network_input.box is None:
        return None, NO_OBJECT
    try:
        return float(concentration(result.entropy, **foreground_of(network_input))), foreground_kind(network_input)
    except ValueError as error:
        return None, sentence(error)
