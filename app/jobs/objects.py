"""What a map in nats says of the picture's object: concentration and localisation, where an object is known."""

from typing import Any

from app.inputs.network_input import Subject
from app.inputs.outline import split_outline
from app.inputs.sentences import sentence
from explainers import CIDResult
from explainers.cid.concentration import concentration
from explainers.evaluation.measures import localisation

NO_OBJECT = "It needs a mask or a box around the object; this picture has none. Draw one: Object, on the left."


def foreground_of(subject: Subject) -> dict[str, Any]:
    """The mask, or else the box, as measures take them."""
    return {"mask": subject.mask} if subject.mask is not None else {"box": subject.box}


def foreground_kind(subject: Subject) -> str:
    """What the object is known by."""
    own = "that you have drawn" if split_outline(subject.key)[1] else ""
    kind = "box" if subject.mask is None else "polygon" if own else "mask"
    return f"{kind} {own}".strip()


def located(result: CIDResult, subject: Subject) -> float | None:
    """Localisation, 0 to 1: what of the n pixels that the layer uses most lies in the object of n pixels."""
    if subject.mask is None and subject.box is None:
        return None
    return localisation(-result.entropy[0, 0], **foreground_of(subject))


def foreground_gain(result: CIDResult, subject: Subject) -> tuple[float | None, str]:
    """Concentration of the map in nats with the kind of foreground it goes by; where there is none the reason."""
    if subject.mask is None and subject.box is None:
        return None, NO_OBJECT
    try:
        return float(concentration(result.entropy, **foreground_of(subject))), foreground_kind(subject)
    except ValueError as error:
        return None, sentence(error)
