"""What has to be said beside the numbers, in plain words: how far they are to be trusted."""

import math
from collections.abc import Mapping, Sequence

from app.flow.known import Variant
from app.words import ROUGH, decimal, number

# Where the samples are all the inputs that there are.
WHOLE = (
    "**At the ceiling:** {where} the estimate comes within 5 % of log {n} = {ceiling} in at least one training, the "
    "entropy of X itself: there are no other inputs, and the layer tells nearly all of them apart."
)
# By flag of an estimate: what it means.
MEANINGS = {
    "near ceiling": (
        "**Near the ceiling:** {where} the estimate comes within 5 % of log n = {ceiling} in at least one training, "
        "the most that {n} samples can show. It then says how many samples there are, not what the layer knows; the "
        "truth may be higher."
    ),
    "many dimensions": (
        "**Many dimensions:** {where} the layer has 15 units or more. No estimator of this kind is accurate there with "
        "as many samples as one can have; read its rise and fall with care, and its height not at all."
    ),
    "few repeats": (
        "**Few propagations:** {where} every input was sent through the network so seldom that h(T|X) is known but "
        "roughly; the value may be too high{gaps}."
    ),
    "unequal draws": (
        "**Unequal draws:** {where} h(T) and h(T|X) come from different numbers of draws, and the difference of "
        "two errors looks like compression where there is none."
    ),
}


def notes(
    flags: Mapping[str, Mapping[str, Sequence[int]]],
    ceiling: float | None,
    unit: str,
    n: int,
    epochs: int,
    whole: bool = False,
    gaps: Mapping[str, float] | None = None,
) -> list[str]:
    """A sentence or two for each flag: which layers have it, and for how much of the training.

    `whole` where X has the n values that were looked at and no others; `gaps`: by layer how much too high a value may
    be in the worst of all trainings and epochs, in the unit.
    """
    found: list[str] = []
    for flag, meaning in MEANINGS.items():
        if flag in flags:
            where = _where(flags[flag], epochs)
            words = f"{number(ceiling)} {unit}" if ceiling is not None else "log n"
            meaning = WHOLE if whole and flag == "near ceiling" else meaning
            found.append(meaning.format(where=where, ceiling=words, n=f"{n:,}", gaps=_gaps(gaps or {}, unit)))
    return found


def joined(parts: Sequence[str]) -> str:
    """
    >>> joined(["a"]), joined(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def why_constant(variant: Variant, n: int, least: float, unit: str) -> str:
    """Why a network without noise has one number for I(X;T), whatever it learns; `least` is the lowest, in nats."""
    scale = 1 / math.log(2) if unit == "bits" else 1.0
    value = f"log {n:,} = {decimal(math.log(n) * scale)} {unit}"
    if variant.discrete:
        fallen = (
            " Only where inputs fall into one and the same point to the last digit is it less, "
            f"{decimal(least * scale)} {unit} at the least."
            if least < math.log(n) - 1e-6
            else ""
        )
        return (
            f"**Without noise T is a function of X.** The {n:,} inputs stay {n:,} different points, however close they "
            f"come to each other; so T tells which input it was, and I(X;T) is **{value}**, at every epoch and in "
            f"every layer, whatever the network learns.{fallen} Where a curve of such a network moves, it measures "
            "something else."
        )
    return (
        "**Without noise T is a function of X**, and X has a density here: I(X;T) is **infinite** at every epoch and "
        f"in every layer. What {n:,} samples can show of it is {value}, a constant that the number of samples sets. "
        "Where a curve of such a network moves, it measures something else."
    )


BINNED = (
    "**The same layer of the same networks, binned.** Earlier work rounded T to bins and took the entropy of that for "
    "I(X;T). Each width tells another story: narrow bins say that nothing is ever lost, wide ones that much is. What "
    "moves is how many points share a bin: clustering, not information."
)


def _where(flagged: Mapping[str, Sequence[int]], epochs: int) -> str:
    """In which layers, all the time or at some of the epochs."""
    always = [layer for layer, at in sorted(flagged.items()) if len(at) >= epochs]
    times = [_times(layer, at) for layer, at in sorted(flagged.items()) if len(at) < epochs]
    if always:
        times.insert(0, f"{'layer' if len(always) == 1 else 'layers'} {joined(always)} throughout")
    return "in " + joined(times)


def _gaps(gaps: Mapping[str, float], unit: str) -> str:
    known = {layer: decimal(gap, 1) if gap > ROUGH else number(gap, 1) for layer, gap in sorted(gaps.items())}
    parts = [f"by up to {gap} {unit} in layer {layer}" for layer, gap in known.items()]
    return f", at the worst of all trainings and epochs {joined(parts)}" if parts else ""


def _times(layer: str, at: Sequence[int]) -> str:
    low, high = min(at), max(at)
    return f"layer {layer} at epoch {low:,}" if low == high else f"layer {layer} between epochs {low:,} and {high:,}"
